/* blob_range.c - see blob_range.h. */
#include "api/blob_range.h"

#include <time.h>

/* Digits at *p; false if there are none or too many. */
static bool take_number(const char **p, int64_t *ret)
{
	int64_t n = 0;
	const char *start = *p;

	while (**p >= '0' && **p <= '9') {
		if (n > (INT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (*(*p)++ - '0');
	}
	*ret = n;
	return *p != start;
}

enum range_kind range_parse(const char *header, int64_t size, int64_t *ret_offset,
    int64_t *ret_length)
{
	int64_t first = 0, last = INT64_MAX;
	const char *p = header;
	bool has_first;

	if (p == NULL || !str_istarts(str_c(p), STR("bytes=")))
		return RANGE_NONE;
	p += strlen("bytes=");
	has_first = *p != '-';
	if (has_first && !take_number(&p, &first))
		return RANGE_NONE;
	if (*p++ != '-')
		return RANGE_NONE;
	if (*p != '\0' && !take_number(&p, &last))
		return RANGE_NONE;
	if (*p != '\0' || (!has_first && last == INT64_MAX) || last < first)
		return RANGE_NONE;
	if (!has_first) {	/* the last so many bytes */
		if (last == 0 || size == 0)
			return RANGE_OUTSIDE;
		first = last < size ? size - last : 0;
		last = size - 1;
	}
	if (first >= size)
		return RANGE_OUTSIDE;
	if (last >= size)
		last = size - 1;
	*ret_offset = first;
	*ret_length = last - first + 1;
	return RANGE_PART;
}

/* A list of entity tags; weak ones compare by their text. */
static bool tag_listed(const char *list, const char *etag)
{
	size_t n = strlen(etag);

	for (const char *p = list; *p != '\0';) {
		p += strspn(p, ", \t");
		if (*p == '*' && p[1 + strspn(p + 1, " \t")] == '\0')
			return true;
		if (p[0] == 'W' && p[1] == '/')
			p += 2;
		if (strncmp(p, etag, n) == 0 && strchr(", \t", p[n]) != NULL)
			return true;
		/* some clients leave the quotes out */
		if (n > 2 && strncmp(p, etag + 1, n - 2) == 0 && strchr(", \t", p[n - 2]) != NULL)
			return true;
		p += strcspn(p, ",");
	}
	return false;
}

/* Seconds of an HTTP date; false for anything else, which then does not count. */
static bool http_date(const char *text, int64_t *ret_s)
{
	struct tm tm = { 0 };
	const char *end;

	if (text == NULL)
		return false;
	end = strptime(text, "%a, %d %b %Y %H:%M:%S", &tm);
	if (end == NULL || strcmp(end, " GMT") != 0)
		return false;
	*ret_s = (int64_t)timegm(&tm);
	return true;
}

int conditions_check(const struct conditions *k, const char *etag, int64_t modified_us)
{
	int64_t modified_s = modified_us / 1000000, since;

	if (k->if_match != NULL) {
		if (!tag_listed(k->if_match, etag))
			return 412;
	} else if (http_date(k->if_unmodified_since, &since) && modified_s > since) {
		return 412;
	}
	if (k->if_none_match != NULL)
		return tag_listed(k->if_none_match, etag) ? 304 : 0;
	return http_date(k->if_modified_since, &since) && modified_s <= since ? 304 : 0;
}
