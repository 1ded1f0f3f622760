/* t_replicate.c - one look at a vault and its copy, when the copy's store fails or is slow, and
 * when either side is damaged.  `t_replicate lag` prints how long it takes until a changed disk
 * is in the copy. */
#include "t.h"

#include <sys/stat.h>

#include "replica_rig.h"
#include "work/replicate.h"

#define WEB ITEM("web")
#define DB ITEM("db")

static void ignore(void *arg, const struct replicate_stand *s)
{
	*(struct replicate_stand *)arg = *s;
}

static int look_with(struct world_rig *g, const struct vault_progress *progress,
    struct replicate_stand *ret, struct err *e)
{
	struct replicate r = { .world = &g->world, .vault = &g->vault,
		.to = &g->settings.regions[1], .progress = progress, .tell = ignore, .arg = ret };

	return replicate(&r, e);
}

static int look(struct world_rig *g, struct err *e)
{
	struct replicate_stand ignored;

	return look_with(g, NULL, &ignored, e);
}

static struct vault *copy_of(struct world_rig *g)
{
	struct vault *v = NULL;
	struct err e;

	OK(replica_of(&g->world, &g->vault, &g->settings.regions[1], &v, &e));
	return v;
}

/* ---- what the copy shows ---- */
static const struct shown {
	const char *item, *point;
} all[] = { { DB, "100" }, { WEB, "100" }, { WEB, "101" } };

/* As another process sees it: every point that is shown restores.  How many are. */
static size_t check_shown(struct world_rig *g)
{
	struct vault *v = NULL;
	auto_arena struct arena a = { 0 };
	uint8_t key[32];
	size_t n = 0;
	struct err e;

	OK(world_vault_key(&g->world, &g->vault, key, &e));
	OK(replica_load(&g->world, &g->settings.regions[1],
	    jstr(g->vault.body, "internal.store", ""), key, &v, &e));
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		auto_image struct image here = { 0 }, there = { 0 };
		struct vault_point *p = NULL;

		if (vault_point_open(v, arena_lower(&a, str_c(all[i].item)), all[i].point, &p,
		    &e) != 0)
			continue;
		vault_point_close(p);
		n++;
		here = rig_read_point(g, g->v, all[i].item, all[i].point);
		there = rig_read_point(g, v, all[i].item, all[i].point);
		assert_true(image_same(&here, &there));
	}
	vault_close(v);
	return n;
}

static void three_points(struct world_rig *g)
{
	rig_put_item(g, WEB, "Protected");
	rig_put_item(g, DB, "Protected");
	rig_add_point(g, WEB, "100", TIME0_US - 3 * HOUR_US);
	rig_add_point(g, WEB, "101", TIME0_US - 2 * HOUR_US);
	rig_add_point(g, DB, "100", TIME0_US - HOUR_US);
}

/* The copy's store from now on, behind `filter`. */
static void put_filter(struct world_rig *g, struct object_store *filter)
{
	const char *store = jstr(g->vault.body, "internal.store", "");
	struct vault *v = NULL;
	uint8_t key[32];
	struct err e;

	OK(world_vault_key(&g->world, &g->vault, key, &e));
	OK(vault_open(filter, key, &v, &e));
	OK(replicas_add(&g->world, &g->settings.regions[1], store, v, &v, &e));
}

static struct object_store *copy_store(struct world_rig *g)
{
	auto_arena struct arena a = { 0 };
	struct object_store *s = NULL;
	const char *dir;
	struct err e;

	OK(replica_dir(&g->settings.regions[1], jstr(g->vault.body, "internal.store", ""), &a, &dir,
	    &e));
	OK(object_dir_open(dir, false, &s, &e));
	return s;
}

/* A copy with the vault's and items' documents and no points. */
static void begin_copy(struct world_rig *g)
{
	struct vault *v;
	struct err e;

	OK(replica_make(&g->world, &g->vault, g->v, &g->settings.regions[1], &v, &e));
	world_rig_reopen(g);
}

