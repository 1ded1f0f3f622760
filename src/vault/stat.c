/* stat.c - figures of an open vault.  See vault.h. */
#include "vault/engine.h"

static void count_chunk(void *arg, const struct chunk_place *at, unsigned flags)
{
	struct vault_stat *s = arg;

	s->chunks++;
	s->chunk_bytes += RECORD_HEADER_SIZE + (int64_t)at->sealed_n + AEAD_TAG_SIZE;
	s->bad_chunks += (flags & CHUNK_BAD) != 0;
}

static int count_point(void *arg, const struct object_info *info, struct err *e)
{
	struct vault_stat *s = arg;

	(void)e;
	if (!point_object_valid(info->name))
		return 0;
	s->points++;
	s->point_bytes += info->size;
	return 0;
}

int vault_stat(struct vault *v, struct vault_stat *ret, struct err *e)
{
	*ret = (struct vault_stat){ .version = v->version, .chunk_size = (size_t)1 << v->chunk_shift };
	memcpy(ret->id, v->keys.vault_id, sizeof(ret->id));
	pthread_rwlock_rdlock(&v->index_lock);
	index_each(&v->index, count_chunk, ret);
	for (size_t i = 0; i < v->pack_count; i++) {
		const struct vault_pack *p = &v->packs[i];

		if (p->is_gone || p->is_inflight)
			continue;
		ret->packs++;
		ret->pack_bytes += p->size;
		ret->bad_tables += p->has_bad_table;
	}
	ret->duplicates = (int64_t)v->duplicates;
	pthread_rwlock_unlock(&v->index_lock);
	return object_list(v->store, "points/", count_point, ret, e);
}
