/* load.c - the index from the packs' tables, and checks of whole packs. */
#include "vault/engine.h"

struct listed {			/* a pack as the store lists it */
	uint8_t id[PACK_ID_SIZE];
	int64_t size;
	bool is_known;
	uint32_t number;	/* of a known one */
};

struct listing {
	struct listed *p;	/* owned; in order of ids, as stores list names */
	size_t n, cap;
};

static void listing_done(struct listing *l)
{
	free(l->p);
}

static int note_pack(void *arg, const struct object_info *info, struct err *e)
{
	struct listing *l = arg;
	struct listed x = { .size = info->size };

	if (!pack_name_parse(info->name, x.id))
		return 0;
	if (GROW(l->p, l->n, l->cap, 256, e) != 0)
		return -1;
	l->p[l->n++] = x;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct listed *)a)->id, ((const struct listed *)b)->id, PACK_ID_SIZE);
}

static bool lies_in_present_pack(void *arg, const struct chunk_place *at, unsigned flags)
{
	const struct vault *v = arg;

	(void)flags;
	return !v->packs[at->pack].is_gone;
}

/* Known packs against listed ones. */
static int compare(struct vault *v, struct listing *l, struct err *e)
{
	bool any_gone = false;

	for (size_t i = 0; i < v->pack_count; i++) {
		struct vault_pack *p = &v->packs[i];
		struct listed key, *at;

		if (p->is_gone || p->is_inflight)
			continue;
		memcpy(key.id, p->id, PACK_ID_SIZE);
		at = l->n > 0 ? bsearch(&key, l->p, l->n, sizeof(key), by_id) : NULL;
		if (at != NULL) {
			at->is_known = true;
			at->number = (uint32_t)i;
		} else {
			p->is_gone = any_gone = true;
		}
	}
	/* A chunk that was moved may have been seen in both packs, and the index named the old one. */
	if (any_gone && v->duplicates > 0)
		v->has_lost_places = true;
	return any_gone ? index_filter(&v->index, lies_in_present_pack, v, e) : 0;
}