/* ---- tests ---- */
static void a_store_that_fails_leaves_whole_points(void **state)
{
	struct world_rig *g = *state;
	struct object_store *fault;
	struct err e = { 0 };
	unsigned nth;

	three_points(g);
	begin_copy(g);
	OK(object_fault_open(copy_store(g), &fault, &e));
	put_filter(g, fault);
	for (nth = 1; nth < 1000; nth++) {
		object_fault_arm(fault, nth, nth % 2 == 0 ? ERR_IO : ERR_NO_SPACE, true);
		e = (struct err){ 0 };
		if (look(g, &e) == 0)
			break;
		assert_true(e.kind == ERR_IO || e.kind == ERR_NO_SPACE);
		object_fault_arm(fault, 0, ERR_NONE, false);
		(void)check_shown(g);
	}
	assert_in_range(nth, 2, 999);
	object_fault_arm(fault, 0, ERR_NONE, false);
	OK(look(g, &e));
	assert_int_equal(check_shown(g), 3);
}

/* A store in which there is no room any more, only while it is full. */
struct full_store {
	struct object_store base;
	struct object_store *below;
	bool is_full;
};

static int full_put(struct object_store *s, const char *name, const void *p, size_t n,
    struct err *e)
{
	struct full_store *f = (struct full_store *)s;

	return f->is_full ? err_set(e, ERR_NO_SPACE, "storing object '%s': no space left", name) :
	    object_put(f->below, name, p, n, e);
}

static int full_get(struct object_store *s, const char *name, int64_t offset, void *p, size_t n,
    struct err *e)
{
	return object_get(((struct full_store *)s)->below, name, offset, p, n, e);
}

static int full_head(struct object_store *s, const char *name, struct object_info *ret,
    struct err *e)
{
	return object_head(((struct full_store *)s)->below, name, ret, e);
}

static int full_del(struct object_store *s, const char *name, struct err *e)
{
	return object_del(((struct full_store *)s)->below, name, e);
}

static int full_list(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
    struct err *e)
{
	return object_list(((struct full_store *)s)->below, prefix, fn, arg, e);
}

static int full_lock(struct object_store *s, struct err *e)
{
	return object_lock(((struct full_store *)s)->below, e);
}

static void full_close(struct object_store *s)
{
	object_close(((struct full_store *)s)->below);
	free(s);
}

static const struct object_ops full_ops = { .put = full_put, .get = full_get, .head = full_head,
	.del = full_del, .list = full_list, .lock = full_lock, .close = full_close };

static int add_size(void *arg, const struct object_info *info, struct err *e)
{
	(void)e;
	*(int64_t *)arg += info->size;
	return 0;
}

static int64_t bytes_of_packs(struct object_store *s)
{
	int64_t bytes = 0;
	struct err e;

	OK(object_list(s, "packs/", add_size, &bytes, &e));
	return bytes;
}

/* Points that are gone from the vault give their room to those that wait for it. */
static void a_full_store_lets_go_of_what_is_gone_from_the_vault(void **state)
{
	struct world_rig *g = *state;
	struct full_store *full = calloc(1, sizeof(*full));
	int64_t before;
	struct err e;

	assert_non_null(full);
	rig_put_item(g, WEB, "Protected");
	rig_add_point(g, WEB, "100", TIME0_US - 3 * HOUR_US);
	begin_copy(g);
	*full = (struct full_store){ .base.ops = &full_ops, .below = copy_store(g) };
	put_filter(g, &full->base);
	OK(look(g, &e));
	assert_int_equal(check_shown(g), 1);

	rig_delete_point(g, WEB, "100");
	image_noise(&g->disk, 0, g->disk.n, &g->rng);
	rig_put_item(g, DB, "Protected");
	rig_add_point(g, WEB, "101", TIME0_US - 2 * HOUR_US);
	before = bytes_of_packs(full->below);
	full->is_full = true;
	FAILS(look(g, &e), ERR_NO_SPACE);
	assert_true(bytes_of_packs(full->below) < before / 2);
	full->is_full = false;
	OK(look(g, &e));
	assert_int_equal(check_shown(g), 1);
}

