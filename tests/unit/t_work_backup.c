/* t_work_backup.c - backup, configure and delete jobs on real images, with a real vault and the
 * real engine.
 *
 * "run DIR JOB" makes this program run one submitted job of the world in DIR, so that it can be
 * killed at a failpoint and run again. */
#include "t.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "disk/disk.h"
#include "work/retention.h"
#include "work/work.h"
#include "work/world.h"
#include "parent.h"

#define MIB (INT64_C(1) << 20)
#define GROUP "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg1"
#define VM GROUP "/providers/" TYPE_VM "/web"
#define VAULT GROUP "/providers/" TYPE_VAULT "/v1"
#define POLICY VAULT "/backupPolicies/daily"
#define ITEM VAULT "/backupFabrics/Azure/protectionContainers/" \
	"IaasVMContainer;iaasvmcontainerv2;rg1;web/protectedItems/VM;iaasvmcontainerv2;rg1;web"
#define DISK(n) GROUP "/providers/" TYPE_DISK "/" n

/* The OS disk is a qcow2 file, one disk has a tail behind its last MiB, one is all holes. */
static const struct source {
	const char *name, *format, *sku;
	int lun;
	int64_t size;
} sources[] = {
	{ "os", "qcow2", "Premium_LRS", -1, 24 * MIB },
	{ "data-a", "raw", "Standard_LRS", 0, 5 * MIB + 4096 },
	{ "data-b", "raw", "Standard_LRS", 3, 2 * MIB },
};

struct rig {
	char dir[64], store[96], path[96], region[8], pair[2];
	struct settings settings;
	struct world world;
};

/* ---- the world ---- */

static void rig_open(struct rig *g, const char *dir)
{
	struct err e = { 0 };

	*g = (struct rig){ .region = "eastus" };
	(void)snprintf(g->dir, sizeof(g->dir), "%s", dir);
	(void)snprintf(g->store, sizeof(g->store), "%s/store", dir);
	(void)snprintf(g->path, sizeof(g->path), "%s/control.db", dir);
	g->settings.dir = g->dir;
	g->settings.chunk_kib = 256;
	g->settings.regions[0] = (struct region_settings){ g->region, g->pair, g->store };
	g->settings.region_count = 1;
	g->world.settings = &g->settings;
	g->world.clock = &clock_system;
	memset(g->world.master_key, 7, sizeof(g->world.master_key));
	OK(db_open(g->path, &g->world.db, &e));
	OK(vault_cache_new(&g->world.vaults, &e));
}

static void rig_start(struct rig *g)
{
	struct err e = { 0 };
	struct job_engine_opts o = { .db = g->world.db, .clock = &clock_system, .world = &g->world,
		.kinds = work_kinds, .workers = 1 };

	OK(job_engine_start(&o, &g->world.engine, &e));
}

static void rig_stop(struct rig *g)
{
	job_engine_stop(g->world.engine);
	g->world.engine = NULL;
}

static void rig_close(struct rig *g)
{
	rig_stop(g);
	vault_cache_free(g->world.vaults);
	db_close(g->world.db);
}

static const char *image(const struct rig *g, const char *name, char ret[128])
{
	(void)snprintf(ret, 128, "%s/%s.img", g->dir, name);
	return ret;
}

/* The raw bytes stay beside a qcow2 image as NAME-raw.img, to compare with. */
static const char *plain(const struct rig *g, const struct source *s, char ret[128])
{
	(void)snprintf(ret, 128, "%s/%s%s.img", g->dir, s->name,
	    strcmp(s->format, "raw") != 0 ? "-raw" : "");
	return ret;
}

static int run(const char *fmt, ...) printf_like(1, 2);
static int run(const char *fmt, ...)
{
	char command[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command);
}

