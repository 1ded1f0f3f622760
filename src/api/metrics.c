/* metrics.c - figures for a monitoring system, in Prometheus' text format 0.0.4. */
#include "api/api.h"

#include "work/replicator.h"

struct row {
	const char *vault;		/* ARM id; the arena's */
	struct replication_status status;
};

struct table {
	struct api_call *c;
	struct row *rows;		/* owned */
	size_t n, cap;
};

static void table_done(struct table *t)
{
	free(t->rows);
}

/* In a label's value a backslash, a quote and a line's end are written with a backslash. */
static void add_label(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"')
			buf_addf(b, "\\%c", *text);
		else if (*text == '\n')
			buf_adds(b, "\\n");
		else
			buf_add(b, text, 1);
	}
}

static void add_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* ---- replication ---- */
enum unit { UNIT_PLAIN, UNIT_SECONDS };	/* seconds: of the field's microseconds */

static const struct metric {
	const char *name, *type, *help;
	size_t offset;		/* of an int64_t in struct replication_status */
	enum unit unit;
} metrics[] = {
#define FIELD(f) offsetof(struct replication_status, f)
	{ "holdfast_replication_lag_seconds", "gauge",
	    "Age of the oldest recovery point that the copy in the paired region lacks; 0 if none.",
	    FIELD(lag_us), UNIT_SECONDS },
	{ "holdfast_replication_points", "gauge", "Recovery points of the vault.", FIELD(points),
	    UNIT_PLAIN },
	{ "holdfast_replication_points_missing", "gauge",
	    "Recovery points that the copy in the paired region lacks.", FIELD(missing), UNIT_PLAIN },
	{ "holdfast_replication_bytes_sent_total", "counter",
	    "Bytes sent to the copy since the server started.", FIELD(bytes_sent), UNIT_PLAIN },
	{ "holdfast_replication_failures_total", "counter",
	    "Attempts to bring the copy up to date that failed since the server started.",
	    FIELD(failures), UNIT_PLAIN },
	{ "holdfast_replication_last_success_timestamp_seconds", "gauge",
	    "The copy has all that the vault had then; 0 if not known since the server started.",
	    FIELD(last_success_us), UNIT_SECONDS },
};

static void add_value(struct buf *b, const struct metric *m, const struct row *r)
{
	int64_t v;

	memcpy(&v, (const char *)&r->status + m->offset, sizeof(v));
	buf_addf(b, "%s{vault=\"", m->name);
	add_label(b, r->vault);
	buf_adds(b, "\",region=\"");
	add_label(b, r->status.region);
	if (m->unit == UNIT_SECONDS)
		buf_addf(b, "\"} %lld.%06lld\n", (long long)(v / 1000000),
		    (long long)(v % 1000000));
	else
		buf_addf(b, "\"} %lld\n", (long long)v);
}

static int add_vault(void *arg, struct resource *vault, struct err *e)
{
	struct table *t = arg;
	struct row row;
	int found = replicator_status(t->c->world, vault->id, &row.status, e);

	if (found <= 0)
		return found;
	row.vault = arena_dup(&t->c->arena, vault->id);
	if (row.vault == NULL)
		return err_nomem(e);
	if (GROW(t->rows, t->n, t->cap, 16, e) != 0)
		return -1;
	t->rows[t->n++] = row;
	return 0;
}

static int read_rows(struct table *t, struct err *e)
{
	struct resource_query q = { .type = TYPE_VAULT };
	auto_conn struct db_conn *conn = NULL;

	return db_read_begin(t->c->world->db, &conn, e) != 0 ||
	    resource_list(conn, &q, add_vault, t, e) < 0 ? -1 : 0;
}

static int show(struct api_call *c, struct err *e)
{
	cleanup_with(table_done) struct table t = { .c = c };
	struct buf *b = &c->res->body;

	if (read_rows(&t, e) != 0)
		return -1;
	add_head(b, "holdfast_build_info", "gauge", "The program's version.");
	buf_adds(b, "holdfast_build_info{version=\"" HOLDFAST_VERSION "\"} 1\n");
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		add_head(b, metrics[i].name, metrics[i].type, metrics[i].help);
		for (size_t k = 0; k < t.n; k++)
			add_value(b, &metrics[i], &t.rows[k]);
	}
	c->res->status = 200;
	http_res_header(c->res, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	return buf_ok(b, e);
}

/* "-" cannot be the name of a storage account. */
const struct api_route metrics_routes[] = {
	{ "GET", "-/metrics", show, API_NO_VERSION,
	    "Microsoft.RecoveryServices/vaults/usages/read" },
	{ 0 },
};
