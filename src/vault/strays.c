/* strays.c - objects of a vault that nothing refers to and no index knows.  See collect.h. */
#include "vault/collect.h"

#include <stdio.h>

#include "base/codec.h"

struct ids {
	uint8_t (*p)[PACK_ID_SIZE];	/* owned */
	size_t n, cap;
};

static void ids_done(struct ids *l)
{
	free(l->p);
}

static int ids_add(struct ids *l, const uint8_t id[PACK_ID_SIZE], struct err *e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 256 : l->cap * 2;
		uint8_t (*p)[PACK_ID_SIZE] = reallocarray(l->p, cap, PACK_ID_SIZE);

		if (p == NULL)
			return err_nomem(e);
		l->p = p;
		l->cap = cap;
	}
	memcpy(l->p[l->n++], id, PACK_ID_SIZE);
	return 0;
}

static int note_listed(void *arg, const struct object_info *info, struct err *e)
{
	uint8_t id[PACK_ID_SIZE];

	return pack_name_parse(info->name, id) ? ids_add(arg, id, e) : 0;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, PACK_ID_SIZE);
}

static int copy_known(struct vault *v, struct ids *known, struct err *e)
{
	int r = 0;

	pthread_rwlock_rdlock(&v->index_lock);
	for (size_t i = 0; r == 0 && i < v->pack_count; i++)
		if (!v->packs[i].is_gone)
			r = ids_add(known, v->packs[i].id, e);
	pthread_rwlock_unlock(&v->index_lock);
	if (known->n > 0)
		qsort(known->p, known->n, PACK_ID_SIZE, by_id);
	return r;
}

/* Listed first: a pack is begun before it is put, so a listed one that is not known now is
 * nobody's.  A put may have failed and arrived all the same, or a removal failed. */
static int remove_packs(struct collection *c, struct err *e)
{
	cleanup_with(ids_done) struct ids listed = { 0 }, known = { 0 };
	char name[PACK_NAME_SIZE];

	if (object_list(c->v->store, "packs/", note_listed, &listed, e) != 0 ||
	    copy_known(c->v, &known, e) != 0)
		return -1;
	for (size_t i = 0; i < listed.n; i++) {
		if (known.n > 0 &&
		    bsearch(listed.p[i], known.p, known.n, PACK_ID_SIZE, by_id) != NULL)
			continue;
		if (object_del(c->v->store, pack_name(listed.p[i], name), e) != 0)
			return -1;
		c->stats->removed_packs++;
	}
	return 0;
}

static int check_note(void *arg, const struct object_info *info, struct err *e)
{
	struct collection *c = arg;
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;
	struct chunk_id id;

	if (hex_decode(str_c(info->name + strlen("damaged/")), id.b, sizeof(id.b)) != ID_SIZE ||
	    !vault_find(c->v, &id, &at, pack))
		return object_del(c->v->store, info->name, e);
	/* Another process may have noted it just now. */
	vault_raise(c->v, &id, CHUNK_BAD);
	return 0;
}

/* What is known of a point that is gone. */
static int check_check(void *arg, const struct object_info *info, struct err *e)
{
	struct collection *c = arg;
	char point[POINT_NAME_SIZE];
	struct object_info found;
	int r;

	(void)snprintf(point, sizeof(point), "points/%s", info->name + strlen("checks/"));
	r = object_head(c->v->store, point, &found, e);
	return r != 0 ? (r < 0 ? -1 : 0) : object_del(c->v->store, info->name, e);
}

int collection_strays(struct collection *c, struct err *e)
{
	if (remove_packs(c, e) != 0 || object_list(c->v->store, "damaged/", check_note, c, e) != 0)
		return -1;
	return object_list(c->v->store, "checks/", check_check, c, e);
}
