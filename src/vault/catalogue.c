/* catalogue.c - which packs there are, and which chunk lies where: kept in memory while a vault is
 * open, made from the packs' tables.  See engine.h. */
#include "vault/engine.h"

bool vault_find(struct vault *v, const struct chunk_id *id, struct chunk_place *ret,
    uint8_t ret_pack[PACK_ID_SIZE])
{
	bool found;

	pthread_rwlock_rdlock(&v->index_lock);
	found = index_find(&v->index, id, ret, NULL);
	if (found)
		memcpy(ret_pack, v->packs[ret->pack].id, PACK_ID_SIZE);
	pthread_rwlock_unlock(&v->index_lock);
	return found;
}

bool vault_use(struct vault *v, const struct chunk_id *id, unsigned generation,
    struct chunk_place *ret)
{
	unsigned flags = 0;
	bool found;

	/* Found and pinned under one lock: a collection drops it before, or keeps it. */
	pthread_rwlock_rdlock(&v->index_lock);
	found = index_find(&v->index, id, ret, &flags) && (flags & CHUNK_BAD) == 0;
	if (found)
		(void)index_raise(&v->index, id, CHUNK_PIN0 << generation);
	pthread_rwlock_unlock(&v->index_lock);
	return found;
}

unsigned vault_flags(struct vault *v, const struct chunk_id *id)
{
	struct chunk_place at;
	unsigned flags = 0;

	pthread_rwlock_rdlock(&v->index_lock);
	(void)index_find(&v->index, id, &at, &flags);
	pthread_rwlock_unlock(&v->index_lock);
	return flags;
}

void vault_raise(struct vault *v, const struct chunk_id *id, unsigned flags)
{
	pthread_rwlock_rdlock(&v->index_lock);
	(void)index_raise(&v->index, id, flags);
	pthread_rwlock_unlock(&v->index_lock);
}

size_t vault_pack_count(struct vault *v)
{
	size_t n;

	pthread_rwlock_rdlock(&v->index_lock);
	n = v->pack_count;
	pthread_rwlock_unlock(&v->index_lock);
	return n;
}

void vault_pack_get(struct vault *v, size_t number, struct vault_pack *ret)
{
	pthread_rwlock_rdlock(&v->index_lock);
	*ret = v->packs[number];
	pthread_rwlock_unlock(&v->index_lock);
}

static int begin_locked(struct vault *v, const uint8_t id[PACK_ID_SIZE], uint32_t *ret_number,
    struct err *e)
{
	if (GROW(v->packs, v->pack_count, v->pack_cap, 64, e) != 0)
		return -1;
	v->packs[v->pack_count] = (struct vault_pack){ .is_inflight = true };
	memcpy(v->packs[v->pack_count].id, id, PACK_ID_SIZE);
	*ret_number = (uint32_t)v->pack_count++;
	return 0;
}

int vault_pack_begin(struct vault *v, const uint8_t id[PACK_ID_SIZE], uint32_t *ret_number,
    struct err *e)
{
	int r;

	pthread_rwlock_wrlock(&v->index_lock);
	r = begin_locked(v, id, ret_number, e);
	pthread_rwlock_unlock(&v->index_lock);
	return r;
}

void vault_pack_abandon(struct vault *v, uint32_t number)
{
	pthread_rwlock_wrlock(&v->index_lock);
	v->packs[number].is_inflight = false;
	v->packs[number].is_gone = true;
	pthread_rwlock_unlock(&v->index_lock);
}

static bool lies_there(const struct vault *v, const struct chunk_id *id,
    const struct chunk_place *at)
{
	struct chunk_place is;

	return index_find(&v->index, id, &is, NULL) && is.pack == at->pack && is.offset == at->offset;
}

static int learn_locked(struct vault *v, uint32_t number, const struct pack_entry *t,
    uint32_t count, unsigned flags, struct err *e)
{
	/* All or none: what is half known would be relied on, and its pack be nobody's. */
	if (index_reserve(&v->index, count, e) != 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		struct chunk_place at = { number, t[i].offset, t[i].sealed_n };
		bool is_new;

		if (lies_there(v, &t[i].id, &at))
			continue;	/* a pack that is read again */
		if (index_add(&v->index, &t[i].id, &at, flags, &is_new, e) != 0)
			return -1;
		v->duplicates += !is_new;
	}
	return 0;
}

int vault_learn(struct vault *v, uint32_t number, int64_t size, const struct pack_entry *t,
    uint32_t count, unsigned flags, struct err *e)
{
	int r;

	pthread_rwlock_wrlock(&v->index_lock);
	r = learn_locked(v, number, t, count, flags, e);
	if (r == 0) {
		v->packs[number].is_inflight = false;
		v->packs[number].size = size;
		v->packs[number].count = count;
	}
	pthread_rwlock_unlock(&v->index_lock);
	return r;
}
