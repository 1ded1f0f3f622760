/* t_work_restore.c - restore jobs on real images, with a real vault and the real engine.
 *
 * "run DIR JOB" makes this program run one submitted job of the world in DIR, so that it can
 * be killed at a failpoint and run again; "full DIR JOB MIB" runs it with a disk pool of that
 * size, which somebody else fills up after the first disk. */
#include "t.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "blob/blob.h"
#include "disk/disk.h"
#include "work/work.h"
#include "work/world.h"
#include "parent.h"

#define MIB (INT64_C(1) << 20)
#define SUB "/subscriptions/00000000-0000-4000-8000-000000000001"
#define GROUP SUB "/resourceGroups/rg1"
#define TARGET SUB "/resourceGroups/target"
#define VM GROUP "/providers/" TYPE_VM "/web-vm_1"
#define NIC GROUP "/providers/" TYPE_NIC "/nic1"
#define SUBNET GROUP "/providers/" TYPE_VNET "/net1/subnets/front"
#define VAULT GROUP "/providers/" TYPE_VAULT "/v1"
#define ITEM VAULT "/backupFabrics/Azure/protectionContainers/" \
	"IaasVMContainer;iaasvmcontainerv2;rg1;web-vm_1/protectedItems/" \
	"VM;iaasvmcontainerv2;rg1;web-vm_1"
#define POINT ITEM "/recoveryPoints/100000000000001"
#define DISK(n) GROUP "/providers/" TYPE_DISK "/" n

struct source {
	const char *name;
	int lun;
	int64_t size;
};

/* Sizes that are no whole number of MiB, one with a tail, one all holes. */
static const struct source sources[] = {
	{ "os", -1, 24 * MIB }, { "data-a", 0, 5 * MIB + 4096 }, { "data-b", 3, 2 * MIB },
};

struct rig {
	char dir[64], store[96], path[96];
	struct settings settings;
	struct world world;
	const struct job_kind *kinds[2];
};

/* Jumps two seconds at each look, so that whatever is done "every second" is done. */
static int64_t jumping_now(const struct clock *c)
{
	static _Atomic int64_t t;

	(void)c;
	t += 2000000;
	return clock_now_us(&clock_system) + t;
}

static const struct clock jumping = { .now_us = jumping_now };

/* ---- the world ---- */

static void rig_open(struct rig *g, const char *dir)
{
	struct err e = { 0 };

	*g = (struct rig){ 0 };
	(void)snprintf(g->dir, sizeof(g->dir), "%s", dir);
	(void)snprintf(g->store, sizeof(g->store), "%s/store", dir);
	(void)snprintf(g->path, sizeof(g->path), "%s/control.db", dir);
	g->settings.dir = g->dir;
	g->settings.chunk_kib = 256;
	g->settings.regions[0] = (struct region_settings){ (char *)(uintptr_t)"eastus",
		(char *)(uintptr_t)"", g->store };
	g->settings.region_count = 1;
	g->world.settings = &g->settings;
	g->world.clock = &jumping;
	memset(g->world.master_key, 7, sizeof(g->world.master_key));
	g->kinds[0] = &restore_kind;
	OK(db_open(g->path, &g->world.db, &e));
	OK(vault_cache_new(&g->world.vaults, &e));
}

static void rig_start_workers(struct rig *g, unsigned workers)
{
	struct err e = { 0 };
	struct job_engine_opts o = { .db = g->world.db, .clock = &clock_system, .world = &g->world,
		.kinds = g->kinds, .workers = workers };

	OK(job_engine_start(&o, &g->world.engine, &e));
}

static void rig_start(struct rig *g)
{
	rig_start_workers(g, 1);
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

static void image_path(const struct rig *g, const char *name, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s/%s.img", g->dir, name);
}

static void make_image(const struct rig *g, const struct source *s)
{
	uint8_t block[65536];
	char path[128];
	auto_close int fd = -1;

	image_path(g, s->name, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, s->size), 0);
	if (s->lun == 3)
		return;		/* all holes */
	for (int64_t at = 0; at < s->size; at += 3 * (int64_t)sizeof(block)) {
		size_t n = s->size - at < (int64_t)sizeof(block) ? (size_t)(s->size - at)
		    : sizeof(block);

		random_bytes(block, n);
		assert_int_equal(pwrite(fd, block, n, at), (ssize_t)n);
	}
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

static json_t *vm_document(void)
{
	return json_pack("{s:{s:s},s:{s:{s:s},s:{s:{s:s,s:s,s:s,s:s,s:{s:s}},s:[{s:i,s:s,s:s,s:{s:s}},"
	    "{s:i,s:s,s:s,s:{s:s}}]},s:{s:[{s:s}]},s:s},s:{s:s}}", "tags", "team", "web", "properties",
	    "hardwareProfile", "vmSize", "Standard_DS2_v2", "storageProfile", "osDisk", "osType",
	    "Linux", "name", "os", "createOption", "Attach", "caching", "ReadOnly", "managedDisk",
	    "id", DISK("os"), "dataDisks", "lun", 0, "name", "data-a", "caching", "ReadWrite",
	    "managedDisk", "id", DISK("data-a"), "lun", 3, "name", "data-b", "caching", "None",
	    "managedDisk", "id", DISK("data-b"), "networkProfile", "networkInterfaces", "id", NIC,
	    "vmId", "11111111-0000-4000-8000-000000000000", "internal", "powerState",
	    "PowerState/deallocated");
}

static void make_disk_row(struct rig *g, const struct source *s)
{
	char path[128], id[256];

	image_path(g, s->name, path, sizeof(path));
	(void)snprintf(id, sizeof(id), DISK("%s"), s->name);
	put(g, TYPE_DISK, id, GROUP, VM, json_pack("{s:{s:s},s:{s:s},s:s,s:{s:s},s:{s:s,s:s,s:b}}",
	    "sku", "name", "Premium_LRS", "tags", "holdfast:path", path, "managedBy", VM,
	    "properties", "diskState", "Reserved", "internal", "path", path, "format", "raw",
	    "owned", 0));
}

static json_t *point_disks(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		json_t *x = json_pack("{s:s,s:i,s:I,s:I,s:s,s:{s:s,s:s},s:s}", "name", sources[i].name,
		    "lun", sources[i].lun, "size", (json_int_t)sources[i].size, "data", (json_int_t)0,
		    "sku", "Premium_LRS", "tags", "owner", "ann", "holdfast:path", "/old", "format",
		    "raw");

		if (sources[i].lun < 0)
			assert_int_equal(json_object_set_new(x, "osType", json_string("Linux")), 0);
		assert_int_equal(json_array_append_new(list, x), 0);
	}
	return list;
}

