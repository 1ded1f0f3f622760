/* blob_container.c - containers: their properties and their list. */
#include "api/blob_api.h"

#include "base/clock.h"

#define RESULTS_MAX 5000

int blob_max_results(struct blob_call *b, unsigned *ret, struct err *e)
{
	const char *text = arm_query_get(&b->c->query, "maxresults");
	char *end;
	long n;

	*ret = RESULTS_MAX;
	if (text == NULL)
		return 0;
	n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || n < 1)
		return err_code(e, ERR_INVALID, "OutOfRangeQueryParameterValue",
		    "One of the query parameters specified in the request URI is outside the "
		    "permissible range: maxresults '%.40s'.", text);
	if (n < RESULTS_MAX)
		*ret = (unsigned)n;
	return 0;
}

void blob_list_head(struct blob_call *b, const char *prefix, const char *marker,
    const char *delimiter, struct buf *out)
{
	const char *max = arm_query_get(&b->c->query, "maxresults");

	buf_adds(out,
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"");
	blob_xml_text(out, b->c->base_url);
	buf_addf(out, "/%s/\"", b->account.name);
	if (b->container != NULL)
		buf_addf(out, " ContainerName=\"%s\"", b->container);
	buf_adds(out, ">");
	if (prefix[0] != '\0')
		blob_xml_element(out, "Prefix", prefix);
	if (marker[0] != '\0')
		blob_xml_element(out, "Marker", marker);
	if (max != NULL)
		blob_xml_element(out, "MaxResults", max);
	if (delimiter[0] != '\0')
		blob_xml_element(out, "Delimiter", delimiter);
}

struct search {
	const char *name;
	int64_t modified_us;
};

static int is_it(void *arg, const char *container, int64_t modified_us, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (strcmp(container, s->name) != 0)
		return 0;
	s->modified_us = modified_us;
	return 1;
}

int blob_container_find(struct blob_call *b, int64_t *ret_modified_us, struct err *e)
{
	struct search s = { b->container, 0 };
	int found = blob_container_list(b->dir, is_it, &s, e);

	if (found > 0)
		*ret_modified_us = s.modified_us;
	return found;
}

int blob_container_get(struct blob_call *b, struct err *e)
{
	struct http_res *res = b->c->res;
	char when[TIME_TEXT_MAX], etag[BLOB_ETAG_SIZE];
	int64_t modified_us = 0;
	int found = blob_container_find(b, &modified_us, e);

	if (found <= 0)
		return found < 0 ? -1 : blob_no_container(e);
	blob_common_headers(b->c);
	http_res_headerf(res, "ETag", "\"%s\"", blob_time_etag(modified_us, etag));
	http_res_header(res, "Last-Modified", time_http(modified_us, when));
	http_res_header(res, "x-ms-lease-status", "unlocked");
	http_res_header(res, "x-ms-lease-state", "available");
	http_res_header(res, "x-ms-has-immutability-policy", "false");
	http_res_header(res, "x-ms-has-legal-hold", "false");
	return api_empty(b->c, 200);
}

struct containers {
	const char *prefix, *marker;
	unsigned count, max;
	char last[64], next[64];
	struct buf *out;
};

static void add_container(struct containers *l, const char *name, int64_t modified_us)
{
	char when[TIME_TEXT_MAX], etag[BLOB_ETAG_SIZE];

	buf_addf(l->out,
	    "<Container><Name>%s</Name><Properties><Last-Modified>%s</Last-Modified>"
	    "<Etag>\"%s\"</Etag><LeaseStatus>unlocked</LeaseStatus>"
	    "<LeaseState>available</LeaseState>"
	    "<HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>"
	    "</Properties></Container>",
	    name, time_http(modified_us, when), blob_time_etag(modified_us, etag));
}

static int on_container(void *arg, const char *name, int64_t modified_us, struct err *e)
{
	struct containers *l = arg;
	size_t n = strlen(name);

	(void)e;
	if (strncmp(name, l->prefix, strlen(l->prefix)) != 0 || strcmp(name, l->marker) <= 0 ||
	    n >= sizeof(l->last))
		return 0;
	if (l->count == l->max) {
		memcpy(l->next, l->last, sizeof(l->next));
		return 1;
	}
	add_container(l, name, modified_us);
	memcpy(l->last, name, n + 1);
	l->count++;
	return 0;
}

int blob_list_containers(struct blob_call *b, struct err *e)
{
	const char *prefix = arm_query_get(&b->c->query, "prefix");
	const char *marker = arm_query_get(&b->c->query, "marker");
	auto_buf struct buf out = { 0 };
	struct containers l = { .prefix = prefix != NULL ? prefix : "",
		.marker = marker != NULL ? marker : "", .out = &out };

	if (blob_max_results(b, &l.max, e) != 0)
		return -1;
	blob_list_head(b, l.prefix, l.marker, "", &out);
	buf_adds(&out, "<Containers>");
	if (blob_container_list(b->dir, on_container, &l, e) < 0)
		return -1;
	buf_adds(&out, "</Containers>");
	blob_xml_element(&out, "NextMarker", l.next);
	buf_adds(&out, "</EnumerationResults>");
	blob_common_headers(b->c);
	return blob_answer_xml(b->c, &out, e);
}
