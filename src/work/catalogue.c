/* catalogue.c - see catalogue.h. */
#include "work/catalogue.h"

#include <stdio.h>

struct rebuild {
	struct world *world;
	const struct resource *vault;
	struct db_conn *c;	/* one transaction */
	struct catalogue_stats *stats;
	json_t *ids;		/* owned: {id of a point's row: true} of all that the vault has */
};

/* The row's document is what the backup sealed, without what only the vault needs. */
static json_t *document(const json_t *meta)
{
	json_t *doc = json_deep_copy(meta);

	if (doc == NULL)
		return NULL;
	(void)json_object_del(doc, "itemId");
	(void)json_object_del(doc, "vaultId");
	(void)json_object_del(doc, "sourceResourceId");
	return doc;
}

int catalogue_point(const json_t *meta, const char *point, const char *location,
    struct resource *ret, struct err *e)
{
	const char *item = jstr(meta, "itemId", "");
	auto_free char *id = NULL;
	int64_t when = 0;

	if (asprintf(&id, "%s/recoveryPoints/%s", item, point) < 0)
		return err_nomem(e);
	if (resource_init(ret, TYPE_POINT, id, location, item, document(meta), e) != 0)
		return -1;
	(void)time_parse_iso(str_c(jstr(meta, "properties.recoveryPointTime", "")), &when);
	ret->sort = when;
	return 0;
}

static int take_in(struct rebuild *r, struct resource *row, struct err *e)
{
	auto_resource struct resource parent = { 0 }, old = { 0 };
	int found = resource_get(r->c, row->parent, &parent, e);

	if (found == 0)
		r->stats->homeless++;
	if (found <= 0)
		return found;
	if (json_object_set_new(r->ids, row->id, json_true()) != 0)
		return err_nomem(e);
	found = resource_get(r->c, row->id, &old, e);
	if (found != 0)
		return found < 0 ? -1 : 0;
	r->stats->added++;
	return resource_put(r->c, row, clock_now_us(r->world->clock), e);
}

static int each_point(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	auto_resource struct resource row = { 0 };
	struct rebuild *r = arg;

	(void)item;
	r->stats->points++;
	if (damage != NULL) {
		(void)fprintf(stderr, "%s\n", damage->msg);
		r->stats->damaged++;
		return 0;
	}
	return catalogue_point(meta, point, r->vault->location, &row, e) != 0 ? -1 :
	    take_in(r, &row, e);
}

/* Rows whose points the vault does not have. */
struct stale {
	struct rebuild *r;
	json_t *ids;		/* owned */
};

static bool is_of_vault(const struct rebuild *r, const char *id)
{
	return str_istarts(str_c(id), str_c(r->vault->id)) && id[strlen(r->vault->id)] == '/';
}

static int note_stale(void *arg, struct resource *row, struct err *e)
{
	struct stale *s = arg;

	if (!is_of_vault(s->r, row->id) || json_object_get(s->r->ids, row->id) != NULL)
		return 0;
	return json_array_append_new(s->ids, json_string(row->id)) != 0 ? err_nomem(e) : 0;
}

static int drop_stale(struct rebuild *r, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT };
	auto_json json_t *ids = json_array();
	struct stale s = { r, ids };
	const json_t *x;
	size_t i;

	if (ids == NULL)
		return err_nomem(e);
	if (resource_list(r->c, &q, note_stale, &s, e) < 0)
		return -1;
	json_array_foreach(ids, i, x) {
		if (resource_delete(r->c, json_string_value(x), e) < 0)
			return -1;
		r->stats->removed++;
	}
	return 0;
}

int catalogue_rebuild(struct world *w, const struct resource *vault_row, struct vault *v,
    struct catalogue_stats *ret, struct err *e)
{
	auto_json json_t *ids = json_object();
	auto_conn struct db_conn *c = NULL;
	struct rebuild r = { .world = w, .vault = vault_row, .stats = ret, .ids = ids };

	*ret = (struct catalogue_stats){ 0 };
	if (ids == NULL)
		return err_nomem(e);
	if (db_write_begin(w->db, &c, e) != 0)
		return -1;
	r.c = c;
	/* A point that cannot be read may be the one behind a row: then rows stay. */
	if (vault_point_list(v, NULL, each_point, &r, e) != 0 ||
	    (ret->damaged == 0 && drop_stale(&r, e) != 0))
		return err_in(e, "rebuilding the list of recovery points");
	return db_commit(&c, e);
}