static void make_image(const struct rig *g, const struct source *s)
{
	uint8_t block[65536];
	char path[128], qcow[128];
	int fd = open(plain(g, s, path), O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, s->size), 0);
	for (int64_t at = 0; s->lun != 3 && at < s->size; at += 3 * (int64_t)sizeof(block)) {
		size_t n = s->size - at < (int64_t)sizeof(block) ? (size_t)(s->size - at)
		    : sizeof(block);

		random_bytes(block, n);
		assert_int_equal(pwrite(fd, block, n, at), (ssize_t)n);
	}
	(void)close(fd);
	if (strcmp(s->format, "qcow2") == 0)
		assert_int_equal(run("qemu-img convert -f raw -O qcow2 '%s' '%s'", path,
		    image(g, s->name, qcow)), 0);
}

static void put(struct rig *g, const char *type, const char *id, const char *parent,
    const char *ref, json_t *body)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource r = { 0 };

	assert_non_null(body);
	OK(resource_init(&r, type, id, "eastus", parent, body, &e));
	OK(resource_set(&r.ref, ref, &e));
	OK(db_write_begin(g->world.db, &c, &e));
	put_parents(c, parent);
	OK(resource_put(c, &r, 1, &e));
	OK(db_commit(&c, &e));
}

/* NULL if there is no such row. */
static json_t *body_of(struct rig *g, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource r = { 0 };

	OK(db_read_begin(g->world.db, &c, &e));
	OK(resource_get(c, id, &r, &e));
	return json_incref(r.body);
}

static void drop(struct rig *g, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	OK(db_write_begin(g->world.db, &c, &e));
	assert_int_equal(resource_delete(c, id, &e), 1);
	OK(db_commit(&c, &e));
}

static void put_disk(struct rig *g, const struct source *s)
{
	char path[128], id[256];

	(void)snprintf(id, sizeof(id), DISK("%s"), s->name);
	put(g, TYPE_DISK, id, GROUP, VM, json_pack("{s:{s:s},s:{s:s},s:{s:s},s:{s:s,s:s,s:b}}", "sku",
	    "name", s->sku, "tags", "owner", "ann", "properties", "diskState", "Reserved",
	    "internal", "path", image(g, s->name, path), "format", s->format, "owned", 0));
}

static void put_vm(struct rig *g)
{
	put(g, TYPE_VM, VM, GROUP, "", json_pack("{s:[s],s:{s:{s:s},s:{s:{s:s,s:s,s:{s:s}},"
	    "s:[{s:i,s:s,s:{s:s}},{s:i,s:s,s:{s:s}}]}}}", "zones", "1", "properties",
	    "hardwareProfile", "vmSize", "Standard_DS2_v2", "storageProfile", "osDisk", "osType",
	    "Windows", "name", "os", "managedDisk", "id", DISK("os"), "dataDisks", "lun", 0, "name",
	    "data-a", "managedDisk", "id", DISK("data-a"), "lun", 3, "name", "data-b",
	    "managedDisk", "id", DISK("data-b")));
}

/* `selection`: diskExclusionProperties as text, or NULL. */
static void put_item(struct rig *g, const char *selection)
{
	struct err e = { 0 };
	json_t *body = json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:s},s:{s:s}}", "properties",
	    "friendlyName", "web", "policyId", POLICY, "policyName", "daily", "protectionState",
	    "IRPending", "lastBackupStatus", "", "lastBackupTime", "2001-01-01T00:00:00Z",
	    "internal", "dataId", "1");

	if (selection != NULL) {
		json_t *x = NULL;

		OK(jparse(str_c(selection), &x, &e));
		OK(jset(jat(body, "properties"), "extendedProperties",
		    json_pack("{s:o}", "diskExclusionProperties", x), &e));
	}
	put(g, TYPE_ITEM, ITEM, VAULT, VM, body);
}

