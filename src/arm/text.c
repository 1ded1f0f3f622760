/* text.c - see text.h. */
#include "arm/text.h"

#include "base/codec.h"

static bool in_range(char c, unsigned lo, unsigned hi)
{
	return (unsigned char)c >= lo && (unsigned char)c <= hi;
}

/* The table of well-formed sequences in RFC 3629 section 4. */
size_t text_utf8_len(struct str s)
{
	unsigned lead, lo = 0x80, hi = 0xbf;
	size_t n;

	if (s.n == 0)
		return 0;
	lead = (unsigned char)s.p[0];
	if (lead < 0x80)
		return 1;
	n = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 :
	    lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
	if (n == 0 || s.n < n)
		return 0;
	if (lead == 0xe0)
		lo = 0xa0;	/* shorter forms exist */
	else if (lead == 0xed)
		hi = 0x9f;	/* surrogates */
	else if (lead == 0xf0)
		lo = 0x90;
	else if (lead == 0xf4)
		hi = 0x8f;	/* past U+10FFFF */
	if (!in_range(s.p[1], lo, hi))
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!in_range(s.p[i], 0x80, 0xbf))
			return 0;
	return n;
}

bool text_plain(struct str s)
{
	while (s.n > 0) {
		size_t n = text_utf8_len(s);

		if (n == 0 || (n == 1 && ((unsigned char)s.p[0] < ' ' || s.p[0] == 0x7f)))
			return false;
		s.p += n;
		s.n -= n;
	}
	return true;
}

int text_decode(struct arena *a, struct str s, bool form, const char *what, char **ret,
    struct err *e)
{
	auto_buf struct buf b = { 0 };
	char *raw = arena_str(a, s), *out;

	if (raw == NULL)
		return err_nomem(e);
	for (size_t i = 0; form && i < s.n; i++)
		if (raw[i] == '+')
			raw[i] = ' ';
	if (!percent_decode((struct str){ raw, s.n }, &b)) {
		if (b.failed)
			return err_nomem(e);
		return err_code(e, ERR_INVALID, "BadRequest",
		    "the %s is not correctly percent-encoded at '%.200s'", what, raw);
	}
	if (!text_plain(buf_str(&b)))
		return err_code(e, ERR_INVALID, "BadRequest",
		    "the %s holds control characters or text that is not UTF-8 at '%.200s'", what,
		    raw);
	out = arena_str(a, buf_str(&b));
	if (out == NULL)
		return err_nomem(e);
	*ret = out;
	return 0;
}

char *text_repair(struct arena *a, struct str s)
{
	char *out = arena_str(a, s);

	for (size_t i = 0, n; out != NULL && i < s.n; i += n > 0 ? n : 1) {
		n = text_utf8_len((struct str){ out + i, s.n - i });
		if (n == 0)
			out[i] = '?';
	}
	return out;
}