static int load_pack(struct vault *v, const struct listed *x, struct err *e)
{
	auto_free struct pack_entry *t = NULL;
	uint32_t count = 0, number = x->number;
	bool is_bad;
	int r;

	r = pack_table_load(v->store, &v->keys, x->id, x->size, &t, &count, e);
	/* One bad pack must not take the others away.  What authenticates in it is still good;
	 * for the rest, whoever needs a chunk of it is told that it is missing. */
	is_bad = r != 0 && e->kind == ERR_CORRUPT;
	if (is_bad)
		r = pack_scan(v->store, &v->keys, x->id, x->size, &t, &count, e);
	if (r != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;	/* removed meanwhile */
	if (!x->is_known && vault_pack_begin(v, x->id, &number, e) != 0)
		return -1;
	pthread_rwlock_wrlock(&v->index_lock);
	v->packs[number].has_bad_table = is_bad;
	pthread_rwlock_unlock(&v->index_lock);
	return vault_learn(v, number, x->size, t, count, 0, e);
}

static int refresh(struct vault *v, struct err *e)
{
	cleanup_with(listing_done) struct listing l = { 0 };
	bool reads_all;
	size_t added = 0;
	int r;

	if (object_list(v->store, "packs/", note_pack, &l, e) != 0)
		return -1;
	pthread_rwlock_wrlock(&v->index_lock);
	r = compare(v, &l, e);
	reads_all = v->has_lost_places;
	if (reads_all)
		v->duplicates = 0;	/* counted anew */
	pthread_rwlock_unlock(&v->index_lock);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		if (!l.p[i].is_known || reads_all) {
			added++;
			r = load_pack(v, &l.p[i], e);
		}
	pthread_rwlock_wrlock(&v->index_lock);
	if (r == 0)
		v->has_lost_places = false;
	v->idle_refreshes = added > 0 ? 0 : v->idle_refreshes + 1;
	pthread_rwlock_unlock(&v->index_lock);
	return r;
}

int vault_refresh(struct vault *v, struct err *e)
{
	int r = 0;

	/* Two at once would number a new pack twice; the number without chunks would look like waste.
	 * And who has become the writer meanwhile knows better than a listing. */
	pthread_mutex_lock(&v->refresh_mu);
	if (!atomic_load(&v->is_writer))
		r = refresh(v, e);
	pthread_mutex_unlock(&v->refresh_mu);
	return r;
}

int vault_refresh_to_write(struct vault *v, struct err *e)
{
	int r;

	pthread_mutex_lock(&v->refresh_mu);
	r = refresh(v, e);
	if (r == 0)
		atomic_store(&v->is_writer, true);
	pthread_mutex_unlock(&v->refresh_mu);
	return r;
}

int vault_pack_entries(struct vault *v, const struct vault_pack *p, struct pack_entry **ret,
    uint32_t *ret_count, struct err *e)
{
	if (!p->has_bad_table) {
		if (pack_table_load(v->store, &v->keys, p->id, p->size, ret, ret_count, e) == 0)
			return 0;
		if (e->kind != ERR_CORRUPT)
			return -1;
	}
	return pack_scan(v->store, &v->keys, p->id, p->size, ret, ret_count, e);
}

static int find_size(struct vault *v, const uint8_t pack[PACK_ID_SIZE], int64_t *ret,
    struct err *e)
{
	char name[PACK_NAME_SIZE];
	struct object_info info;
	int r = object_head(v->store, pack_name(pack, name), &info, e);

	if (r < 0)
		return -1;
	if (r == 0)
		return err_set(e, ERR_CORRUPT, "object '%s' is missing", name);
	*ret = info.size;
	return 0;
}

int vault_check_frame(struct vault *v, const uint8_t pack[PACK_ID_SIZE], struct err *e)
{
	auto_free struct pack_entry *t = NULL;
	uint32_t count;
	int64_t size;

	if (find_size(v, pack, &size, e) != 0)
		return -1;
	return pack_table_load(v->store, &v->keys, pack, size, &t, &count, e);
}

static void aead_p(struct aead **a)
{
	aead_free(*a);
}

/* Records [i, i + n) of a pack, one behind the other, are at `p`. */
static int check_records(struct aead *a, uint8_t *p, const struct pack_entry *t, uint32_t i,
    uint32_t n, struct err *e)
{
	for (uint32_t k = i; k < i + n; k++) {
		uint8_t *at = p + (t[k].offset - t[i].offset);
		struct record r;

		if (record_open(a, at, RECORD_HEADER_SIZE + t[k].sealed_n + AEAD_TAG_SIZE,
			at + RECORD_HEADER_SIZE, &r, e) != 0)
			return err_in(e, "record %u", k);
		if (r.number != k || memcmp(r.id.b, t[k].id.b, ID_SIZE) != 0)
			return err_set(e, ERR_CORRUPT, "record %u is not the one in the table", k);
	}
	return 0;
}

#define WINDOW ((size_t)4 << 20)	/* read at once; one record may be a little more */

static int check_all(struct vault *v, const char *name, struct aead *a, const struct pack_entry *t,
    uint32_t count, struct err *e)
{
	auto_free uint8_t *p = aligned_alloc(IO_ALIGN, 2 * WINDOW);

	if (p == NULL)
		return err_nomem(e);
	for (uint32_t i = 0, n; i < count; i += n) {
		size_t bytes = 0;

		for (n = 0; i + n < count; n++) {
			size_t one = RECORD_HEADER_SIZE + t[i + n].sealed_n + AEAD_TAG_SIZE;

			if (n > 0 && bytes + one > WINDOW)
				break;
			bytes += one;
		}
		if (object_get(v->store, name, t[i].offset, p, bytes, e) != 0 ||
		    check_records(a, p, t, i, n, e) != 0)
			return -1;
	}
	return 0;
}

int vault_check_pack(struct vault *v, const uint8_t pack[PACK_ID_SIZE], struct err *e)
{
	cleanup_with(aead_p) struct aead *a = NULL;
	auto_free struct pack_entry *t = NULL;
	char name[PACK_NAME_SIZE];
	uint32_t count;
	int64_t size;

	if (find_size(v, pack, &size, e) != 0 ||
	    pack_table_load(v->store, &v->keys, pack, size, &t, &count, e) != 0 ||
	    keys_pack(&v->keys, pack, &a, e) != 0)
		return -1;
	if (check_all(v, pack_name(pack, name), a, t, count, e) != 0)
		return err_in(e, "object '%s'", name);
	return 0;
}