static int setup(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));
	char dir[] = "/tmp/t_work_backup.XXXXXX";
	struct err e = { 0 };
	json_t *vault = json_pack("{s:{}}", "internal");

	assert_non_null(g);
	assert_non_null(mkdtemp(dir));
	rig_open(g, dir);
	OK(world_vault_create(&g->world, "eastus", vault, &e));
	put(g, TYPE_VAULT, VAULT, GROUP, "", vault);
	put(g, TYPE_POLICY, POLICY, VAULT, "", json_pack("{s:{s:s,s:{s:{s:{s:i,s:s}}}}}", "properties",
	    "policyType", "V2", "retentionPolicy", "dailySchedule", "retentionDuration", "count", 9,
	    "durationType", "Days"));
	put_vm(g);
	put_item(g, NULL);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		make_image(g, &sources[i]);
		put_disk(g, &sources[i]);
	}
	*state = g;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int teardown(void **state)
{
	struct rig *g = *state;

	rig_close(g);
	assert_int_equal(nftw(g->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(g);
	return 0;
}

/* ---- jobs ---- */

static void submit(struct rig *g, const char *kind, const char *more, char id[GUID_SIZE])
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_json json_t *args = NULL;

	OK(jparse(str_c(more), &args, &e));
	OK(jset(args, "vaultId", json_string(VAULT), &e));
	OK(jset(args, "itemId", json_string(ITEM), &e));
	OK(db_write_begin(g->world.db, &c, &e));
	OK(job_submit(c, &(struct job_spec){ .kind = kind, .vault = VAULT, .item = ITEM,
	    .operation = "Backup", .cancellable = true, .args = args },
	    clock_now_us(&clock_system), id, &e));
	OK(db_commit(&c, &e));
	if (g->world.engine != NULL)
		job_engine_wake(g->world.engine);
}

static struct job_row row_of(struct rig *g, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	struct job_row r = { 0 };

	OK(db_read_begin(g->world.db, &c, &e));
	assert_int_equal(job_get(c, id, &r, &e), 1);
	return r;
}

static void nap(void)
{
	(void)nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
}

static struct job_row wait_end(struct rig *g, const char *id)
{
	for (int i = 0; i < 12000; i++) {
		struct job_row r = row_of(g, id);

		if (r.end_us != 0)
			return r;
		job_row_done(&r);
		nap();
	}
	fail_msg("job %s does not end", id);
	return (struct job_row){ 0 };
}

static struct job_row work(struct rig *g, const char *kind, const char *more)
{
	char id[GUID_SIZE];
	struct job_row r;

	rig_start(g);
	submit(g, kind, more, id);
	r = wait_end(g, id);
	rig_stop(g);
	return r;
}

static const char *message(const struct job_row *r)
{
	return jstr(json_array_get(r->errors, 0), "errorString", "");
}

static void back_up(struct rig *g)
{
	auto_job_row struct job_row r = work(g, "backup", "{}");

	if (strcmp(r.status, JOB_COMPLETED) != 0)
		fail_msg("%s: %s", r.status, message(&r));
}

static void assert_failed(struct rig *g, const char *part)
{
	auto_job_row struct job_row r = work(g, "backup", "{}");
	auto_json json_t *item = body_of(g, ITEM);

	assert_string_equal(r.status, JOB_FAILED);
	CONTAINS(message(&r), part);
	assert_string_equal(jstr(item, "properties.lastBackupStatus", ""), "Failed");
}

static int run_self(struct rig *g, const char *id, const char *failpoints)
{
	int status = 0;
	struct err e = { 0 };
	pid_t pid;

	/* one process at a time writes to a vault */
	vault_cache_free(g->world.vaults);
	OK(vault_cache_new(&g->world.vaults, &e));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setenv("HOLDFAST_FAILPOINTS", failpoints, 1);
		(void)execl("/proc/self/exe", "t_work_backup", "run", g->dir, id, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int run_main(const char *dir, const char *id)
{
	static struct rig g;
	auto_job_row struct job_row r = { 0 };

	rig_open(&g, dir);
	rig_start(&g);
	r = wait_end(&g, id);
	rig_close(&g);
	return 0;
}

static struct job_row crash(struct rig *g, const char *kind, const char *place)
{
	char id[GUID_SIZE], failpoints[80];
	int status;

	(void)snprintf(failpoints, sizeof(failpoints), "%s=kill", place);
	submit(g, kind, "{}", id);
	status = run_self(g, id, failpoints);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("%s did not kill the job", place);
	status = run_self(g, id, "");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return row_of(g, id);
}

/* ---- looking at what came of it ---- */

static int add_row(void *arg, struct resource *r, struct err *e)
{
	(void)e;
	return json_array_append_new(arg, json_pack("{s:s,s:s,s:I,s:O}", "id", r->id, "name",
	    r->name, "sort", (json_int_t)r->sort, "body", r->body));
}

/* Rows of points, newest first. */
static json_t *points(struct rig *g)
{
	struct resource_query q = { .type = TYPE_POINT, .parent = ITEM, .newest_first = true };
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	json_t *list = json_array();

	OK(db_read_begin(g->world.db, &c, &e));
	OK(resource_list(c, &q, add_row, list, &e));
	return list;
}

static struct vault *vault_of(struct rig *g)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource row = { 0 };
	struct vault *v = NULL;

	OK(db_read_begin(g->world.db, &c, &e));
	assert_int_equal(resource_get(c, VAULT, &row, &e), 1);
	db_rollback(&c);
	OK(world_vault(&g->world, &row, &v, &e));
	return v;
}

static int count_one(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	assert_null(damage);
	(void)item;
	(void)point;
	(void)e;
	assert_string_equal(jstr(meta, "itemId", ""), ITEM);
	assert_string_equal(jstr(meta, "vaultId", ""), VAULT);
	assert_string_equal(jstr(meta, "sourceResourceId", ""), VM);
	(*(size_t *)arg)++;
	return 0;
}

/* Rows and vault have the same number of points. */
static void assert_points(struct rig *g, size_t want)
{
	auto_json json_t *rows = points(g);
	size_t n = 0;
	struct err e = { 0 };

	assert_int_equal(json_array_size(rows), want);
	OK(vault_point_list(vault_of(g), NULL, count_one, &n, &e));
	assert_int_equal(n, want);
}

static void assert_disk_is(struct rig *g, const char *point, const struct source *s)
{
	auto_arena struct arena a = { 0 };
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	char out[128], want[128];
	struct err e = { 0 };

	OK(vault_point_open(vault_of(g), arena_lower(&a, str_c(ITEM)), point, &p, &e));
	assert_int_equal(vault_point_disk_size(p, s->name), s->size);
	OK(disk_sink_create(image(g, "back", out), DISK_RAW, s->size, &sink, &e));
	OK(vault_restore_disk(p, s->name, sink, 0, NULL, NULL, &e));
	OK(disk_sink_finish(&sink, &e));
	vault_point_close(p);
	assert_int_equal(run("cmp '%s' '%s'", out, plain(g, s, want)), 0);
	assert_int_equal(unlink(out), 0);
}

/* ---- backup ---- */

static void a_backup_makes_a_point(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = work(g, "backup", "{\"expiryTime\":\"2030-01-02T00:00:00Z\"}");
	auto_json json_t *rows = points(g), *item = body_of(g, ITEM);
	const json_t *point = json_array_get(rows, 0), *props = jat(point, "body.properties");
	const json_t *disks = jat(point, "body.internal.disks"), *x;
	size_t i;

	assert_string_equal(r.status, JOB_COMPLETED);
	assert_int_equal(json_array_size(r.tasks), 2);
	assert_string_equal(jstr(json_array_get(r.tasks, 0), "taskId", ""), "Take Snapshot");
	assert_string_equal(jstr(json_array_get(r.tasks, 1), "taskId", ""), "Transfer data to vault");
	json_array_foreach(r.tasks, i, x)
		assert_string_equal(jstr(x, "status", ""), JOB_COMPLETED);
	CONTAINS(jstr(r.bag, "Backup Size", ""), " MB");
	assert_int_equal(r.percent, 100);
	assert_points(g, 1);
	assert_int_equal(strlen(jstr(point, "name", "")), 15);
	assert_string_equal(jstr(props, "objectType", ""), "IaasVMRecoveryPoint");
	assert_string_equal(jstr(props, "recoveryPointType", ""), "CrashConsistent");
	assert_string_equal(jstr(props, "sourceVMStorageType", ""),
	    "PremiumVMOnPartialPremiumStorage");
	assert_string_equal(jstr(props, "virtualMachineSize", ""), "Standard_DS2_v2");
	assert_string_equal(jstr(props, "osType", ""), "Windows");
	assert_string_equal(jstr(props, "createdWithPolicyType", ""), "V2");
	assert_int_equal(json_array_size(jat(props, "recoveryPointTierDetails")), 2);
	assert_null(jat(props, "recoveryPointDiskConfiguration"));
	assert_string_equal(jstr(point, "body.internal.expiryTime", ""), "2030-01-02T00:00:00Z");
	assert_int_equal(json_array_size(disks), ARRAY_LEN(sources));
	for (i = 0; i < ARRAY_LEN(sources); i++) {
		x = json_array_get(disks, i);
		assert_string_equal(jstr(x, "name", ""), sources[i].name);
		assert_int_equal(jint(x, "lun", -9), sources[i].lun);
		assert_int_equal(jint(x, "size", 0), sources[i].size);
		assert_null(jat(x, "path"));	/* where it lay is nobody's business */
		assert_null(jat(x, "inPlace"));
		assert_disk_is(g, jstr(point, "name", ""), &sources[i]);
	}
	assert_string_equal(jstr(item, "properties.protectionState", ""), "Protected");
	assert_string_equal(jstr(item, "properties.lastBackupStatus", ""), "Completed");
	assert_string_equal(jstr(item, "properties.healthStatus", ""), "Passed");
	assert_string_equal(jstr(item, "properties.lastRecoveryPoint", ""),
	    jstr(props, "recoveryPointTime", "?"));
	assert_int_equal(jint(json_array_get(jat(item, "properties.healthDetails"), 0), "code", 0),
	    400239);
}

static void the_next_point_has_what_changed(void **state)
{
	struct rig *g = *state;
	char path[128], old[128];
	uint8_t block[4096];
	int fd;

	back_up(g);
	(void)plain(g, &sources[1], path);
	assert_int_equal(run("cp --sparse=always '%s' '%s'", path, image(g, "old", old)), 0);
	fd = open(path, O_WRONLY);
	random_bytes(block, sizeof(block));
	assert_int_equal(pwrite(fd, block, sizeof(block), 3 * MIB), sizeof(block));
	(void)close(fd);
	back_up(g);
	assert_points(g, 2);

	auto_json json_t *rows = points(g);
	const char *newer = jstr(json_array_get(rows, 0), "name", "");
	const char *older = jstr(json_array_get(rows, 1), "name", "");

	assert_true(strcmp(newer, older) > 0);
	assert_disk_is(g, newer, &sources[1]);
	assert_int_equal(rename(old, path), 0);
	assert_disk_is(g, older, &sources[1]);
	/* 9 days from the next midnight on */
	CONTAINS(jstr(json_array_get(rows, 0), "body.internal.expiryTime", ""), "T00:00:00Z");
}

static void points_are_kept_as_the_policy_says(void **state)
{
	const int64_t day = INT64_C(86400) * 1000000;
	struct resource none = { 0 }, weekly = { .body = json_pack("{s:{s:{s:{s:{s:i,s:s}}}}}",
	    "properties", "retentionPolicy", "weeklySchedule", "retentionDuration", "count", 2,
	    "durationType", "Weeks") };

	(void)state;
	assert_int_equal(retention_expiry(&none, 5 * day + 1), (6 + 30) * day);
	assert_int_equal(retention_expiry(&weekly, 5 * day + 1), (6 + 14) * day);
	json_decref(weekly.body);
}

static void only_the_chosen_disks_are_backed_up(void **state)
{
	static const struct {
		const char *selection;
		unsigned disks;		/* bit per source */
	} rows[] = {
		{ "{\"diskLunList\":[3],\"isInclusionList\":true}", 5 },
		{ "{\"diskLunList\":[3],\"isInclusionList\":false}", 3 },
		{ "{\"diskLunList\":[],\"isInclusionList\":true}", 1 },
		{ "{\"diskLunList\":[],\"isInclusionList\":false}", 7 },
		{ "{\"diskLunList\":[77],\"isInclusionList\":true}", 1 },
	};
	struct rig *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned got = 0;
		const json_t *x, *config;
		size_t k, n = (size_t)__builtin_popcount(rows[i].disks);

		put_item(g, rows[i].selection);
		back_up(g);

		auto_json json_t *all = points(g);
		const json_t *body = jat(json_array_get(all, 0), "body");

		json_array_foreach(jat(body, "internal.disks"), k, x)
			for (size_t s = 0; s < ARRAY_LEN(sources); s++)
				if (strcmp(jstr(x, "name", ""), sources[s].name) == 0)
					got |= 1u << s;
		assert_int_equal(got, rows[i].disks);
		config = jat(body, "properties.recoveryPointDiskConfiguration");
		assert_int_equal(jint(config, "numberOfDisksIncludedInBackup", 0), n);
		assert_int_equal(jint(config, "numberOfDisksAttachedToVm", 0), 3);
		assert_int_equal(json_array_size(jat(config, "includedDiskList")), n);
		assert_int_equal(json_array_size(jat(config, "excludedDiskList")), 3 - n);
		assert_int_equal(json_array_size(jat(body, "internal.excluded")), 3 - n);
	}
}

static void a_vm_that_is_gone_is_told_by_the_item(void **state)
{
	struct rig *g = *state;

	back_up(g);
	drop(g, VM);
	assert_failed(g, "Virtual machine doesn't exist");

	auto_json json_t *item = body_of(g, ITEM), *again = NULL;
	const json_t *detail = json_array_get(jat(item, "properties.healthDetails"), 0);

	assert_string_equal(jstr(item, "properties.healthStatus", ""), "ActionRequired");
	assert_int_equal(jint(detail, "code", 0), 400136);
	assert_string_equal(jstr(detail, "title", ""), "UserErrorVmNotFoundV2");
	assert_points(g, 1);
	put_vm(g);
	back_up(g);
	again = body_of(g, ITEM);
	assert_string_equal(jstr(again, "properties.healthStatus", ""), "Passed");
	assert_points(g, 2);
}

static void bad_images_fail_the_job_and_leave_nothing(void **state)
{
	struct rig *g = *state;
	char path[128], away[128], pidfile[128];
	auto_buf struct buf pid = { 0 };
	struct err e = { 0 };

	/* gone */
	image(g, "data-a", path);
	image(g, "away", away);
	assert_int_equal(rename(path, away), 0);
	assert_failed(g, path);
	/* a link in its place, though to the very same bytes */
	assert_int_equal(symlink(away, path), 0);
	assert_failed(g, away);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(away, path), 0);
	/* the VM was started */
	image(g, "pid", pidfile);
	assert_int_equal(run("qemu-nbd -f raw --fork --persistent --pid-file='%s' --socket='%s/s' '%s'",
	    pidfile, g->dir, path), 0);
	assert_failed(g, "in use");
	OK(fs_read_all(pidfile, 100, &pid, &e));
	assert_int_equal(kill((pid_t)strtol(pid.p, NULL, 10), SIGTERM), 0);
	for (int i = 0; i < 400 && access(pidfile, F_OK) == 0; i++)
		nap();
	/* not what its row says */
	image(g, "os", path);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(run("truncate -s 24M '%s'", path), 0);
	assert_failed(g, "qcow2");
	/* cut short */
	assert_int_equal(run("cp '%s' '%s' && truncate -s 1M '%s'", away, path, path), 0);
	assert_failed(g, "cut short");
	assert_points(g, 0);
	assert_int_equal(rename(away, path), 0);
	back_up(g);
	assert_points(g, 1);
}