static void back_up(struct rig *g)
{
	struct err e = { 0 };
	auto_arena struct arena a = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource row = { 0 };
	struct vault *v;
	struct vault_session *s = NULL;
	auto_json json_t *meta = json_object();

	OK(db_read_begin(g->world.db, &c, &e));
	assert_int_equal(resource_get(c, VAULT, &row, &e), 1);
	db_rollback(&c);
	OK(world_vault(&g->world, &row, &v, &e));
	OK(vault_session_begin(v, arena_lower(&a, str_c(ITEM)), &s, &e));
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct vault_disk_stats stats;
		struct disk_src *src = NULL;
		char path[128];

		image_path(g, sources[i].name, path, sizeof(path));
		OK(disk_src_open(path, DISK_RAW, &src, &e));
		OK(vault_backup_disk(s, sources[i].name, src, NULL, &stats, &e));
		disk_src_close(src);
	}
	OK(vault_session_commit(s, "100000000000001", meta, &e));
	vault_session_end(s);
}

static void populate(struct rig *g)
{
	struct err e = { 0 };
	json_t *vault = json_pack("{s:{}}", "internal");

	OK(world_vault_create(&g->world, "eastus", vault, &e));
	put(g, TYPE_VAULT, VAULT, GROUP, "", vault);
	put(g, TYPE_GROUP, GROUP, "", "", json_object());
	put(g, TYPE_GROUP, TARGET, "", "", json_object());
	put(g, TYPE_VM, VM, GROUP, "", vm_document());
	put(g, TYPE_NIC, NIC, GROUP, VM, json_pack("{s:{s:[{s:s,s:{s:{s:s}}}]}}", "properties",
	    "ipConfigurations", "name", "ip", "properties", "subnet", "id", SUBNET));
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		make_image(g, &sources[i]);
		make_disk_row(g, &sources[i]);
	}
	put(g, TYPE_ITEM, ITEM, VAULT, VM, json_pack("{s:{s:s,s:s},s:{s:s}}", "properties",
	    "friendlyName", "web-vm_1", "virtualMachineId", VM, "internal", "dataId", "1"));
	put(g, TYPE_POINT, POINT, ITEM, "", json_pack("{s:{s:s},s:{s:{s:s,s:s,s:s,s:o},s:o}}",
	    "properties", "recoveryPointTime", "2026-01-02T03:04:05Z", "internal", "vm", "id", VM,
	    "name", "web-vm_1", "location", "eastus", "body", vm_document(), "disks",
	    point_disks()));
	back_up(g);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int setup(void **state)
{
	struct rig *g = calloc(1, sizeof(*g));
	char dir[] = "/tmp/t_work_restore.XXXXXX";

	assert_non_null(g);
	assert_non_null(mkdtemp(dir));
	rig_open(g, dir);
	populate(g);
	*state = g;
	return 0;
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

static json_t *target(const char *type, const char *luns)
{
	struct err e = { 0 };
	json_t *t = json_pack("{s:s,s:s,s:s}", "region", "eastus", "accountId", "a", "accountName",
	    "staging");
	json_t *list = NULL;

	if (strcmp(type, "unmanaged") == 0) {
		OK(jset(t, "unmanaged", json_true(), &e));
	} else if (strcmp(type, "OriginalLocation") == 0) {
		OK(jset(t, "groupId", json_string(GROUP), &e));
		OK(jset(t, "vmId", json_string(VM), &e));
		OK(jset(t, "vmName", json_string("web-vm_1"), &e));
	} else {
		OK(jset(t, "groupId", json_string(TARGET), &e));
	}
	if (strcmp(type, "AlternateLocation") == 0) {
		OK(jset(t, "vmId", json_string(TARGET "/providers/" TYPE_VM "/copy"), &e));
		OK(jset(t, "vmName", json_string("copy"), &e));
		OK(jset(t, "subnetId", json_string(SUBNET), &e));
	}
	if (luns != NULL) {
		OK(jparse(str_c(luns), &list, &e));
		OK(jset(t, "luns", list, &e));
	}
	return t;
}

static void submit(struct rig *g, const char *type, const char *luns, char id[GUID_SIZE])
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_json json_t *args = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:{}}", "vaultId", VAULT,
	    "itemId", ITEM, "pointId", POINT, "baseUrl", "https://here:8443", "recoveryType",
	    strcmp(type, "unmanaged") == 0 ? "RestoreDisks" : type, "target", target(type, luns),
	    "request");

	assert_non_null(args);
	OK(db_write_begin(g->world.db, &c, &e));
	OK(job_submit(c, &(struct job_spec){ .kind = "restore", .vault = VAULT, .item = ITEM,
	    .operation = "Restore", .cancellable = true, .args = args }, 1, id, &e));
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

