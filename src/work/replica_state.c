/* replica_state.c - see replica_state.h. */
#include "work/replica_state.h"

#include <stdio.h>

#include "model/principal.h"

static void fact_key(const struct resource *vault, char ret[80])
{
	(void)snprintf(ret, 80, "copy/%s", jstr(vault->body, "internal.store", ""));
}

static int read_here(struct world *w, const struct resource *vault, int64_t *ret, struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	char key[80], *text = NULL;
	int found;

	fact_key(vault, key);
	if (db_read_begin(w->db, &c, e) != 0)
		return -1;
	found = fact_get(c, key, &text, e);
	*ret = found > 0 ? strtoll(text, NULL, 10) : 0;
	free(text);
	return found < 0 ? -1 : 0;
}

int replica_state_load(struct world *w, const struct resource *vault, struct vault *copy,
    struct replica_state *ret, struct err *e)
{
	auto_json json_t *doc = NULL;

	if (vault_document_get(copy, REPLICA_STATE_DOCUMENT, &doc, e) < 0) {
		if (e->kind != ERR_CORRUPT)
			return -1;
		doc = NULL;	/* damaged: counting goes on from what the database knows */
	}
	ret->there = jint(doc, "changes", 0);
	return read_here(w, vault, &ret->here, e);
}

int replica_state_begin(struct world *w, const struct resource *vault, struct replica_state *s,
    struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	char key[80], text[24];

	s->here = (s->here > s->there ? s->here : s->there) + 1;
	fact_key(vault, key);
	(void)snprintf(text, sizeof(text), "%lld", (long long)s->here);
	if (db_write_begin(w->db, &c, e) != 0 || fact_put(c, key, text, e) != 0)
		return -1;
	return db_commit(&c, e);
}

int replica_state_end(struct vault *copy, const struct replica_state *s, struct err *e)
{
	auto_json json_t *doc = json_pack("{s:I}", "changes", (json_int_t)s->here);

	return doc == NULL ? err_nomem(e) :
	    vault_document_put(copy, REPLICA_STATE_DOCUMENT, doc, e);
}