/* main() makes a transfer pause at every chunk. */
static void wait_for_transfer(struct rig *g, const char *id)
{
	for (int i = 0; i < 12000; i++) {
		auto_job_row struct job_row r = row_of(g, id);

		if (r.end_us != 0)
			break;
		if (strcmp(r.step, "transfer") == 0 && json_array_size(r.tasks) == 2)
			return;
		nap();
	}
	fail_msg("job %s was never seen transferring", id);
}

static void an_image_that_changes_meanwhile_makes_no_point(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = { 0 };
	char id[GUID_SIZE], path[128];
	int fd = open(image(g, "data-b", path), O_WRONLY);

	assert_true(fd >= 0);
	rig_start(g);
	submit(g, "backup", "{}", id);
	wait_for_transfer(g, id);
	(void)nanosleep(&(struct timespec){ 0, 40000000 }, NULL);
	assert_int_equal(pwrite(fd, "x", 1, MIB), 1);
	(void)close(fd);
	r = wait_end(g, id);
	rig_stop(g);
	assert_string_equal(r.status, JOB_FAILED);
	CONTAINS(message(&r), path);
	CONTAINS(message(&r), "changed");
	assert_points(g, 0);
}

static void a_cancelled_backup_leaves_nothing(void **state)
{
	struct rig *g = *state;
	auto_json json_t *before = body_of(g, ITEM), *after = NULL;
	auto_job_row struct job_row r = { 0 };
	auto_conn struct db_conn *c = NULL;
	char id[GUID_SIZE];
	struct err e = { 0 };

	rig_start(g);
	submit(g, "backup", "{}", id);
	wait_for_transfer(g, id);
	OK(db_write_begin(g->world.db, &c, &e));
	OK(job_cancel(c, id, &e));
	OK(db_commit(&c, &e));
	job_engine_wake(g->world.engine);
	r = wait_end(g, id);
	rig_stop(g);
	assert_string_equal(r.status, JOB_CANCELLED);
	assert_points(g, 0);
	after = body_of(g, ITEM);
	assert_true(json_equal(before, after));
}