static struct job_row wait_end(struct rig *g, const char *id)
{
	for (int i = 0; i < 6000; i++) {
		struct job_row r = row_of(g, id);

		if (r.end_us != 0)
			return r;
		job_row_done(&r);
		(void)nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
	}
	fail_msg("job %s does not end", id);
	return (struct job_row){ 0 };
}

static struct job_row restore(struct rig *g, const char *type, const char *luns)
{
	char id[GUID_SIZE];
	struct job_row r;

	rig_start(g);
	submit(g, type, luns, id);
	r = wait_end(g, id);
	rig_stop(g);
	if (strcmp(r.status, JOB_COMPLETED) != 0)
		print_error("%s: %s\n", r.status,
		    jstr(json_array_get(r.errors, 0), "errorString", ""));
	return r;
}

/* ---- looking at what came of it ---- */

static void assert_same_bytes(const char *a, const char *b, int64_t size)
{
	struct err e = { 0 };
	auto_close int fa = open(a, O_RDONLY), fb = open(b, O_RDONLY);
	uint8_t *pa = malloc((size_t)size), *pb = malloc((size_t)size);

	assert_true(fa >= 0 && fb >= 0 && pa != NULL && pb != NULL);
	OK(fs_pread_full(fa, pa, (size_t)size, 0, a, &e));
	OK(fs_pread_full(fb, pb, (size_t)size, 0, b, &e));
	assert_memory_equal(pa, pb, (size_t)size);
	free(pa);
	free(pb);
}

static const struct source *source_at(int64_t lun)
{
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (sources[i].lun == lun)
			return &sources[i];
	fail_msg("no source at LUN %d", (int)lun);
	return &sources[0];
}

static void assert_restored(struct rig *g, const char *path, const struct source *s)
{
	char original[128];
	struct stat st;

	image_path(g, s->name, original, sizeof(original));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, s->size);
	assert_same_bytes(original, path, s->size);
}

struct found {
	struct rig *g;
	unsigned count;
	unsigned luns;		/* bits: 1 OS disk, 2 data disk of LUN 0, 4 of LUN 3 */
};

static int see_disk(void *arg, struct resource *r, struct err *e)
{
	struct found *f = arg;
	const char *path = jstr(r->body, "internal.path", "");

	(void)e;
	if (strstr(r->name, "-osdisk-") == NULL && strstr(r->name, "-datadisk-") == NULL)
		return 0;
	f->count++;
	assert_string_equal(jstr(json_object_get(r->body, "tags"), "holdfast:path", ""), path);
	assert_true(guid_valid(str_c(jstr(r->body, "tags.RSVaultBackup", ""))));
	assert_string_equal(jstr(r->body, "tags.owner", ""), "ann");
	assert_string_equal(jstr(r->body, "sku.name", ""), "Premium_LRS");
	assert_string_equal(r->location, "eastus");
	assert_true(jbool(r->body, "internal.owned", false));
	assert_true(strncmp(r->name, "webvm_1-", 8) == 0);
	if (strstr(r->name, "-osdisk-") != NULL) {
		f->luns |= 1;
		assert_string_equal(jstr(r->body, "properties.osType", ""), "Linux");
		assert_restored(f->g, path, source_at(-1));
	} else if (strstr(r->name, "-datadisk-000-") != NULL) {
		f->luns |= 2;
		assert_restored(f->g, path, source_at(0));
	} else {
		f->luns |= 4;
		assert_restored(f->g, path, source_at(3));
	}
	return 0;
}

/* Checks every restored disk of the group: number of rows. */
static struct found disks_of(struct rig *g, const char *group)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	struct found f = { .g = g };

	OK(db_read_begin(g->world.db, &c, &e));
	OK(resource_list(c, &(struct resource_query){ .type = TYPE_DISK, .group = group }, see_disk,
	    &f, &e));
	return f;
}