struct impatient {
	int64_t end_us;
};

static bool is_over(void *arg, int64_t done, int64_t total)
{
	const struct impatient *x = arg;

	(void)done;
	(void)total;
	return clock_monotonic_us() >= x->end_us;
}

static void a_slow_store_is_left_within_a_second(void **state)
{
	struct world_rig *g = *state;
	struct impatient soon = { 0 };
	const struct vault_progress progress = { is_over, &soon };
	struct replicate_stand stand = { 0 };
	struct object_store *slow;
	struct err e;

	three_points(g);
	begin_copy(g);
	OK(object_delay_open(copy_store(g), 1000, 4 << 20, &slow, &e));
	put_filter(g, slow);
	soon.end_us = clock_monotonic_us() + 100000;
	FAILS(look_with(g, &progress, &stand, &e), ERR_CANCELLED);
	assert_in_range(stand.missing, 1, 3);
	(void)check_shown(g);
	OK(look(g, &e));
	assert_int_equal(check_shown(g), 3);
}

/* ---- damage ---- */
static int any_pack(void *arg, const struct object_info *info, struct err *e)
{
	(void)e;
	(void)snprintf(arg, 256, "%s", info->name);
	return info->size > (1 << 20);
}

/* Turns bits in the middle of a pack. */
static void damage(struct world_rig *g, const char *store)
{
	char pack[256] = "", path[512];
	struct object_store *s = NULL;
	auto_arena struct arena a = { 0 };
	uint8_t byte;
	int fd;
	struct err e;

	OK(object_dir_open(arena_fmt(&a, "%s/vaults/%s", store,
	    jstr(g->vault.body, "internal.store", "")), false, &s, &e));
	assert_int_equal(object_list(s, "packs/", any_pack, pack, &e), 1);
	object_close(s);
	(void)snprintf(path, sizeof(path), "%s/vaults/%s/%s", store,
	    jstr(g->vault.body, "internal.store", ""), pack);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 500000), 1);
	byte ^= 0xff;
	assert_int_equal(pwrite(fd, &byte, 1, 500000), 1);
	(void)close(fd);
}

static int count_damage(void *arg, const char *item, const char *point, const struct vault_check *c,
    const struct err *why, struct err *e)
{
	(void)item;
	(void)point;
	(void)why;
	(void)e;
	*(int64_t *)arg += c != NULL ? c->damaged : 1;
	return 0;
}

static int64_t verify(struct vault *v)
{
	const struct vault_verify_opts opts = { 0 };
	int64_t damaged = 0;
	struct err e;

	OK(vault_verify(v, &opts, count_damage, &damaged, &e));
	return damaged;
}

static void damage_is_mended_from_the_other_side(void **state)
{
	struct world_rig *g = *state;
	struct err e;

	three_points(g);
	OK(look(g, &e));
	damage(g, g->west_store);
	assert_true(verify(copy_of(g)) > 0);
	OK(look(g, &e));
	assert_int_equal(verify(copy_of(g)), 0);

	damage(g, g->east_store);
	assert_true(verify(g->v) > 0);
	OK(look(g, &e));
	assert_int_equal(verify(g->v), 0);
	assert_int_equal(check_shown(g), 3);
}

/* A damaged point does not keep the others back. */
static void a_damaged_point_stays_missing_alone(void **state)
{
	struct world_rig *g = *state;
	struct replicate_stand stand = { 0 };
	auto_arena struct arena a = { 0 };
	char object[VAULT_NAME_SIZE], path[512];
	struct err e;

	three_points(g);
	OK(vault_point_object(g->v, arena_lower(&a, STR(DB)), "100", object, &e));
	(void)snprintf(path, sizeof(path), "%s/vaults/%s/%s", g->east_store,
	    jstr(g->vault.body, "internal.store", ""), object);
	assert_int_equal(truncate(path, 40), 0);
	FAILS(look_with(g, NULL, &stand, &e), ERR_CORRUPT);
	CONTAINS(e.msg, object);
	assert_int_equal(stand.points, 3);
	assert_int_equal(stand.missing, 1);
	assert_int_equal(stand.oldest_us, TIME0_US - HOUR_US);
	assert_int_equal(check_shown(g), 2);
}