static void a_killed_backup_finishes_with_one_point(void **state)
{
	static const char *const places[] = { "snapshot/before", "snapshot/unsaved", "snapshot/after",
		"transfer/before", "transfer/chunk", "transfer/committed", "transfer/unsaved",
		"transfer/after", "publish/before", "publish/unsaved", "publish/after" };
	struct rig *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		auto_job_row struct job_row r = { 0 };
		auto_json json_t *rows = NULL;
		char place[64];

		(void)snprintf(place, sizeof(place), "backup/%s", places[i]);
		r = crash(g, "backup", place);
		if (strcmp(r.status, JOB_COMPLETED) != 0)
			fail_msg("killed at %s: %s: %s", place, r.status, message(&r));
		CONTAINS(jstr(r.bag, "Backup Size", ""), " MB");
		assert_points(g, i + 1);
		rows = points(g);
		for (size_t k = 0; k < ARRAY_LEN(sources); k++)
			assert_disk_is(g, jstr(json_array_get(rows, 0), "name", ""), &sources[k]);
	}
}

static void a_backup_that_fails_late_is_taken_back(void **state)
{
	static const char *const places[] = { "transfer/committed", "transfer/unsaved",
		"publish/unsaved" };
	struct rig *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		auto_job_row struct job_row r = { 0 };
		auto_json json_t *item = NULL;
		char id[GUID_SIZE], failpoints[64];
		int status;

		(void)snprintf(failpoints, sizeof(failpoints), "backup/%s=error", places[i]);
		submit(g, "backup", "{}", id);
		status = run_self(g, id, failpoints);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		r = row_of(g, id);
		assert_string_equal(r.status, JOB_FAILED);
		assert_points(g, 0);
		item = body_of(g, ITEM);
		assert_string_equal(jstr(item, "properties.lastBackupStatus", ""), "Failed");
		assert_string_equal(jstr(item, "properties.protectionState", ""), "IRPending");
		assert_null(jat(item, "properties.lastRecoveryPoint"));
	}
}