static unsigned files_in(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	if (d == NULL)
		return 0;
	for (struct dirent *x = readdir(d); x != NULL; x = readdir(d))
		n += x->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static unsigned pool_files(struct rig *g)
{
	struct err e = { 0 };
	auto_arena struct arena a = { 0 };
	const char *dir;

	OK(world_disk_dir(&g->world, "eastus", &a, &dir, &e));
	return files_in(dir);
}

static const char *account_dir(struct rig *g, struct arena *a)
{
	struct err e = { 0 };
	const char *dir;

	OK(world_account_dir(&g->world, "eastus", "staging", a, &dir, &e));
	return dir;
}

static int count_container(void *arg, const char *container, int64_t modified_us, struct err *e)
{
	(void)container;
	(void)modified_us;
	(void)e;
	++*(unsigned *)arg;
	return 0;
}

static unsigned containers(struct rig *g)
{
	struct err e = { 0 };
	auto_arena struct arena a = { 0 };
	unsigned n = 0;

	OK(blob_container_list(account_dir(g, &a), count_container, &n, &e));
	return n;
}

static void read_blob(struct rig *g, const char *container, const char *name, bool page,
    struct buf *ret, json_t **ret_metadata)
{
	struct err e = { 0 };
	auto_arena struct arena a = { 0 };
	struct blob_props props = { 0 };
	auto_close int fd = -1;

	assert_int_equal(blob_open(account_dir(g, &a), container, name, &fd, &props, &e), 1);
	assert_true(props.page == page);
	assert_string_equal(props.content_type,
	    page ? "application/octet-stream" : "application/json");
	assert_true(buf_reserve(ret, (size_t)props.size + 1));
	OK(fs_pread_full(fd, ret->p, (size_t)props.size, 0, name, &e));
	ret->n = (size_t)props.size;
	ret->p[ret->n] = '\0';
	if (ret_metadata != NULL)
		*ret_metadata = json_incref(props.metadata);
	blob_props_done(&props);
}

static json_t *read_config(struct rig *g, const struct job_row *r)
{
	struct err e = { 0 };
	auto_buf struct buf raw = { 0 };
	auto_json json_t *metadata = NULL;
	json_t *config = NULL;
	size_t n = 0;
	char size[24];

	read_blob(g, jstr(r->bag, "Config Blob Container Name", ""),
	    jstr(r->bag, "Config Blob Name", ""), true, &raw, &metadata);
	assert_int_equal(raw.n % 512, 0);
	(void)snprintf(size, sizeof(size), "%zu", raw.n);
	assert_string_equal(jstr(metadata, "ConfigBlobSize", ""), size);
	for (size_t i = 0; i + 1 < raw.n && raw.p[i] != '\0'; i += 2) {
		assert_int_equal(raw.p[i + 1], 0);
		raw.p[n++] = raw.p[i];
	}
	OK(jparse((struct str){ raw.p, n }, &config, &e));
	return config;
}

static json_t *member(json_t *o, const char *key)
{
	json_t *x = json_object_get(o, key);

	assert_non_null(x);
	return x;
}

/* ---- tests ---- */

static void disks_come_back_as_they_were(void **state)
{
	struct rig *g = *state;
	struct err e = { 0 };
	auto_job_row struct job_row r = restore(g, "RestoreDisks", NULL);
	struct found f = disks_of(g, "target");
	auto_json json_t *config = NULL, *template = NULL;
	auto_buf struct buf text = { 0 };
	auto_free char *uri = NULL;
	const char *container = jstr(r.bag, "Config Blob Container Name", "");
	json_t *os;

	assert_string_equal(r.status, JOB_COMPLETED);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.luns, 7);
	assert_int_equal(pool_files(g), 3);
	assert_int_equal(containers(g), 1);
	assert_int_equal(strncmp(container, "webvm1-", 7), 0);
	assert_int_equal(strlen(container), 7 + 32);
	assert_true(asprintf(&uri, "https://here:8443/staging/%s/config-webvm1-%s.json", container,
	    r.id) > 0);
	assert_string_equal(jstr(r.bag, "Config Blob Uri", ""), uri);
	CONTAINS(jstr(json_array_get(r.tasks, 0), "taskExecutionDetails", ""), "GBs Transferred");
	assert_null(json_object_get(r.bag, "Restored disk(s)"));
	config = read_config(g, &r);
	assert_string_equal(jstr(member(config, "properties.hardwareProfile"), "vmSize", ""),
	    "Standard_DS2_v2");
	os = member(member(config, "properties.storageProfile"), "osDisk");
	assert_string_equal(jstr(os, "osType", ""), "Linux");
	assert_string_equal(jstr(os, "caching", ""), "ReadOnly");
	assert_int_equal(strncmp(jstr(os, "name", ""), "webvm_1-osdisk-20", 17), 0);
	CONTAINS(jstr(os, "managedDisk.id", ""), TARGET "/providers/" TYPE_DISK "/webvm_1-osdisk-");
	assert_null(jat(os, "vhd"));
	read_blob(g, container, strrchr(jstr(r.bag, "Template Blob Uri", "/"), '/') + 1, false, &text,
	    NULL);
	OK(jparse(buf_str(&text), &template, &e));
	assert_string_equal(jstr(template, "contentVersion", ""), "1.0.0.0");
	assert_null(jat(template, "parameters.VirtualMachineName.defaultValue"));
	assert_string_equal(jstr(template, "parameters.VirtualNetwork.defaultValue", ""), "net1");
	assert_string_equal(jstr(template, "parameters.Subnet.defaultValue", ""), "front");
	assert_string_equal(jstr(template, "parameters.OSDiskName.defaultValue", ""),
	    jstr(os, "name", ""));
	assert_int_equal(json_array_size(jat(template, "resources")), 2);
}