/* By which alone the second region's server can read the copy. */
static void a_damaged_key_of_the_copy_is_written_anew(void **state)
{
	static const char *const damaged[] = { "", "{\"version\":1,\"wrappedKey\":\"00\"}" };
	struct world_rig *g = *state;
	const char *store = jstr(g->vault.body, "internal.store", "");
	char path[512];
	uint8_t key[32];
	struct err e;

	three_points(g);
	OK(look(g, &e));
	(void)snprintf(path, sizeof(path), "%s/vaults/%s/replica", g->west_store, store);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		OK(fs_write_atomic(path, damaged[i], strlen(damaged[i]), 0600, &e));
		FAILS(replica_key(&g->world, &g->settings.regions[1], store, key, &e), ERR_CORRUPT);
		OK(look(g, &e));
		OK(replica_key(&g->world, &g->settings.regions[1], store, key, &e));
	}
}

/* What is left of the point is not shown, and would be in the way of collections. */
static void a_point_that_is_damaged_in_the_copy_is_sent_anew(void **state)
{
	struct world_rig *g = *state;
	struct replicate_stand stand = { 0 };
	struct replicate r = { .world = &g->world, .vault = &g->vault,
		.to = &g->settings.regions[1], .tell = ignore, .arg = &stand };
	auto_arena struct arena a = { 0 };
	char object[VAULT_NAME_SIZE], path[512];
	struct err e;

	three_points(g);
	OK(replicate(&r, &e));
	OK(vault_point_object(g->v, arena_lower(&a, STR(WEB)), "101", object, &e));
	(void)snprintf(path, sizeof(path), "%s/vaults/%s/%s", g->west_store,
	    jstr(g->vault.body, "internal.store", ""), object);
	assert_int_equal(truncate(path, 40), 0);
	assert_int_equal(check_shown(g), 2);
	r.is_first = true;	/* as after a restart */
	OK(replicate(&r, &e));
	assert_int_equal(check_shown(g), 3);

	r.is_first = false;
	assert_int_equal(truncate(path, 40), 0);
	rig_delete_point(g, WEB, "100");
	FAILS(replicate(&r, &e), ERR_CORRUPT);
	CONTAINS(e.msg, "collecting the copy");
	OK(replicate(&r, &e));
	assert_false(r.must_collect);
	assert_int_equal(check_shown(g), 2);
}

struct newest {			/* of packs, by what was there before */
	json_t *known;
	char path[512];
	const char *dir;
};

static int note_pack(void *arg, const struct object_info *info, struct err *e)
{
	struct newest *n = arg;

	(void)e;
	if (json_object_get(n->known, info->name) == NULL)
		(void)snprintf(n->path, sizeof(n->path), "%s/%s", n->dir, info->name);
	return json_object_set_new(n->known, info->name, json_true());
}

/* The item whose point is copied first has one in a pack that cannot be opened, as on a medium that
 * fails: neither its other points nor other items wait for it. */
