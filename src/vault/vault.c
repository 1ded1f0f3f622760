/* vault.c - creating, opening and closing a vault; the right to write to it. */
#include "vault/engine.h"

#include "base/codec.h"

#define CONFIG_NAME "config"

static int sum(const uint8_t config[CONFIG_SIZE], uint8_t ret[32], struct err *e)
{
	return sha256(config, CONFIG_SUMMED, ret, e);
}

int vault_create(struct object_store *store, const uint8_t key[32], struct err *e)
{
	struct config c = { .version = FORMAT_VERSION, .chunk_shift = CHUNK_SHIFT_DEFAULT };
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
	if (object_put(store, CONFIG_NAME, bytes, sizeof(bytes), e) != 0) {
		struct err ignored;

		/* It may be there all the same, and would be in the way of the next attempt. */
		(void)!object_del(store, CONFIG_NAME, &ignored);
		return err_in(e, "creating a vault");
	}
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
	v->chunk_shift = c.chunk_shift;
	v->version = c.version;
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
	pthread_mutex_init(&v->collect_mu, NULL);
	pthread_mutex_init(&v->verify_mu, NULL);
	pthread_mutex_init(&v->writer_mu, NULL);
	pthread_mutex_init(&v->refresh_mu, NULL);
	pthread_mutex_init(&v->commit_mu, NULL);
	pthread_mutex_init(&v->roots_mu, NULL);
	pthread_rwlock_init(&v->index_lock, NULL);
	if (open_config(v, key, e) != 0 || vault_refresh(v, e) != 0 || vault_load_bad(v, e) != 0)
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
	pthread_mutex_destroy(&v->collect_mu);
	pthread_mutex_destroy(&v->verify_mu);
	pthread_mutex_destroy(&v->writer_mu);
	pthread_mutex_destroy(&v->refresh_mu);
	pthread_mutex_destroy(&v->commit_mu);
	pthread_mutex_destroy(&v->roots_mu);
	pthread_rwlock_destroy(&v->index_lock);
	index_done(&v->index);
	free(v->packs);
	free(v->committed);
	free(v->committed_levels);
	free(v);
}

/* Until now another process may have written: what it left is looked at again. */
static int become_writer(struct vault *v, struct err *e)
{
	if (object_lock(v->store, e) != 0)
		return e->kind == ERR_BUSY ? err_in(e, "the vault is in use") : -1;
	return vault_refresh_to_write(v, e) != 0 ? -1 : vault_load_bad(v, e);
}

int vault_lock_writer(struct vault *v, struct err *e)
{
	int r = 0;

	pthread_mutex_lock(&v->writer_mu);
	if (!atomic_load(&v->is_writer))
		r = become_writer(v, e);
	pthread_mutex_unlock(&v->writer_mu);
	return r;
}

bool vault_is_writer(struct vault *v)
{
	return atomic_load(&v->is_writer);
}
