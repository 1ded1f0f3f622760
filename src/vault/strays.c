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
	if (GROW(l->p, l->n, l->cap, 256, e) != 0)
		return -1;
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

/* ---- notes of damage ---- */
struct note {
	struct chunk_id id;
	bool is_needed;		/* some pack holds a copy that cannot be read */
};

struct notes {
	struct note *p;		/* owned; in order of ids, as stores list names */
	size_t n, cap;
};

static void notes_done(struct notes *l)
{
	free(l->p);
}

static int note_note(void *arg, const struct object_info *info, struct err *e)
{
	struct notes *l = arg;
	struct note x = { .is_needed = false };

	if (hex_decode(str_c(info->name + strlen("damaged/")), x.id.b, sizeof(x.id.b)) != ID_SIZE)
		return 0;
	if (GROW(l->p, l->n, l->cap, 64, e) != 0)
		return -1;
	l->p[l->n++] = x;
	return 0;
}

static int by_chunk(const void *a, const void *b)
{
	return memcmp(((const struct note *)a)->id.b, ((const struct note *)b)->id.b, ID_SIZE);
}

/* A copy of a noted chunk: can it be read? */
static int look_at_copy(struct chunk_reader *r, struct note *note, const struct chunk_place *copy,
    struct err *e)
{
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	if (chunk_probe(r, &note->id, copy, e) == 0)
		return 0;
	if (e->kind != ERR_CORRUPT)
		return -1;
	note->is_needed = true;
	/* Another process may have noted it just now. */
	if (vault_find(r->v, &note->id, &at, pack) && at.pack == copy->pack && at.offset == copy->offset)
		vault_raise_bad(r->v, &note->id);
	return 0;
}

static int look_through_pack(struct chunk_reader *r, struct notes *l, uint32_t number, struct err *e)
{
	struct pack_entry *t = NULL;
	struct vault_pack p;
	uint32_t count = 0;
	int result = 0;

	vault_pack_get(r->v, number, &p);
	if (p.is_gone || p.is_inflight)
		return 0;
	if (vault_pack_entries(r->v, &p, &t, &count, e) != 0)
		return e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND ? 0 : -1;
	for (uint32_t i = 0; result == 0 && i < count; i++) {
		struct chunk_place copy = { number, t[i].offset, t[i].sealed_n };
		struct note key = { .id = t[i].id }, *note = bsearch(&key, l->p, l->n, sizeof(key), by_chunk);

		if (note != NULL)
			result = look_at_copy(r, note, &copy, e);
	}
	free(t);
	return result;
}

/* A note goes when no pack holds a copy that cannot be read. */
static int check_notes(struct collection *c, struct err *e)
{
	cleanup_with(chunk_reader_done) struct chunk_reader r = { 0 };
	cleanup_with(notes_done) struct notes l = { 0 };
	char name[sizeof("damaged/") + HEX_SIZE(ID_SIZE)] = "damaged/";

	if (object_list(c->v->store, "damaged/", note_note, &l, e) != 0)
		return -1;
	if (l.n == 0)
		return 0;
	if (chunk_reader_init(&r, c->v, e) != 0)
		return -1;
	for (size_t i = 0, n = vault_pack_count(c->v); i < n; i++)
		if (look_through_pack(&r, &l, (uint32_t)i, e) != 0)
			return -1;
	for (size_t i = 0; i < l.n; i++) {
		(void)hex_encode(l.p[i].id.b, ID_SIZE, name + strlen("damaged/"));
		if (!l.p[i].is_needed && object_del(c->v->store, name, e) != 0)
			return -1;
	}
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
	if (remove_packs(c, e) != 0 || check_notes(c, e) != 0)
		return -1;
	return object_list(c->v->store, "checks/", check_check, c, e);
}
