/* blob_list.c - the blobs of a container as XML, flat or by a delimiter. */
#include "api/blob_api.h"

#include "base/clock.h"

struct blobs {
	struct blob_call *b;
	const char *prefix, *marker, *delimiter;	/* "" for none */
	bool metadata;
	unsigned count, max;
	char *last;		/* the last name or folder listed; owned */
	bool more;
	struct buf *out;
};

static int remember(struct blobs *l, const char *name, size_t n, struct err *e)
{
	char *z = strndup(name, n);

	if (z == NULL)
		return err_nomem(e);
	free(l->last);
	l->last = z;
	l->count++;
	return 0;
}

static void add_properties(struct buf *out, const struct blob_props *p)
{
	char when[TIME_TEXT_MAX];
	size_t n = strlen(p->etag);

	(void)time_http(p->modified_us, when);
	buf_addf(out,
	    "<Properties><Creation-Time>%s</Creation-Time><Last-Modified>%s</Last-Modified>", when,
	    when);
	buf_addf(out, "<Etag>%.*s</Etag><Content-Length>%lld</Content-Length>",
	    n >= 2 ? (int)n - 2 : 0, p->etag + (n >= 2), (long long)p->size);
	blob_xml_element(out, "Content-Type", p->content_type);
	buf_addf(out,
	    "%s<BlobType>%s</BlobType><LeaseStatus>unlocked</LeaseStatus>"
	    "<LeaseState>available</LeaseState><ServerEncrypted>false</ServerEncrypted>"
	    "</Properties>",
	    p->page ? "<x-ms-blob-sequence-number>0</x-ms-blob-sequence-number>" : "",
	    p->page ? "PageBlob" : "BlockBlob");
}

static void add_metadata(struct buf *out, json_t *metadata)
{
	const char *key;
	json_t *value;

	buf_adds(out, "<Metadata>");
	json_object_foreach(metadata, key, value)
		if (json_is_string(value))
			blob_xml_element(out, key, json_string_value(value));
	buf_adds(out, "</Metadata>");
}

static void add_blob(struct blobs *l, const char *name, const struct blob_props *p)
{
	buf_adds(l->out, "<Blob>");
	blob_xml_element(l->out, "Name", name);
	add_properties(l->out, p);
	if (l->metadata)
		add_metadata(l->out, p->metadata);
	buf_adds(l->out, "</Blob>");
}

static bool starts(const char *text, const char *start, size_t n)
{
	return strncmp(text, start, n) == 0;
}

/* Length of the folder of a name below the prefix, with its delimiter; 0 if it is in none. */
static size_t folder_length(const struct blobs *l, const char *name)
{
	size_t skip = strlen(l->prefix);
	const char *end;

	if (l->delimiter[0] == '\0' || strlen(name) < skip)
		return 0;
	end = strstr(name + skip, l->delimiter);
	return end != NULL ? (size_t)(end - name) + strlen(l->delimiter) : 0;
}

static int on_blob(void *arg, const char *name, const struct blob_props *p, struct err *e)
{
	struct blobs *l = arg;
	size_t folder = folder_length(l, name);
	char *shown;

	if (folder > 0 && ((l->last != NULL && strlen(l->last) == folder &&
	    starts(name, l->last, folder)) || (strlen(l->marker) == folder &&
	    starts(name, l->marker, folder))))
		return 0;	/* its folder is listed already, here or on the page before */
	if (l->count == l->max) {
		l->more = true;
		return 1;
	}
	if (folder == 0) {
		add_blob(l, name, p);
		return remember(l, name, strlen(name), e);
	}
	shown = arena_str(&l->b->c->arena, (struct str){ name, folder });
	if (shown == NULL)
		return err_nomem(e);
	buf_adds(l->out, "<BlobPrefix>");
	blob_xml_element(l->out, "Name", shown);
	buf_adds(l->out, "</BlobPrefix>");
	return remember(l, name, folder, e);
}

static const char *parameter(struct blob_call *b, const char *key)
{
	const char *value = arm_query_get(&b->c->query, key);

	return value != NULL ? value : "";
}

int blob_list_blobs(struct blob_call *b, struct err *e)
{
	auto_buf struct buf out = { 0 };
	struct blobs l = { .b = b,
		.prefix = parameter(b, "prefix"),
		.marker = parameter(b, "marker"),
		.delimiter = parameter(b, "delimiter"),
		.out = &out,
		.metadata = strstr(parameter(b, "include"), "metadata") != NULL };
	int64_t modified_us;
	int r = blob_container_find(b, &modified_us, e);

	if (r <= 0)
		return r < 0 ? -1 : blob_no_container(e);
	if (blob_max_results(b, &l.max, e) != 0)
		return -1;
	blob_list_head(b, l.prefix, l.marker, l.delimiter, &out);
	buf_adds(&out, "<Blobs>");
	r = blob_list(b->dir, b->container, l.prefix, l.marker, on_blob, &l, e);
	buf_adds(&out, "</Blobs>");
	blob_xml_element(&out, "NextMarker", l.more ? l.last : "");
	buf_adds(&out, "</EnumerationResults>");
	free(l.last);
	if (r < 0)
		return -1;
	blob_common_headers(b->c);
	return blob_answer_xml(b->c, &out, e);
}
