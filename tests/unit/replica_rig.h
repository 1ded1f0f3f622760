/* replica_rig.h - a server's world with two regions, a vault in the first that is copied to the
 * second, and items with points that are made without their jobs. */
#ifndef TESTS_REPLICA_RIG_H
#define TESTS_REPLICA_RIG_H

#include "vault_rig.h"

#include "base/arena.h"
#include "base/clock.h"
#include "parent.h"
#include "work/replicas.h"
#include "work/replicator.h"

#define GROUP "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg1"
#define VAULT GROUP "/providers/" TYPE_VAULT "/Vault1"
#define ITEM(vm) VAULT "/backupFabrics/Azure/protectionContainers/IaasVMContainer;" vm \
	"/protectedItems/VM;" vm
#define TIME0_US INT64_C(1700000000000000)
#define HOUR_US INT64_C(3600000000)
#define REPLICA_DATA ((size_t)3 << 20)	/* bytes of a point's disk */

struct world_rig {
	char dir[64], path[96], east_store[96], west_store[96], east[8], west[8], url[32];
	struct settings settings;
	struct clock clock;
	struct world world;
	struct resource vault;		/* its row */
	struct vault *v;
	uint64_t rng;
	struct image disk;		/* of the next point, which changes it a little */
};

static inline int64_t rig_now(const struct clock *c)
{
	return __atomic_load_n(&c->fixed_us, __ATOMIC_RELAXED);	/* tests move it under other threads */
}

static inline void world_rig_open(struct world_rig *g, const char *dir)
{
	struct err e;

	strcpy(g->east, "eastus");
	strcpy(g->west, "westus");
	(void)snprintf(g->dir, sizeof(g->dir), "%s", dir);
	(void)snprintf(g->path, sizeof(g->path), "%s/control.db", dir);
	(void)snprintf(g->east_store, sizeof(g->east_store), "%s/east", dir);
	(void)snprintf(g->west_store, sizeof(g->west_store), "%s/west", dir);
	g->settings.dir = g->dir;
	g->settings.chunk_kib = 256;
	g->settings.replication_interval_s = 3600;
	g->settings.regions[0] = (struct region_settings){ g->east, g->west, g->east_store, NULL };
	g->settings.regions[1] = (struct region_settings){ g->west, g->east, g->west_store, NULL };
	g->settings.region_count = 2;
	g->clock = (struct clock){ rig_now, TIME0_US };
	g->world.settings = &g->settings;
	g->world.clock = &g->clock;
	memset(g->world.master_key, 7, sizeof(g->world.master_key));
	memset(g->world.pair_key, 8, sizeof(g->world.pair_key));
	OK(db_open(g->path, &g->world.db, &e));
	OK(vault_cache_new(&g->world.vaults, &e));
}

static inline void world_rig_close(struct world_rig *g)
{
	replicator_stop(TAKE(g->world.replicator));
	vault_cache_free(TAKE(g->world.vaults));
	db_close(TAKE(g->world.db));
}

/* As after a restart: nothing is open any more. */
static inline void world_rig_reopen(struct world_rig *g)
{
	char dir[64];
	struct err e;

	strcpy(dir, g->dir);
	world_rig_close(g);
	world_rig_open(g, dir);
	OK(world_vault(&g->world, &g->vault, &g->v, &e));
}

/* ---- rows ---- */
static inline void rig_put_row(struct world_rig *g, const char *type, const char *id,
    const char *parent, int64_t sort, json_t *body)
{
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource r = { 0 };
	struct err e;

	assert_non_null(body);
	OK(resource_init(&r, type, id, "eastus", parent, body, &e));
	r.sort = sort;
	OK(db_write_begin(g->world.db, &c, &e));
	put_parents(c, parent);
	OK(resource_put(c, &r, 1, &e));
	OK(db_commit(&c, &e));
}

static inline void rig_drop_row(struct world_rig *g, const char *id)
{
	auto_conn struct db_conn *c = NULL;
	struct err e;

	OK(db_write_begin(g->world.db, &c, &e));
	assert_int_equal(resource_delete(c, id, &e), 1);
	OK(db_commit(&c, &e));
}

static inline void rig_put_vault(struct world_rig *g, const char *model, bool cross_region)
{
	json_t *body = json_deep_copy(g->vault.body);
	struct err e;

	assert_int_equal(json_object_set_new(jat(body, "internal"), "storageConfig",
	    json_pack("{s:s, s:b}", "storageModelType", model, "crossRegionRestoreFlag",
	    (int)cross_region)), 0);
	rig_put_row(g, TYPE_VAULT, VAULT, GROUP, 0, json_incref(body));
	resource_done(&g->vault);
	OK(resource_init(&g->vault, TYPE_VAULT, VAULT, "eastus", GROUP, body, &e));
}