static void a_clock_set_back_makes_no_older_name(void **state)
{
	struct rig *g = *state;

	put(g, TYPE_POINT, ITEM "/recoveryPoints/999000000000000", ITEM, "", json_pack("{s:{}}",
	    "properties"));
	back_up(g);

	auto_json json_t *rows = points(g);
	bool has_next = false;

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(jstr(json_array_get(rows, i), "name", ""), "999000000000001") == 0)
			has_next = true;
	assert_true(has_next);
}

/* ---- configure and delete ---- */

static void configuring_twice_is_configuring_once(void **state)
{
	static const struct {
		const char *args, *state, *policy_id, *policy_name;
	} rows[] = {
		{ "{\"policyId\":\"" POLICY "\",\"protectionState\":\"IRPending\"}", "IRPending", POLICY,
		    "daily" },
		{ "{\"policyId\":\"\",\"protectionState\":\"ProtectionStopped\"}", "ProtectionStopped", "",
		    "" },
		{ "{\"policyId\":\"" POLICY "2\",\"protectionState\":\"Protected\"}", "Protected",
		    POLICY "2", "daily2" },
	};
	struct rig *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json json_t *first = NULL, *second = NULL;
		auto_job_row struct job_row a = work(g, "configure", rows[i].args), b = { 0 }, r = { 0 };

		assert_string_equal(a.status, JOB_COMPLETED);
		first = body_of(g, ITEM);
		assert_string_equal(jstr(first, "properties.protectionState", ""), rows[i].state);
		assert_string_equal(jstr(first, "properties.policyId", "?"), rows[i].policy_id);
		assert_string_equal(jstr(first, "properties.policyName", "?"), rows[i].policy_name);
		b = work(g, "configure", rows[i].args);
		assert_string_equal(b.status, JOB_COMPLETED);
		second = body_of(g, ITEM);
		assert_true(json_equal(first, second));
		r = crash(g, "configure", "configure/apply/unsaved");
		(void)r;
	}
	drop(g, ITEM);

	auto_job_row struct job_row r = work(g, "configure", rows[0].args);

	assert_string_equal(r.status, JOB_FAILED);
	CONTAINS(message(&r), "Item not found");
}

