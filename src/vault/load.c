/* load.c - the index from the packs' tables, and checks of whole packs. */
#include "vault/engine.h"

static int load_pack(void *arg, const struct object_info *info, struct err *e)
{
	auto_free struct pack_entry *t = NULL;
	uint8_t id[PACK_ID_SIZE];
	struct vault *v = arg;
	uint32_t count = 0;
	int r;

	if (!pack_name_parse(info->name, id))
		return 0;
	r = pack_table_load(v->store, &v->keys, id, info->size, &t, &count, e);
	/* One bad pack must not take the others away.  What authenticates in it is still good;
	 * for the rest, whoever needs a chunk of it is told that it is missing. */
	if (r != 0 && e->kind == ERR_CORRUPT)
		r = pack_scan(v->store, &v->keys, id, info->size, &t, &count, e);
	if (r != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	return vault_learn(v, id, t, count, e);
}

int vault_load(struct vault *v, struct err *e)
{
	return object_list(v->store, "packs/", load_pack, v, e);
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

static int check_records(struct vault *v, const uint8_t pack[PACK_ID_SIZE], uint8_t *p,
    const struct pack_entry *t, uint32_t count, struct err *e)
{
	cleanup_with(aead_p) struct aead *a = NULL;

	if (keys_pack(&v->keys, pack, &a, e) != 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *at = p + t[i].offset;
		struct record r;

		if (record_open(a, at, RECORD_HEADER_SIZE + t[i].sealed_n + AEAD_TAG_SIZE,
			at + RECORD_HEADER_SIZE, &r, e) != 0)
			return err_in(e, "record %u", i);
		if (r.number != i || memcmp(r.id.b, t[i].id.b, ID_SIZE) != 0)
			return err_set(e, ERR_CORRUPT, "record %u is not the one in the table", i);
	}
	return 0;
}

int vault_check_pack(struct vault *v, const uint8_t pack[PACK_ID_SIZE], struct err *e)
{
	auto_free struct pack_entry *t = NULL;
	auto_free uint8_t *p = NULL;
	char name[PACK_NAME_SIZE];
	uint32_t count;
	int64_t size;

	if (find_size(v, pack, &size, e) != 0 ||
	    pack_table_load(v->store, &v->keys, pack, size, &t, &count, e) != 0)
		return -1;
	p = malloc((size_t)size);
	if (p == NULL)
		return err_nomem(e);
	if (object_get(v->store, pack_name(pack, name), 0, p, (size_t)size, e) != 0)
		return -1;
	if (check_records(v, pack, p, t, count, e) != 0)
		return err_in(e, "object '%s'", name);
	return 0;
}