static void a_point_that_cannot_be_read_stays_missing_alone(void **state)
{
	struct world_rig *g = *state;
	struct replicate_stand stand = { 0 };
	auto_arena struct arena a = { 0 };
	char web[VAULT_NAME_SIZE], db[VAULT_NAME_SIZE], away[600];
	auto_json json_t *known = json_object();
	struct newest n = { .known = known, .dir = arena_fmt(&a, "%s/vaults/%s", g->east_store,
	    jstr(g->vault.body, "internal.store", "")) };
	struct object_store *s = NULL;
	struct err e;

	rig_put_item(g, WEB, "Protected");
	rig_put_item(g, DB, "Protected");
	OK(vault_point_object(g->v, arena_lower(&a, STR(WEB)), "100", web, &e));
	OK(vault_point_object(g->v, arena_lower(&a, STR(DB)), "100", db, &e));
	rig_add_point(g, strcmp(web, db) < 0 ? WEB : DB, "100", TIME0_US - 3 * HOUR_US);
	OK(object_dir_open(n.dir, false, &s, &e));
	OK(object_list(s, "packs/", note_pack, &n, &e));
	image_noise(&g->disk, 0, g->disk.n, &g->rng);
	rig_add_point(g, strcmp(web, db) < 0 ? DB : WEB, "100", TIME0_US - HOUR_US);
	object_close(s);

	(void)snprintf(away, sizeof(away), "%s.away", n.path);
	assert_int_equal(rename(n.path, away), 0);
	assert_int_equal(mknod(n.path, S_IFSOCK | 0600, 0), 0);
	FAILS(look_with(g, NULL, &stand, &e), ERR_IO);
	CONTAINS(e.msg, strcmp(web, db) < 0 ? web : db);
	assert_int_equal(stand.points, 2);
	assert_int_equal(stand.missing, 1);
	assert_int_equal(stand.oldest_us, TIME0_US - 3 * HOUR_US);
	assert_int_equal(rename(away, n.path), 0);
	OK(look_with(g, NULL, &stand, &e));
	assert_int_equal(stand.missing, 0);
	assert_int_equal(check_shown(g), 2);
}

/* A copy that lists no points while its store is out of order loses nothing of theirs. */
static void a_copy_without_its_points_is_not_collected(void **state)
{
	struct world_rig *g = *state;
	struct replicate_stand stand = { 0 };
	struct replicate r = { .world = &g->world, .vault = &g->vault,
		.to = &g->settings.regions[1], .tell = ignore, .arg = &stand };
	char path[512], away[600];
	struct err e;

	three_points(g);
	OK(replicate(&r, &e));
	(void)snprintf(path, sizeof(path), "%s/vaults/%s/points", g->west_store,
	    jstr(g->vault.body, "internal.store", ""));
	(void)snprintf(away, sizeof(away), "%s.away", path);
	assert_int_equal(rename(path, away), 0);
	OK(fs_write_atomic(path, "in the way", 10, 0600, &e));
	FAILS(replicate(&r, &e), ERR_IO);
	FAILS(replicate(&r, &e), ERR_IO);
	assert_int_equal(stand.missing, 3);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(away, path), 0);
	OK(replicate(&r, &e));
	assert_int_equal(check_shown(g), 3);
}

/* ---- a server that was put back ---- */
static void keep(const char *from, const char *to)
{
	auto_free char *command = NULL;

	assert_true(asprintf(&command, "rm -rf '%s' && cp -a '%s' '%s'", to, from, to) > 0);
	assert_int_equal(system(command), 0);
}

/* The first region's store and database as they were before its last points, a copy that has them. */
static void put_back(struct world_rig *g, bool to_before)
{
	char east[160], db[160], dir[64];
	struct err e;

	strcpy(dir, g->dir);
	(void)snprintf(east, sizeof(east), "%s/kept-east", g->dir);
	(void)snprintf(db, sizeof(db), "%s/kept.db", g->dir);
	world_rig_close(g);
	keep(to_before ? east : g->east_store, to_before ? g->east_store : east);
	keep(to_before ? db : g->path, to_before ? g->path : db);
	world_rig_open(g, dir);
	OK(world_vault(&g->world, &g->vault, &g->v, &e));
}

static size_t count_shown(struct world_rig *g, const char *item, const char *const *names)
{
	struct vault *v = copy_of(g);
	auto_arena struct arena a = { 0 };
	size_t n = 0;

	for (; *names != NULL; names++) {
		struct vault_point *p = NULL;
		struct err e;

		n += vault_point_open(v, arena_lower(&a, str_c(item)), *names, &p, &e) == 0;
		vault_point_close(p);
	}
	return n;
}