static void a_stopped_item_stays_stopped_when_backed_up(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = work(g, "configure",
	    "{\"policyId\":\"\",\"protectionState\":\"ProtectionStopped\"}");

	assert_string_equal(r.status, JOB_COMPLETED);
	back_up(g);

	auto_json json_t *item = body_of(g, ITEM);

	assert_string_equal(jstr(item, "properties.protectionState", ""), "ProtectionStopped");
	assert_string_equal(jstr(item, "properties.lastBackupStatus", ""), "Completed");
}

static void a_deleted_item_takes_its_points_along(void **state)
{
	static const char *const places[] = { "points/before", "points/unsaved", "points/after",
		"item/before", "item/unsaved", "item/after", "collect/before", "collect/unsaved" };
	struct rig *g = *state;

	for (size_t i = 0; i <= ARRAY_LEN(places); i++) {
		auto_job_row struct job_row r = { 0 };
		auto_json json_t *item = NULL;
		char place[64];

		put_item(g, NULL);
		back_up(g);
		back_up(g);
		assert_points(g, 2);
		(void)snprintf(place, sizeof(place), "delete/%s", places[i % ARRAY_LEN(places)]);
		r = i < ARRAY_LEN(places) ? crash(g, "delete", place) : work(g, "delete", "{}");
		if (strcmp(r.status, JOB_COMPLETED) != 0)
			fail_msg("killed at %s: %s: %s", place, r.status, message(&r));
		assert_points(g, 0);
		item = body_of(g, ITEM);
		assert_null(item);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_backup_makes_a_point),
		TEST(the_next_point_has_what_changed),
		cmocka_unit_test(points_are_kept_as_the_policy_says),
		TEST(only_the_chosen_disks_are_backed_up),
		TEST(a_vm_that_is_gone_is_told_by_the_item),
		TEST(bad_images_fail_the_job_and_leave_nothing),
		TEST(an_image_that_changes_meanwhile_makes_no_point),
		TEST(a_cancelled_backup_leaves_nothing),
		TEST(a_killed_backup_finishes_with_one_point),
		TEST(a_backup_that_fails_late_is_taken_back),
		TEST(a_clock_set_back_makes_no_older_name),
		TEST(configuring_twice_is_configuring_once),
		TEST(a_stopped_item_stays_stopped_when_backed_up),
		TEST(a_deleted_item_takes_its_points_along),
	};

	if (argc == 4 && strcmp(argv[1], "run") == 0)
		return run_main(argv[2], argv[3]);
	(void)setenv("HOLDFAST_FAILPOINTS", "backup/transfer/chunk=sleep:10", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
