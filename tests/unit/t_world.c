/* t_world.c - directories of regions, and vaults by their resource. */
#include "t.h"

#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/fs.h"
#include "work/world.h"

#define VAULT_ID "/subscriptions/s/resourceGroups/g/providers/" TYPE_VAULT "/v1"

struct fixture {
	char dir[64], east[96], west[96], name[8];
	struct settings settings;
	struct world w;
	struct arena a;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = { 0 };

	strcpy(f->dir, "/tmp/t_world.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->east, sizeof(f->east), "%s/east", f->dir);
	strcpy(f->name, "eastus");
	f->settings.regions[0] = (struct region_settings){ .name = f->name, .store = f->east };
	f->settings.region_count = 1;
	f->w.settings = &f->settings;
	random_bytes(f->w.master_key, sizeof(f->w.master_key));
	OK(vault_cache_new(&f->w.vaults, &e));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vault_cache_free(f->w.vaults);
	arena_done(&f->a);
	(void)nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void new_vault(struct fixture *f, struct resource *ret)
{
	json_t *body = json_pack("{s:{}}", "internal");
	struct err e = { 0 };

	OK(world_vault_create(&f->w, "eastus", body, &e));
	OK(resource_init(ret, TYPE_VAULT, VAULT_ID, "eastus", "", body, &e));
}

static void store_dir(const struct fixture *f, const struct resource *vault, char out[256])
{
	(void)snprintf(out, 256, "%s/vaults/%s", f->east, jstr(vault->body, "internal.store", ""));
}

static void directories_are_made_on_first_use(void **state)
{
	struct fixture *f = *state;
	const char *disks, *account, *one, *two;
	struct err e = { 0 };

	OK(world_disk_dir(&f->w, "eastus", &f->a, &disks, &e));
	OK(world_account_dir(&f->w, "East US", "stage1", &f->a, &account, &e));
	assert_true(is_dir(disks) && is_dir(account));
	CONTAINS(account, "/accounts/stage1");
	OK(world_disk_path(&f->w, "eastus", "vm-osdisk", "raw", &f->a, &one, &e));
	OK(world_disk_path(&f->w, "eastus", "vm-osdisk", "raw", &f->a, &two, &e));
	assert_string_not_equal(one, two);
	assert_memory_equal(one, disks, strlen(disks));
	CONTAINS(one, "/disks/vm-osdisk-");
	assert_string_equal(one + strlen(one) - 4, ".raw");
	assert_int_not_equal(access(one, F_OK), 0);
	FAILS(world_disk_dir(&f->w, "mars", &f->a, &disks, &e), ERR_INVALID);
	CONTAINS(e.msg, "'mars'");
}

/* The second region is another server's, whose store is in reach for copies. */
static void another_servers_region_is_left_alone(void **state)
{
	static const char pointer[] = "'westus' is served by https://b.example:8443";
	static char region[] = "westus", url[] = "https://b.example:8443";
	struct fixture *f = *state;
	auto_resource struct resource res = { 0 };
	auto_json json_t *body = json_pack("{s:{}}", "internal");
	char partial[128];
	const char *path;
	struct vault *v;
	struct err e = { 0 };

	(void)snprintf(f->west, sizeof(f->west), "%s/west", f->dir);
	(void)snprintf(partial, sizeof(partial), "%s/disks/vm" WORLD_PARTIAL, f->west);
	OK(fs_mkdirs(partial, 0700, &e));
	f->settings.regions[1] = (struct region_settings){ .name = region, .store = f->west,
		.server = url };
	f->settings.region_count = 2;
	FAILS(world_disk_dir(&f->w, "westus", &f->a, &path, &e), ERR_INVALID);
	CONTAINS(e.msg, pointer);
	FAILS(world_disk_path(&f->w, "West US", "d", "raw", &f->a, &path, &e), ERR_INVALID);
	CONTAINS(e.msg, pointer);
	FAILS(world_account_dir(&f->w, "westus", "stage1", &f->a, &path, &e), ERR_INVALID);
	CONTAINS(e.msg, pointer);
	FAILS(world_vault_create(&f->w, "westus", body, &e), ERR_INVALID);
	CONTAINS(e.msg, pointer);
	/* a row that is left over from the time when the region was this server's */
	new_vault(f, &res);
	free(res.location);
	res.location = strdup("westus");
	FAILS(world_vault(&f->w, &res, &v, &e), ERR_INVALID);
	CONTAINS(e.msg, pointer);
	FAILS(world_vault_remove(&f->w, &res, &e), ERR_INVALID);
	OK(world_sweep(&f->w, &e));
	assert_true(is_dir(partial));
	(void)snprintf(partial, sizeof(partial), "%s/vaults", f->west);
	assert_false(is_dir(partial));
}

static void names_cannot_leave_the_region(void **state)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", "/etc", ".hidden",
		"a\nb" };
	struct fixture *f = *state;
	const char *path;
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		FAILS(world_account_dir(&f->w, "eastus", bad[i], &f->a, &path, &e), ERR_INVALID);
		FAILS(world_disk_path(&f->w, "eastus", bad[i], "raw", &f->a, &path, &e),
		    ERR_INVALID);
	}
}

