/* replica_store.c - the directory of a copy, and its object `replica`. */
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fs.h"
#include "crypto/crypto.h"
#include "work/replicas.h"

#define OBJECT "replica"
#define OBJECT_MAX 4096
#define VERSION 1

int replica_dir(const struct region_settings *r, const char *store, struct arena *a,
    const char **ret, struct err *e)
{
	const char *dir = arena_fmt(a, "%s/vaults/%s", r->store, store);

	if (dir == NULL)
		return err_nomem(e);
	*ret = dir;
	return 0;
}

int64_t replica_made_us(const struct region_settings *r, const char *store)
{
	auto_arena struct arena a = { 0 };
	const char *path = arena_fmt(&a, "%s/vaults/%s/" OBJECT, r->store, store);
	struct stat st;

	if (path == NULL || stat(path, &st) != 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
}

bool replica_is_there(const struct region_settings *r, const char *store)
{
	return replica_made_us(r, store) != 0;
}

/* ---- the object ---- */
/* 1, 0 there is none, -1. */
static int read_object(struct object_store *s, uint8_t ret[WRAPPED_KEY_SIZE], struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_json json_t *doc = NULL;

	if (object_get_all(s, OBJECT, OBJECT_MAX, &text, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	if (jparse(buf_str(&text), &doc, e) != 0)
		return err_set(e, ERR_CORRUPT, "object '" OBJECT "' is not JSON: %.200s", e->msg);
	if (jint(doc, "version", 0) != VERSION)
		return err_set(e, ERR_INVALID, "object '" OBJECT "' has version %lld, this program "
		    "knows %d", (long long)jint(doc, "version", 0), VERSION);
	if (hex_decode(str_c(jstr(doc, "wrappedKey", "")), ret, WRAPPED_KEY_SIZE) !=
	    WRAPPED_KEY_SIZE)
		return err_set(e, ERR_CORRUPT, "object '" OBJECT "' holds no wrapped key");
	return 1;
}

static int load_key(const struct world *w, struct object_store *s, const char *store,
    uint8_t ret[32], struct err *e)
{
	uint8_t wrapped[WRAPPED_KEY_SIZE];
	int found = read_object(s, wrapped, e);

	if (found <= 0)
		return found;
	if (key_unwrap(w->pair_key, str_c(store), wrapped, ret, e) == 0)
		return 1;
	return e->kind != ERR_DENIED ? -1 : err_set(e, ERR_DENIED, "its key does not unwrap: "
	    "keys/pair.key is not the one that it was made with");
}

int replica_key_save(const struct world *w, struct object_store *s, const char *store,
    const char *region, const uint8_t key[32], struct err *e)
{
	auto_json json_t *doc = NULL;
	auto_buf struct buf text = { 0 };
	uint8_t there[32], wrapped[WRAPPED_KEY_SIZE];
	char hex[HEX_SIZE(WRAPPED_KEY_SIZE)];
	struct err ignored;
	bool same = load_key(w, s, store, there, &ignored) > 0 &&
	    crypto_equal(there, key, sizeof(there));

	crypto_wipe(there, sizeof(there));
	if (same)
		return 0;
	if (key_wrap(w->pair_key, str_c(store), key, wrapped, e) != 0)
		return -1;
	doc = json_pack("{s:i, s:s, s:s}", "version", VERSION, "region", region, "wrappedKey",
	    hex_encode(wrapped, sizeof(wrapped), hex));
	if (doc == NULL)
		return err_nomem(e);
	return jdump(doc, &text, e) != 0 ? -1 : object_put(s, OBJECT, text.p, text.n, e);
}

int replica_key(const struct world *w, const struct region_settings *r, const char *store,
    uint8_t ret[32], struct err *e)
{
	auto_arena struct arena a = { 0 };
	struct object_store *s = NULL;
	const char *dir;
	int found;

	if (replica_dir(r, store, &a, &dir, e) != 0 || object_dir_open(dir, false, &s, e) != 0)
		return -1;
	found = load_key(w, s, store, ret, e);
	object_close(s);
	return found > 0 ? 0 : found < 0 ? -1 :
	    err_set(e, ERR_NOT_FOUND, "copy '%s' has no key", store);
}

/* ---- opening and removing ---- */
int replica_load(const struct world *w, const struct region_settings *r, const char *store,
    const uint8_t *key, struct vault **ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	struct object_store *s = NULL;
	uint8_t unwrapped[32];
	const char *dir;
	int found;

	if (replica_dir(r, store, &a, &dir, e) != 0 || object_dir_open(dir, false, &s, e) != 0)
		return -1;
	if (key != NULL)
		return vault_open(s, key, ret, e);
	found = load_key(w, s, store, unwrapped, e);
	if (found <= 0) {
		object_close(s);
		return found < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "it was removed");
	}
	found = vault_open(s, unwrapped, ret, e);
	crypto_wipe(unwrapped, sizeof(unwrapped));
	return found;
}

int replica_remove(struct world *w, const struct resource *vault, struct err *e)
{
	const char *store = jstr(vault->body, "internal.store", "");
	const struct region_settings *to;
	auto_arena struct arena a = { 0 };
	struct err ignored;
	const char *dir;

	if (!replica_wanted(vault) ||
	    settings_copy_region(w->settings, vault->location, &to, &ignored) != 0)
		return 0;
	if (replica_dir(to, store, &a, &dir, e) != 0)
		return -1;
	return fs_remove_tree(dir, e) != 0 ? err_in(e, "removing its copy in '%s'", to->name) : 0;
}