static void chosen_luns_and_the_os_disk_come_back(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = restore(g, "RestoreDisks", "[0]"), os = { 0 }, bad = { 0 };
	struct found f = disks_of(g, "target");

	assert_int_equal(f.count, 2);
	assert_int_equal(f.luns, 3);
	assert_string_equal(jstr(r.bag, "Restored disk(s)", ""), "os; data-a");
	assert_string_equal(jstr(r.bag, "Backed-up disk(s)", ""), "os; data-a; data-b");
	os = restore(g, "RestoreDisks", "[]");
	assert_string_equal(jstr(os.bag, "Restored disk(s)", ""), "os");
	assert_int_equal(disks_of(g, "target").count, 3);
	bad = restore(g, "RestoreDisks", "[1]");
	assert_string_equal(bad.status, JOB_FAILED);
	CONTAINS(jstr(json_array_get(bad.errors, 0), "errorString", ""), "LUN 1");
	assert_int_equal(disks_of(g, "target").count, 3);
	assert_int_equal(pool_files(g), 3);
}

static void without_a_group_disks_are_vhd_blobs(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = restore(g, "unmanaged", NULL);
	auto_json json_t *config = read_config(g, &r);
	json_t *profile = member(config, "properties.storageProfile"), *x;
	const char *container = jstr(r.bag, "Config Blob Container Name", "");
	size_t i;

	assert_string_equal(r.status, JOB_COMPLETED);
	assert_int_equal(disks_of(g, "target").count, 0);
	assert_int_equal(pool_files(g), 0);
	assert_int_equal(json_array_size(member(profile, "dataDisks")), 2);
	assert_null(jat(profile, "osDisk.managedDisk"));
	CONTAINS(jstr(profile, "osDisk.vhd.uri", ""), "https://here:8443/staging/webvm1-");
	json_array_foreach(member(profile, "dataDisks"), i, x) {
		const struct source *s = source_at(jint(x, "lun", -1));
		auto_buf struct buf vhd = { 0 };
		auto_free char *blob = NULL;
		char original[128], path[512];
		auto_arena struct arena a = { 0 };

		assert_true(asprintf(&blob, "%s.vhd", jstr(x, "name", "")) > 0);
		read_blob(g, container, blob, true, &vhd, NULL);
		assert_int_equal(vhd.n, (size_t)disk_vhd_size(s->size) + 512);
		assert_memory_equal(vhd.p + vhd.n - 512, "conectix", 8);
		image_path(g, s->name, original, sizeof(original));
		(void)snprintf(path, sizeof(path), "%s/%s/%s", account_dir(g, &a), container, blob);
		assert_same_bytes(original, path, s->size);
	}
}

static json_t *body_of(struct rig *g, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource r = { 0 };

	OK(db_read_begin(g->world.db, &c, &e));
	if (resource_get(c, id, &r, &e) != 1)
		return NULL;
	return TAKE(r.body);
}

static void assert_attached(struct rig *g, const char *id, const char *vm)
{
	auto_json json_t *disk = body_of(g, id);

	assert_non_null(disk);
	if (vm != NULL) {
		assert_string_equal(jstr(disk, "managedBy", ""), vm);
		assert_string_equal(jstr(disk, "properties.diskState", ""), "Reserved");
	} else {
		assert_null(jat(disk, "managedBy"));
		assert_string_equal(jstr(disk, "properties.diskState", ""), "Unattached");
	}
}

static void the_vm_gets_its_disks_exchanged(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = restore(g, "OriginalLocation", "[3]");
	auto_json json_t *vm = body_of(g, VM);
	json_t *profile = jat(vm, "properties.storageProfile"), *data = jat(profile, "dataDisks");

	assert_string_equal(r.status, JOB_COMPLETED);
	assert_string_equal(jstr(r.bag, "Target VM Name", ""), "web-vm_1");
	assert_null(json_object_get(r.bag, "Config Blob Name"));
	assert_int_equal(containers(g), 0);
	CONTAINS(jstr(profile, "osDisk.name", ""), "webvm_1-osdisk-");
	assert_string_equal(jstr(profile, "osDisk.caching", ""), "ReadOnly");
	assert_int_equal(json_array_size(data), 2);
	assert_string_equal(jstr(json_array_get(data, 0), "name", ""), "data-a");
	CONTAINS(jstr(json_array_get(data, 1), "name", ""), "webvm_1-datadisk-000-");
	assert_int_equal(jint(json_array_get(data, 1), "lun", -1), 3);
	assert_null(jat(vm, "internal.replaced"));
	assert_string_equal(jstr(vm, "properties.vmId", ""), "11111111-0000-4000-8000-000000000000");
	assert_attached(g, jstr(profile, "osDisk.managedDisk.id", ""), VM);
	assert_attached(g, jstr(json_array_get(data, 1), "managedDisk.id", ""), VM);
	assert_attached(g, DISK("data-a"), VM);
	assert_attached(g, DISK("os"), NULL);
	assert_attached(g, DISK("data-b"), NULL);
	assert_int_equal(pool_files(g), 2);
}