static inline void rig_put_item(struct world_rig *g, const char *item, const char *state)
{
	rig_put_row(g, TYPE_ITEM, item, VAULT, 0, json_pack("{s:{s:s}, s:{s:s}}", "properties",
	    "protectionState", state, "internal", "dataId", "1"));
}

/* ---- points ---- */
static inline json_t *rig_document(int64_t when)
{
	char text[TIME_TEXT_MAX];

	return json_pack("{s:{s:s, s:s}, s:{s:[{s:s}]}}", "properties", "objectType",
	    "IaasVMRecoveryPoint", "recoveryPointTime", time_iso(when, text), "internal", "disks",
	    "name", "d");
}

/* A point of the disk as it is, in the vault only. */
static inline void rig_seal_point(struct world_rig *g, const char *item, const char *name,
    int64_t when)
{
	auto_json json_t *meta = rig_document(when);
	auto_arena struct arena a = { 0 };
	struct vault_session *s = NULL;
	struct vault_disk_stats st;
	struct disk_src *src = NULL;
	char path[128];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/disk.img", g->dir);
	image_save(&g->disk, path);
	OK(disk_src_open(path, DISK_RAW, &src, &e));
	OK(jset(meta, "itemId", json_string(item), &e));
	OK(jset(meta, "vaultId", json_string(VAULT), &e));
	OK(vault_session_begin(g->v, arena_lower(&a, str_c(item)), &s, &e));
	OK(vault_backup_disk(s, "d", src, NULL, &st, &e));
	OK(vault_session_commit(s, name, meta, &e));
	vault_session_end(s);
	disk_src_close(src);
	(void)unlink(path);
}

/* A point with its row; the disk differs from the last one's in one chunk. */
static inline void rig_add_point(struct world_rig *g, const char *item, const char *name,
    int64_t when)
{
	auto_arena struct arena a = { 0 };

	image_noise(&g->disk, (next_random(&g->rng) >> 9) % 8 * CHUNK, CHUNK, &g->rng);
	rig_seal_point(g, item, name, when);
	rig_put_row(g, TYPE_POINT, arena_fmt(&a, "%s/recoveryPoints/%s", item, name), item, when,
	    rig_document(when));
}

static inline void rig_delete_point(struct world_rig *g, const char *item, const char *name)
{
	auto_arena struct arena a = { 0 };
	struct err e;

	assert_int_equal(vault_point_delete(g->v, arena_lower(&a, str_c(item)), name, &e), 1);
	rig_drop_row(g, arena_fmt(&a, "%s/recoveryPoints/%s", item, name));
}

/* Does the point's disk restore to what the vault itself restores it to? */
static inline struct image rig_read_point(struct world_rig *g, struct vault *v, const char *item,
    const char *name)
{
	struct vault_point *p = NULL;
	auto_arena struct arena a = { 0 };
	struct disk_sink *sink = NULL;
	struct image m;
	char path[128];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/out.img", g->dir);
	OK(vault_point_open(v, arena_lower(&a, str_c(item)), name, &p, &e));
	OK(disk_sink_create(path, DISK_RAW, vault_point_disk_size(p, "d"), &sink, &e));
	OK(vault_restore_disk(p, "d", sink, 0, NULL, NULL, &e));
	disk_sink_close(sink);
	vault_point_close(p);
	m = image_load(path);
	(void)unlink(path);
	return m;
}

/* ---- the rig ---- */
static inline int world_rig_setup(void **state)
{
	struct world_rig *g = calloc(1, sizeof(*g));
	char dir[] = "/tmp/holdfast-replica-XXXXXX";
	json_t *body = json_pack("{s:{s:s}, s:{s:s}}", "properties", "provisioningState",
	    "Succeeded", "internal", "numericId", "12345678");
	struct err e;

	assert_non_null(g);
	assert_non_null(mkdtemp(dir));
	world_rig_open(g, dir);
	OK(world_vault_create(&g->world, "eastus", body, &e));
	OK(resource_init(&g->vault, TYPE_VAULT, VAULT, "eastus", GROUP, body, &e));
	rig_put_vault(g, "GeoRedundant", true);
	OK(world_vault(&g->world, &g->vault, &g->v, &e));
	g->rng = seed_from("HOLDFAST_SEED");
	g->disk = image_new(REPLICA_DATA);
	image_noise(&g->disk, 0, g->disk.n, &g->rng);
	*state = g;
	return 0;
}

static inline int world_rig_teardown(void **state)
{
	struct world_rig *g = *state;
	struct err e;

	world_rig_close(g);
	resource_done(&g->vault);
	image_done(&g->disk);
	OK(fs_remove_tree(g->dir, &e));
	free(g);
	return 0;
}

#endif
