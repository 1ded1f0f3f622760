/* replica_documents.c - what a copy knows of the vault and its items, kept as the rows are. */
#include "base/arena.h"
#include "work/replica_state.h"
#include "work/replicas.h"

json_t *replica_document(const struct resource *r)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "id", r->id, "type", r->type, "location",
	    r->location, "parent", r->parent, "ref", r->ref, "body", r->body);
}

int replica_row(const json_t *doc, struct resource *ret, struct err *e)
{
	auto_resource struct resource row = { 0 };
	json_t *body = json_object_get(doc, "body");

	if (!json_is_object(body) || jstr(doc, "id", "")[0] != '/')
		return err_set(e, ERR_CORRUPT, "a document of the copy is no resource");
	if (resource_init(&row, jstr(doc, "type", ""), jstr(doc, "id", ""),
	    jstr(doc, "location", ""), jstr(doc, "parent", ""), json_incref(body), e) != 0 ||
	    resource_set(&row.ref, jstr(doc, "ref", ""), e) != 0)
		return -1;
	*ret = row;
	row = (struct resource){ 0 };
	return 0;
}

int replica_put(struct vault *v, const char *key, const json_t *doc, bool only_new, struct err *e)
{
	auto_json json_t *there = NULL;
	int found = vault_document_get(v, key, &there, e);

	/* one that is damaged is written anew */
	if (found < 0 && e->kind != ERR_CORRUPT)
		return -1;
	if (found > 0 && (only_new || json_equal(doc, there)))
		return 0;
	return vault_document_put(v, key, doc, e);
}

static int add_document(void *arg, struct resource *row, struct err *e)
{
	return json_array_append_new(arg, replica_document(row)) != 0 ? err_nomem(e) : 0;
}

/* Out of the database before anything is written into a store, which may take its time. */
static int read_items(struct world *w, const struct resource *vault, json_t *items, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .parent = vault->id };
	auto_conn struct db_conn *c = NULL;

	if (items == NULL)
		return err_nomem(e);
	return db_read_begin(w->db, &c, e) != 0 ||
	    resource_list(c, &q, add_document, items, e) < 0 ? -1 : 0;
}

int replica_documents(struct world *w, const struct resource *vault, struct vault *copy,
    bool only_new, struct err *e)
{
	auto_json json_t *items = json_array(), *doc = replica_document(vault);
	auto_arena struct arena a = { 0 };
	const json_t *x;
	size_t i;

	if (doc == NULL)
		return err_nomem(e);
	if (replica_put(copy, REPLICA_VAULT_DOCUMENT, doc, only_new, e) != 0 ||
	    read_items(w, vault, items, e) != 0)
		return -1;
	json_array_foreach(items, i, x) {
		const char *key = arena_lower(&a, str_c(jstr(x, "id", "")));

		if (key == NULL)
			return err_nomem(e);
		if (replica_put(copy, key, x, only_new, e) != 0)
			return -1;
	}
	return 0;
}

/* ---- documents without a row ---- */
static int add_key(void *arg, const char *key, const json_t *doc, struct err *e)
{
	(void)doc;
	return json_object_set_new(arg, key, json_true()) != 0 ? err_nomem(e) : 0;
}

static int any_point(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	(void)item;
	(void)point;
	(void)meta;
	(void)damage;
	(void)e;
	*(bool *)arg = true;
	return 1;
}

/* As long as the copy has points of an item, it says what they are of. */
static int drop(struct vault *copy, const char *key, struct err *e)
{
	bool has_points = false;

	if (vault_point_list(copy, key, any_point, &has_points, e) < 0)
		return -1;
	return has_points ? 0 : vault_document_delete(copy, key, e);
}

int replica_prune(struct world *w, const struct resource *vault, struct vault *copy, struct err *e)
{
	auto_json json_t *items = json_array(), *keys = json_object();
	auto_arena struct arena a = { 0 };
	const char *key;
	json_t *x;
	size_t i;

	if (keys == NULL)
		return err_nomem(e);
	if (vault_document_list(copy, add_key, keys, e) != 0 || read_items(w, vault, items, e) != 0)
		return -1;
	(void)json_object_del(keys, REPLICA_VAULT_DOCUMENT);
	(void)json_object_del(keys, REPLICA_STATE_DOCUMENT);
	json_array_foreach(items, i, x) {
		key = arena_lower(&a, str_c(jstr(x, "id", "")));
		if (key == NULL)
			return err_nomem(e);
		(void)json_object_del(keys, key);
	}
	json_object_foreach(keys, key, x)
		if (drop(copy, key, e) != 0)
			return -1;
	return 0;
}