static void a_new_vm_is_made_elsewhere(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = restore(g, "AlternateLocation", NULL), again = { 0 };
	const char *id = TARGET "/providers/" TYPE_VM "/copy";
	auto_json json_t *vm = body_of(g, id), *nic = NULL;
	const char *nic_id = jstr(json_array_get(jat(vm,
	    "properties.networkProfile.networkInterfaces"), 0), "id", "");
	struct found f = disks_of(g, "target");

	assert_string_equal(r.status, JOB_COMPLETED);
	assert_non_null(vm);
	assert_int_equal(f.count, 3);
	CONTAINS(nic_id, TARGET "/providers/" TYPE_NIC "/copy-nic-");
	nic = body_of(g, nic_id);
	assert_string_equal(jstr(json_array_get(jat(nic, "properties.ipConfigurations"), 0),
	    "properties.subnet.id", ""), SUBNET);
	assert_string_equal(jstr(nic, "properties.virtualMachine.id", ""), id);
	assert_attached(g, jstr(vm, "properties.storageProfile.osDisk.managedDisk.id", ""), id);
	assert_int_equal(json_array_size(jat(vm, "properties.storageProfile.dataDisks")), 2);
	assert_string_equal(jstr(vm, "tags.team", ""), "web");
	again = restore(g, "AlternateLocation", NULL);
	assert_string_equal(again.status, JOB_FAILED);
	assert_string_equal(jstr(json_array_get(again.errors, 0), "errorTitle", ""),
	    "UserErrorVmAlreadyExistWithSameName");
	assert_int_equal(pool_files(g), 3);
	assert_int_equal(disks_of(g, "target").count, 3);
}

static void cancel(struct rig *g, const char *id)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;

	OK(db_write_begin(g->world.db, &c, &e));
	OK(job_cancel(c, id, &e));
	OK(db_commit(&c, &e));
	job_engine_wake(g->world.engine);
}

static void a_cancelled_restore_leaves_nothing(void **state)
{
	struct rig *g = *state;
	const char *types[] = { "RestoreDisks", "unmanaged", "OriginalLocation" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		auto_job_row struct job_row r = { 0 };
		auto_json json_t *before = body_of(g, VM), *after = NULL;
		char id[GUID_SIZE];

		rig_start(g);
		submit(g, types[i], NULL, id);
		/* each disk is followed by a pause, see main() */
		for (int n = 0; n < 2000 && pool_files(g) == 0 && containers(g) == 0; n++)
			(void)nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
		cancel(g, id);
		r = wait_end(g, id);
		rig_stop(g);
		after = body_of(g, VM);
		assert_string_equal(r.status, JOB_CANCELLED);
		assert_int_equal(pool_files(g), 0);
		assert_int_equal(containers(g), 0);
		assert_int_equal(disks_of(g, "target").count, 0);
		assert_true(json_equal(before, after));
	}
}

/* A name that somebody takes while the data is on its way. */
static void a_taken_name_fails_the_job_and_leaves_nothing(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = { 0 };
	char id[GUID_SIZE];

	rig_start(g);
	submit(g, "AlternateLocation", NULL, id);
	for (int n = 0; n < 2000 && pool_files(g) == 0; n++)
		(void)nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	put(g, TYPE_VM, TARGET "/providers/" TYPE_VM "/COPY", TARGET, "", vm_document());
	r = wait_end(g, id);
	rig_stop(g);
	assert_string_equal(r.status, JOB_FAILED);
	assert_string_equal(jstr(json_array_get(r.errors, 0), "errorTitle", ""),
	    "UserErrorVmAlreadyExistWithSameName");
	assert_int_equal(pool_files(g), 0);
	assert_int_equal(disks_of(g, "target").count, 0);
}

static int64_t standing_now(const struct clock *c)
{
	return c->fixed_us;
}

/* Names carry a second.  VMs whose names differ by a '-' only, or VMs of one name from two groups,
 * may be restored into one group in the same second. */
static void two_restores_in_one_second_get_names_of_their_own(void **state)
{
	static const struct clock standing = { .now_us = standing_now,
		.fixed_us = INT64_C(1715680000000000) };
	struct rig *g = *state;
	auto_job_row struct job_row a = { 0 }, b = { 0 };
	char first[GUID_SIZE], second[GUID_SIZE];

	g->world.clock = &standing;
	rig_start_workers(g, 2);
	submit(g, "RestoreDisks", NULL, first);
	submit(g, "RestoreDisks", NULL, second);
	a = wait_end(g, first);
	b = wait_end(g, second);
	rig_stop(g);
	assert_string_equal(a.status, JOB_COMPLETED);
	assert_string_equal(b.status, JOB_COMPLETED);
	assert_int_equal(disks_of(g, "target").count, 6);
}

static int damage(const char *path, const struct stat *st, int type, struct FTW *f)
{
	auto_close int fd = -1;
	uint8_t byte;

	(void)f;
	if (type != FTW_F || st->st_size < 1 << 20)
		return 0;
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, st->st_size / 2), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, st->st_size / 2), 1);
	return 0;
}

static void damaged_data_fails_the_job_and_leaves_the_vm(void **state)
{
	struct rig *g = *state;
	auto_job_row struct job_row r = { 0 };
	auto_json json_t *before = body_of(g, VM), *after = NULL;
	char vaults[160], path[128];

	/* else the backup before the exchange could find the damage and store the bytes anew */
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		image_path(g, sources[i].name, path, sizeof(path));
		assert_int_equal(unlink(path), 0);
		make_image(g, &sources[i]);
	}
	(void)snprintf(vaults, sizeof(vaults), "%s/vaults", g->store);
	assert_int_equal(nftw(vaults, damage, 16, FTW_PHYS), 0);
	r = restore(g, "OriginalLocation", NULL);
	after = body_of(g, VM);
	assert_string_equal(r.status, JOB_FAILED);
	assert_true(json_equal(before, after));
	assert_int_equal(pool_files(g), 0);
	assert_attached(g, DISK("os"), VM);
}