static void a_vault_is_opened_once(void **state)
{
	struct fixture *f = *state;
	auto_resource struct resource res = { 0 };
	struct vault *v, *again;
	char dir[256];
	struct err e = { 0 };

	new_vault(f, &res);
	store_dir(f, &res, dir);
	assert_true(is_dir(dir));
	OK(world_vault(&f->w, &res, &v, &e));
	OK(world_vault(&f->w, &res, &again, &e));
	assert_ptr_equal(v, again);
}

static void another_master_key_opens_nothing(void **state)
{
	struct fixture *f = *state;
	auto_resource struct resource one = { 0 }, two = { 0 };
	struct vault *v;
	struct err e = { 0 };

	new_vault(f, &one);
	new_vault(f, &two);
	/* the key of one vault does not open the store of the other */
	OK(jset(jat(two.body, "internal"), "wrappedKey",
	    json_string(jstr(one.body, "internal.wrappedKey", "")), &e));
	FAILS(world_vault(&f->w, &two, &v, &e), ERR_DENIED);
	f->w.master_key[0] ^= 1;
	FAILS(world_vault(&f->w, &one, &v, &e), ERR_DENIED);
	CONTAINS(e.msg, "'v1'");
	OK(jset(jat(two.body, "internal"), "store", json_string("../../etc"), &e));
	FAILS(world_vault(&f->w, &two, &v, &e), ERR_CORRUPT);
}

static int count(void *arg, const char *item, const char *point, const json_t *meta, const struct err *damage, struct err *e)
{
	assert_null(damage);
	(void)item;
	(void)point;
	(void)meta;
	(void)e;
	++*(int *)arg;
	return 0;
}

static void a_removed_vault_is_gone_but_what_was_lent_stays_safe(void **state)
{
	struct fixture *f = *state;
	auto_resource struct resource res = { 0 };
	struct vault *v, *none;
	char dir[256];
	struct err e = { 0 };
	int n = 0;

	new_vault(f, &res);
	store_dir(f, &res, dir);
	OK(world_vault(&f->w, &res, &v, &e));
	OK(world_vault_remove(&f->w, &res, &e));
	assert_false(is_dir(dir));
	/* a job that still runs on it fails or finds nothing, no more */
	if (vault_point_list(v, NULL, count, &n, &e) == 0)
		assert_int_equal(n, 0);
	FAILS(world_vault(&f->w, &res, &none, &e), ERR_NOT_FOUND);
	OK(world_vault_remove(&f->w, &res, &e));
}

struct opener {
	struct fixture *f;
	const struct resource *res;
	struct vault *v;
};

static void *open_one(void *arg)
{
	struct opener *o = arg;
	struct err e = { 0 };

	if (world_vault(&o->f->w, o->res, &o->v, &e) != 0)
		o->v = NULL;
	return NULL;
}

static void threads_share_one_open_vault(void **state)
{
	struct fixture *f = *state;
	auto_resource struct resource res = { 0 };
	struct opener o[4];
	pthread_t t[ARRAY_LEN(o)];

	new_vault(f, &res);
	for (size_t i = 0; i < ARRAY_LEN(o); i++) {
		o[i] = (struct opener){ f, &res, NULL };
		assert_int_equal(pthread_create(&t[i], NULL, open_one, &o[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		(void)pthread_join(t[i], NULL);
	assert_non_null(o[0].v);
	for (size_t i = 1; i < ARRAY_LEN(o); i++)
		assert_ptr_equal(o[i].v, o[0].v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(directories_are_made_on_first_use),
		T(another_servers_region_is_left_alone),
		T(names_cannot_leave_the_region),
		T(a_vault_is_opened_once),
		T(another_master_key_opens_nothing),
		T(a_removed_vault_is_gone_but_what_was_lent_stays_safe),
		T(threads_share_one_open_vault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
