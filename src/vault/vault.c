/* vault.c - creating, opening and closing a vault; its index. */
#include "vault/engine.h"

#include "base/codec.h"

#define CONFIG_NAME "config"

static int sum(const uint8_t config[CONFIG_SIZE], uint8_t ret[32], struct err *e)
{
	return sha256(config, CONFIG_SUMMED, ret, e);
}

int vault_create(struct object_store *store, const uint8_t key[32], struct err *e)
{
	struct config c = { .version = FORMAT_VERSION, .chunk_shift = CHUNK_SHIFT };
	uint8_t bytes[CONFIG_SIZE];
	struct object_info info;
	struct vault_keys k;
	int r = object_head(store, CONFIG_NAME, &info, e);

	if (r < 0)
		return err_in(e, "creating a vault");
	if (r > 0)
		return err_set(e, ERR_CONFLICT, "creating a vault: there is one already");
	random_bytes(c.vault_id, sizeof(c.vault_id));
	if (keys_derive(key, c.vault_id, &k, e) != 0)
		return -1;
	config_write(&c, bytes);
	r = keys_check(&k, bytes, c.key_check, e);
	keys_wipe(&k);
	if (r != 0)
		return -1;
	config_write(&c, bytes);
	if (sum(bytes, c.sum, e) != 0)
		return -1;
	config_write(&c, bytes);
	if (object_put(store, CONFIG_NAME, bytes, sizeof(bytes), e) != 0)
		return err_in(e, "creating a vault");
	return 0;
}

/* Tells a damaged config (its checksum is wrong) from a wrong key (only the check is). */
static int open_config(struct vault *v, const uint8_t key[32], struct err *e)
{
	auto_buf struct buf b = { 0 };
	uint8_t want[32];
	struct config c;

	if (object_get_all(v->store, CONFIG_NAME, 4096, &b, e) != 0) {
		if (e->kind == ERR_INVALID)
			e->kind = ERR_CORRUPT;
		return -1;
	}
	if (b.n < CONFIG_SIZE)
		return err_set(e, ERR_CORRUPT, "object 'config' has only %zu bytes", b.n);
	if (sum((const uint8_t *)b.p, want, e) != 0)
		return -1;
	if (b.n != CONFIG_SIZE || memcmp(want, b.p + CONFIG_SUMMED, sizeof(want)) != 0)
		return err_set(e, ERR_CORRUPT, "object 'config' is damaged");
	if (config_parse(b.p, b.n, &c, e) != 0)
		return err_in(e, "object 'config'");
	if (keys_derive(key, c.vault_id, &v->keys, e) != 0 ||
	    keys_check(&v->keys, (const uint8_t *)b.p, want, e) != 0)
		return -1;
	if (!crypto_equal(want, c.key_check, sizeof(want)))
		return err_set(e, ERR_DENIED, "wrong key");
	return 0;
}

static void close_p_vault(struct vault **v)
{
	vault_close(*v);
}

int vault_open(struct object_store *store, const uint8_t key[32], struct vault **ret,
    struct err *e)
{
	cleanup_with(close_p_vault) struct vault *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		object_close(store);
		return err_nomem(e);
	}
	v->store = store;
	pthread_mutex_init(&v->commit_mu, NULL);
	pthread_rwlock_init(&v->index_lock, NULL);
	if (open_config(v, key, e) != 0 || vault_load(v, e) != 0)
		return err_in(e, "opening the vault");
	*ret = TAKE(v);
	return 0;
}

void vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	object_close(v->store);
	keys_wipe(&v->keys);
	pthread_mutex_destroy(&v->commit_mu);
	pthread_rwlock_destroy(&v->index_lock);
	index_done(&v->index);
	free(v->packs);
	free(v);
}

bool vault_find(struct vault *v, const struct chunk_id *id, struct chunk_place *ret,
    uint8_t ret_pack[PACK_ID_SIZE])
{
	bool found;

	pthread_rwlock_rdlock(&v->index_lock);
	found = index_find(&v->index, id, ret);
	if (found)
		memcpy(ret_pack, v->packs[ret->pack], PACK_ID_SIZE);
	pthread_rwlock_unlock(&v->index_lock);
	return found;
}

size_t vault_pack_count(struct vault *v)
{
	size_t n;

	pthread_rwlock_rdlock(&v->index_lock);
	n = v->pack_count;
	pthread_rwlock_unlock(&v->index_lock);
	return n;
}

void vault_pack_id(struct vault *v, size_t number, uint8_t ret[PACK_ID_SIZE])
{
	pthread_rwlock_rdlock(&v->index_lock);
	memcpy(ret, v->packs[number], PACK_ID_SIZE);
	pthread_rwlock_unlock(&v->index_lock);
}

static int learn_locked(struct vault *v, const uint8_t pack[PACK_ID_SIZE],
    const struct pack_entry *t, uint32_t count, struct err *e)
{
	if (v->pack_count == v->pack_cap) {
		size_t cap = v->pack_cap == 0 ? 64 : v->pack_cap * 2;
		uint8_t (*p)[PACK_ID_SIZE] = reallocarray(v->packs, cap, PACK_ID_SIZE);

		if (p == NULL)
			return err_nomem(e);
		v->packs = p;
		v->pack_cap = cap;
	}
	memcpy(v->packs[v->pack_count++], pack, PACK_ID_SIZE);
	for (uint32_t i = 0; i < count; i++) {
		struct chunk_place at = {
			.pack = (uint32_t)(v->pack_count - 1),
			.offset = t[i].offset,
			.sealed_n = t[i].sealed_n,
		};

		if (index_add(&v->index, &t[i].id, &at, e) != 0)
			return -1;
	}
	return 0;
}

int vault_learn(struct vault *v, const uint8_t pack[PACK_ID_SIZE], const struct pack_entry *t,
    uint32_t count, struct err *e)
{
	int r;

	pthread_rwlock_wrlock(&v->index_lock);
	r = learn_locked(v, pack, t, count, e);
	pthread_rwlock_unlock(&v->index_lock);
	return r;
}