/* ---- crashes, and a full file system ---- */

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

#define CANNOT_MOUNT 77

static bool mount_pool(struct rig *g, const char *mib)
{
	struct err e = { 0 };
	auto_arena struct arena a = { 0 };
	const char *dir;
	char options[40];

	OK(world_disk_dir(&g->world, "eastus", &a, &dir, &e));
	(void)snprintf(options, sizeof(options), "size=%sm", mib);
	if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", dir, "tmpfs", 0, options) == 0;
}

static void *fill_pool(void *arg)
{
	struct rig *g = arg;
	static const char zeros[65536];
	char path[160];
	auto_close int fd = -1;

	/* main() makes the job pause after each disk */
	while (pool_files(g) == 0)
		(void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	(void)nanosleep(&(struct timespec){ 0, 400000000 }, NULL);
	(void)snprintf(path, sizeof(path), "%s/disks/.other", g->store);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	return NULL;
}

static int full_main(const char *dir, const char *id, const char *mib)
{
	static struct rig g;
	auto_job_row struct job_row r = { 0 };
	pthread_t filler;

	rig_open(&g, dir);
	if (!mount_pool(&g, mib)) {
		rig_close(&g);
		return CANNOT_MOUNT;
	}
	assert_int_equal(pthread_create(&filler, NULL, fill_pool, &g), 0);
	(void)pthread_detach(filler);
	rig_start(&g);
	r = wait_end(&g, id);
	assert_int_equal(pool_files(&g), 0);
	rig_stop(&g);
	_exit(0);	/* the filler may still wait for a file */
}

static void a_full_disk_fails_the_job_and_leaves_nothing(void **state)
{
	struct rig *g = *state;
	const char *sizes[] = { "4", "64" };	/* too small from the start; filled on the way */

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		auto_job_row struct job_row r = { 0 };
		char id[GUID_SIZE];
		int status = 0;
		pid_t pid;

		submit(g, "RestoreDisks", NULL, id);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			(void)setenv("HOLDFAST_FAILPOINTS", "restore/disk=sleep:1500", 1);
			(void)execl("/proc/self/exe", "t_work_restore", "full", g->dir, id, sizes[i],
			    (char *)NULL);
			_exit(99);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == CANNOT_MOUNT)
			skip();
		assert_int_equal(WEXITSTATUS(status), 0);
		r = row_of(g, id);
		assert_string_equal(r.status, JOB_FAILED);
		assert_int_equal(jint(json_array_get(r.errors, 0), "errorCode", 0), 400052);
		CONTAINS(jstr(json_array_get(r.errors, 0), "errorString", ""),
		    i == 0 ? "disk full" : "No space left on device");
		assert_int_equal(disks_of(g, "target").count, 0);
		assert_int_equal(containers(g), 0);
	}
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
		(void)execl("/proc/self/exe", "t_work_restore", "run", g->dir, id, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static struct job_row crash(struct rig *g, const char *type, const char *failpoint)
{
	char id[GUID_SIZE];
	int status;

	submit(g, type, NULL, id);
	status = run_self(g, id, failpoint);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("%s did not kill the job of %s", failpoint, type);
	status = run_self(g, id, "");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return row_of(g, id);
}

static void forget(struct rig *g, const char *group)
{
	struct err e = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_arena struct arena a = { 0 };
	const char *dir;

	OK(db_write_begin(g->world.db, &c, &e));
	OK(db_exec(c, &e, "DELETE FROM resource WHERE grp_key = $1 AND type_key <> $2", "ss", group,
	    "microsoft.resources/resourcegroups"));
	OK(db_commit(&c, &e));
	OK(world_disk_dir(&g->world, "eastus", &a, &dir, &e));
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	(void)nftw(account_dir(g, &a), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *const places[] = { "prepare/before", "prepare/unsaved", "prepare/after",
	"transfer/before", "transfer/unsaved", "transfer/after", "config/unsaved", "config/after",
	"publish/before", "publish/unsaved", "publish/after" };

static void a_killed_restore_of_disks_finishes(void **state)
{
	struct rig *g = *state;

	for (size_t i = 0; i <= ARRAY_LEN(places); i++) {
		auto_job_row struct job_row r = { 0 };
		auto_free char *point = NULL;
		struct found f;

		assert_true((i < ARRAY_LEN(places) ? asprintf(&point, "restore/%s=kill", places[i])
		    : asprintf(&point, "restore/disk=kill")) > 0);
		r = crash(g, "RestoreDisks", point);
		assert_string_equal(r.status, JOB_COMPLETED);
		f = disks_of(g, "target");
		assert_int_equal(f.count, 3);
		assert_int_equal(f.luns, 7);
		assert_int_equal(pool_files(g), 3);
		assert_int_equal(containers(g), 1);
		forget(g, "target");
	}
}

static void a_restore_killed_within_a_disk_goes_on_there(void **state)
{
	struct rig *g = *state;
	char id[GUID_SIZE];
	struct err e = { 0 };
	auto_job_row struct job_row r = { 0 };
	int64_t durable = 0;
	int status;

	submit(g, "RestoreDisks", NULL, id);
	status = run_self(g, id, "restore/saved=kill");
	assert_true(WIFSIGNALED(status));
	{
		auto_conn struct db_conn *c = NULL;
		auto_stmt struct db_stmt q = { 0 };
		auto_json json_t *saved = NULL;

		OK(db_read_begin(g->world.db, &c, &e));
		OK(db_prepare(c, "SELECT state FROM job WHERE id = $1", &q, &e));
		OK(db_bind_text(&q, 1, id, &e));
		assert_int_equal(db_step(&q, &e), 1);
		OK(jparse(str_c(db_col_text(&q, 0)), &saved, &e));
		durable = jint(json_array_get(jat(saved, "disks"), 0), "durable", 0);
	}
	assert_true(durable > 0 && durable <= sources[0].size);
	status = run_self(g, id, "");
	assert_true(WIFEXITED(status));
	r = row_of(g, id);
	assert_string_equal(r.status, JOB_COMPLETED);
	assert_int_equal(disks_of(g, "target").luns, 7);
}

static void a_killed_restore_to_blobs_finishes(void **state)
{
	struct rig *g = *state;
	const char *points[] = { "restore/disk=kill", "restore/transfer/unsaved=kill",
		"restore/config/unsaved=kill" };

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		auto_job_row struct job_row r = crash(g, "unmanaged", points[i]);
		auto_json json_t *config = read_config(g, &r);

		assert_string_equal(r.status, JOB_COMPLETED);
		assert_non_null(config);
		assert_int_equal(containers(g), i + 1);
	}
}

static void a_killed_exchange_leaves_a_whole_vm(void **state)
{
	struct rig *g = *state;
	const char *points[] = { "restore/point/before=kill", "restore/point/unsaved=kill",
		"restore/transfer/after=kill", "restore/publish/before=kill",
		"restore/publish/unsaved=kill", "restore/publish/after=kill" };

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		auto_job_row struct job_row r = crash(g, "OriginalLocation", points[i]);
		auto_json json_t *vm = body_of(g, VM);
		json_t *profile = jat(vm, "properties.storageProfile"), *x;
		size_t n;

		assert_string_equal(r.status, JOB_COMPLETED);
		assert_attached(g, jstr(profile, "osDisk.managedDisk.id", ""), VM);
		json_array_foreach(jat(profile, "dataDisks"), n, x)
			assert_attached(g, jstr(x, "managedDisk.id", ""), VM);
		assert_int_equal(n, 2);
		assert_int_equal(disks_of(g, "rg1").count, 3 * (i + 1));
		assert_int_equal(pool_files(g), 3 * (i + 1));
	}
}

/* The exchange is committed when the step fails: it is taken back whole. */
static void an_exchange_that_fails_late_is_taken_back(void **state)
{
	struct rig *g = *state;
	const char *types[] = { "OriginalLocation", "AlternateLocation", "RestoreDisks" };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		auto_json json_t *before = body_of(g, VM), *after = NULL, *copy = NULL;
		auto_job_row struct job_row r = { 0 };
		char id[GUID_SIZE];
		int status;

		submit(g, types[i], NULL, id);
		status = run_self(g, id, "restore/publish/unsaved=error");
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		r = row_of(g, id);
		after = body_of(g, VM);
		copy = body_of(g, TARGET "/providers/" TYPE_VM "/copy");
		assert_string_equal(r.status, JOB_FAILED);
		assert_int_equal(json_array_size(r.errors), 1);
		assert_true(json_equal(before, after));
		assert_null(copy);
		assert_attached(g, DISK("os"), VM);
		assert_attached(g, DISK("data-b"), VM);
		assert_int_equal(disks_of(g, "rg1").count + disks_of(g, "target").count, 0);
		assert_int_equal(pool_files(g), 0);
		assert_int_equal(containers(g), 0);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(disks_come_back_as_they_were),
		TEST(chosen_luns_and_the_os_disk_come_back),
		TEST(without_a_group_disks_are_vhd_blobs),
		TEST(the_vm_gets_its_disks_exchanged),
		TEST(a_new_vm_is_made_elsewhere),
		TEST(a_cancelled_restore_leaves_nothing),
		TEST(a_taken_name_fails_the_job_and_leaves_nothing),
		TEST(two_restores_in_one_second_get_names_of_their_own),
		TEST(damaged_data_fails_the_job_and_leaves_the_vm),
		TEST(a_full_disk_fails_the_job_and_leaves_nothing),
		TEST(a_killed_restore_of_disks_finishes),
		TEST(a_restore_killed_within_a_disk_goes_on_there),
		TEST(a_killed_restore_to_blobs_finishes),
		TEST(a_killed_exchange_leaves_a_whole_vm),
		TEST(an_exchange_that_fails_late_is_taken_back),
	};

	if (argc == 4 && strcmp(argv[1], "run") == 0)
		return run_main(argv[2], argv[3]);
	if (argc == 5 && strcmp(argv[1], "full") == 0)
		return full_main(argv[2], argv[3], argv[4]);
	(void)setenv("HOLDFAST_FAILPOINTS", "restore/disk=sleep:100", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