static void a_server_that_was_put_back_removes_nothing(void **state)
{
	static const char *const later[] = { "102", "103", NULL }, *const next[] = { "104", NULL };
	struct world_rig *g = *state;
	struct err e;

	three_points(g);
	OK(look(g, &e));
	put_back(g, false);
	rig_add_point(g, WEB, "102", TIME0_US);
	OK(look(g, &e));
	rig_add_point(g, WEB, "103", TIME0_US + HOUR_US);
	OK(look(g, &e));
	put_back(g, true);
	FAILS(look(g, &e), ERR_CONFLICT);
	CONTAINS(e.msg, "2 recovery points that only the copy has are kept");
	/* It goes on backing up: what is new is copied, what only the copy has stays. */
	rig_add_point(g, WEB, "104", TIME0_US + 2 * HOUR_US);
	FAILS(look(g, &e), ERR_CONFLICT);
	assert_int_equal(count_shown(g, WEB, later), 2);
	assert_int_equal(count_shown(g, WEB, next), 1);
	FAILS(look(g, &e), ERR_CONFLICT);
	assert_int_equal(count_shown(g, WEB, later), 2);
}

/* Where the copy has nothing more, an older state of the database is no matter. */
static void a_server_that_was_put_back_goes_on(void **state)
{
	static const char *const gone[] = { "101", NULL };
	struct world_rig *g = *state;
	struct err e;

	three_points(g);
	OK(look(g, &e));
	put_back(g, false);
	rig_add_point(g, WEB, "102", TIME0_US);
	OK(look(g, &e));
	rig_delete_point(g, WEB, "102");
	OK(look(g, &e));
	put_back(g, true);
	OK(look(g, &e));
	rig_delete_point(g, WEB, "101");
	OK(look(g, &e));
	assert_int_equal(count_shown(g, WEB, gone), 0);
}

/* ---- how long it takes ---- */
static void print_lag(void **state)
{
	struct world_rig *g = *state;
	int64_t began;
	struct replicate_stand stand = { 0 };
	struct err e;

	image_resize(&g->disk, (size_t)1 << 30);
	image_noise(&g->disk, 0, g->disk.n, &g->rng);
	rig_put_item(g, WEB, "Protected");
	rig_add_point(g, WEB, "100", TIME0_US);
	began = clock_monotonic_us();
	OK(look_with(g, NULL, &stand, &e));
	print_message("first copy of %lld MiB: %.2f s\n", (long long)(stand.bytes >> 20),
	    (double)(clock_monotonic_us() - began) / 1e6);
	image_noise(&g->disk, (size_t)300 << 20, (size_t)100 << 20, &g->rng);
	rig_add_point(g, WEB, "101", TIME0_US + HOUR_US);
	began = clock_monotonic_us();
	OK(look_with(g, NULL, &stand, &e));
	print_message("then a change of 100 MiB, %lld MiB sent: %.2f s\n",
	    (long long)(stand.bytes >> 20), (double)(clock_monotonic_us() - began) / 1e6);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, world_rig_setup, world_rig_teardown)
		T(a_store_that_fails_leaves_whole_points),
		T(a_full_store_lets_go_of_what_is_gone_from_the_vault),
		T(a_slow_store_is_left_within_a_second),
		T(damage_is_mended_from_the_other_side),
		T(a_damaged_point_stays_missing_alone),
		T(a_damaged_key_of_the_copy_is_written_anew),
		T(a_point_that_is_damaged_in_the_copy_is_sent_anew),
		T(a_point_that_cannot_be_read_stays_missing_alone),
		T(a_copy_without_its_points_is_not_collected),
		T(a_server_that_was_put_back_removes_nothing),
		T(a_server_that_was_put_back_goes_on),
	};
	const struct CMUnitTest lag[] = { T(print_lag) };

	if (argc == 2 && strcmp(argv[1], "lag") == 0)
		return cmocka_run_group_tests(lag, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
