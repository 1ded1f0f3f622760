/* vault_rig.h - a vault in a directory, disks in memory, and a record of what every point must
 * restore to.  HOLDFAST_SEED sets the seed of what is random. */
#ifndef TESTS_VAULT_RIG_H
#define TESTS_VAULT_RIG_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fs.h"
#include "spy_store.h"
#include "vault/format.h"
#include "vault/vault.h"

#define MIB ((int64_t)1 << 20)
#define CHUNK ((size_t)1 << CHUNK_SHIFT_DEFAULT)
#define RIG_POINTS 64

struct image {
	uint8_t *p;		/* owned */
	size_t n;
};

struct kept {			/* a point that must restore to `is` */
	char item[24], point[24];
	struct image is;
};

struct rig {
	char dir[64];
	uint8_t key[32];
	uint64_t rng;
	struct vault *v;
	struct object_store *fault;	/* filter in front of v's store */
	spy_hook *hook;			/* NULL: none */
	void *hook_arg;
	struct kept kept[RIG_POINTS];
	size_t kept_count;
	_Atomic unsigned serial;	/* of files */
};

/* ---- chance ---- */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline uint64_t rnd(struct rig *r, uint64_t below)
{
	return (next_random(&r->rng) >> 11) % below;
}

static inline uint64_t seed_from(const char *variable)
{
	const char *text = getenv(variable);
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : random_u64() >> 1;

	print_message("%s=%llu\n", variable, (unsigned long long)seed);
	return seed * 2 + 1;	/* 0 would stay 0 */
}

/* ---- images ---- */
static inline struct image image_new(size_t n)
{
	struct image m = { calloc(1, n + 1), n };

	assert_non_null(m.p);
	return m;
}

static inline struct image image_copy(const struct image *from)
{
	struct image m = image_new(from->n);

	memcpy(m.p, from->p, from->n);
	return m;
}

static inline void image_done(struct image *m)
{
	free(m->p);
	*m = (struct image){ 0 };
}
#define auto_image cleanup_with(image_done)

static inline void image_noise(struct image *m, size_t at, size_t n, uint64_t *state)
{
	assert_true(at + n <= m->n);
	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = next_random(state);

		memcpy(m->p + at + i, &x, n - i < 8 ? n - i : 8);
	}
}

static inline struct image image_random(struct rig *r, size_t n)
{
	struct image m = image_new(n);

	image_noise(&m, 0, n, &r->rng);
	return m;
}

static inline void image_resize(struct image *m, size_t n)
{
	struct image to = image_new(n);

	memcpy(to.p, m->p, n < m->n ? n : m->n);
	image_done(m);
	*m = to;
}

static inline bool image_same(const struct image *a, const struct image *b)
{
	return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* A sparse raw image: blocks of zeros are holes. */
static inline void image_save(const struct image *m, const char *path)
{
	auto_close int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	struct err e;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)m->n), 0);
	for (size_t at = 0, end; at < m->n; at = end) {
		end = at;
		while (end < m->n && memcmp(m->p + end, (const char[512]){ 0 },
		    m->n - end < 512 ? m->n - end : 512) != 0)
			end += m->n - end < 512 ? m->n - end : 512;
		if (end > at)
			OK(fs_pwrite_full(fd, m->p + at, end - at, (int64_t)at, path, &e));
		else
			end += 512;
	}
}

static inline struct image image_load(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	struct image m;
	struct err e;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	m = image_new((size_t)st.st_size);
	OK(fs_pread_full(fd, m.p, m.n, 0, path, &e));
	return m;
}

/* ---- the vault ---- */
static inline struct object_store *rig_store(const struct rig *r)
{
	struct object_store *s = NULL;
	char path[96];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/store", r->dir);
	OK(object_dir_open(path, true, &s, &e));
	return s;
}

/* Another view of the same directory, as another process has it, with the hook in front. */
static inline struct vault *rig_other(struct rig *r)
{
	struct vault *v = NULL;
	struct err e;

	OK(object_fault_open(spy_open(rig_store(r), &r->hook, &r->hook_arg), &r->fault, &e));
	OK(vault_open(r->fault, r->key, &v, &e));
	return v;
}

/* One without the filters. */
static inline struct vault *rig_reader(const struct rig *r)
{
	struct vault *v = NULL;
	struct err e;

	OK(vault_open(rig_store(r), r->key, &v, &e));
	return v;
}

static inline void rig_reopen(struct rig *r)
{
	vault_close(TAKE(r->v));
	r->v = rig_other(r);
}

static inline struct rig *rig_new(uint64_t seed)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct object_store *s;
	struct err e;

	assert_non_null(r);
	r->rng = seed;
	strcpy(r->dir, "/tmp/holdfast-vault-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	random_bytes(r->key, sizeof(r->key));
	s = rig_store(r);
	OK(vault_create(s, r->key, &e));
	object_close(s);
	rig_reopen(r);
	return r;
}

static inline int rig_setup(void **state)
{
	*state = rig_new(seed_from("HOLDFAST_SEED"));
	return 0;
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;
	struct err e;

	vault_close(r->v);
	for (size_t i = 0; i < r->kept_count; i++)
		image_done(&r->kept[i].is);
	(void)!fs_remove_tree(r->dir, &e);
	free(r);
	return 0;
}

static inline void rig_path(struct rig *r, const char *kind, char out[128])
{
	(void)snprintf(out, 128, "%s/%s%u", r->dir, kind, atomic_fetch_add(&r->serial, 1));
}

/* ---- backup ---- */
static inline int rig_add_disk(struct rig *r, struct vault_session *s, const struct image *is,
    const struct vault_base *base, struct vault_disk_stats *st, struct err *e)
{
	struct disk_src *src = NULL;
	char path[128];
	int result;

	rig_path(r, "disk", path);
	image_save(is, path);
	assert_int_equal(disk_src_open(path, DISK_RAW, &src, e), 0);
	result = vault_backup_disk_since(s, "d", src, base, NULL, st, e);
	disk_src_close(src);
	(void)unlink(path);
	return result;
}

static inline int rig_commit(struct vault_session *s, const char *point, struct err *e)
{
	auto_json json_t *meta = json_object();

	return vault_session_commit(s, point, meta, e);
}

static inline int rig_try_backup(struct rig *r, const char *item, const char *point,
    const struct image *is, const struct vault_base *base, struct vault_disk_stats *st,
    struct err *e)
{
	struct vault_session *s = NULL;
	int result;

	if (vault_session_begin(r->v, item, &s, e) != 0)
		return -1;
	result = rig_add_disk(r, s, is, base, st, e);
	if (result == 0)
		result = rig_commit(s, point, e);
	vault_session_end(s);
	return result;
}

static inline struct kept *rig_keep(struct rig *r, const char *item, const char *point,
    const struct image *is)
{
	struct kept *k = &r->kept[r->kept_count++];

	assert_true(r->kept_count <= RIG_POINTS);
	(void)snprintf(k->item, sizeof(k->item), "%s", item);
	(void)snprintf(k->point, sizeof(k->point), "%s", point);
	k->is = image_copy(is);
	return k;
}

static inline void rig_backup(struct rig *r, const char *item, const char *point,
    const struct image *is, struct vault_disk_stats *st)
{
	struct vault_disk_stats own;
	struct err e;

	OK(rig_try_backup(r, item, point, is, NULL, st != NULL ? st : &own, &e));
	(void)rig_keep(r, item, point, is);
}

/* Of a disk that differs from that of `base` only in the dirty extent. */
static inline void rig_backup_since(struct rig *r, const char *item, const char *point,
    const struct image *is, const char *base, struct extent dirty, struct vault_disk_stats *st)
{
	struct vault_base b = { base, "d", &dirty, 1 };
	struct vault_disk_stats own;
	struct err e;

	OK(rig_try_backup(r, item, point, is, &b, st != NULL ? st : &own, &e));
	(void)rig_keep(r, item, point, is);
}

static inline void rig_forget(struct rig *r, struct kept *k)
{
	image_done(&k->is);
	*k = r->kept[--r->kept_count];
}

static inline void rig_delete(struct rig *r, const char *item, const char *point)
{
	struct err e = { 0 };

	if (vault_point_delete(r->v, item, point, &e) != 1) {
		print_error("deleting %s/%s: %s\n", item, point, e.msg);
		fail();
	}
	for (size_t i = 0; i < r->kept_count; i++)
		if (strcmp(r->kept[i].item, item) == 0 && strcmp(r->kept[i].point, point) == 0)
			rig_forget(r, &r->kept[i]);
}

static inline struct vault_collect_stats rig_collect(struct rig *r, unsigned percent)
{
	struct vault_collect_opts opts = { .compact_percent = percent };
	struct vault_collect_stats st;
	struct err e;

	OK(vault_collect(r->v, &opts, &st, &e));
	return st;
}

/* Rewrite every pack: bad copies go, and with them, in the next collection, the notes of them. */
#define RIG_NOTES_GO(r) do { \
	(void)rig_collect(r, 100); \
	(void)rig_collect(r, 70); \
	assert_int_equal(rig_count(r, "damaged/"), 0); \
} while (0)

/* ---- restore ---- */
static inline int rig_restore_open(struct rig *r, struct vault_point *p, struct image *ret,
    struct err *e)
{
	struct disk_sink *sink = NULL;
	char path[128];
	int result;

	rig_path(r, "out", path);
	if (disk_sink_create(path, DISK_RAW, vault_point_disk_size(p, "d"), &sink, e) != 0)
		return -1;
	result = vault_restore_disk(p, "d", sink, 0, NULL, NULL, e);
	disk_sink_close(sink);
	if (result == 0)
		*ret = image_load(path);
	(void)unlink(path);
	return result;
}

static inline int rig_restore(struct rig *r, struct vault *v, const char *item, const char *point,
    struct image *ret, struct err *e)
{
	struct vault_point *p = NULL;
	int result;

	if (vault_point_open(v, item, point, &p, e) != 0)
		return -1;
	result = rig_restore_open(r, p, ret, e);
	vault_point_close(p);
	return result;
}

static inline void rig_check_one(struct rig *r, struct vault *v, const struct kept *k)
{
	auto_image struct image got = { 0 };
	struct err e = { 0 };

	if (rig_restore(r, v, k->item, k->point, &got, &e) != 0) {
		print_error("%s/%s does not restore: %s\n", k->item, k->point, e.msg);
		fail();
	}
	if (!image_same(&got, &k->is)) {
		print_error("%s/%s restores to other bytes\n", k->item, k->point);
		fail();
	}
}

/* Every point there should be restores, as `v` sees the vault. */
static inline void rig_check(struct rig *r, struct vault *v)
{
	for (size_t i = 0; i < r->kept_count; i++)
		rig_check_one(r, v, &r->kept[i]);
}

/* ---- what is in the store ---- */
struct objects {
	struct object_info at[256];
	size_t n;
	int64_t bytes;
};

static inline int objects_note(void *arg, const struct object_info *info, struct err *e)
{
	struct objects *o = arg;

	(void)e;
	assert_true(o->n < ARRAY_LEN(o->at));
	o->at[o->n++] = *info;
	o->bytes += info->size;
	return 0;
}

static inline struct objects *rig_objects(const struct rig *r, const char *prefix)
{
	struct objects *o = calloc(1, sizeof(*o));
	struct object_store *s = rig_store(r);
	struct err e;

	assert_non_null(o);
	OK(object_list(s, prefix, objects_note, o, &e));
	object_close(s);
	return o;
}

static inline size_t rig_count(const struct rig *r, const char *prefix)
{
	auto_free struct objects *o = rig_objects(r, prefix);

	return o->n;
}

static inline int64_t rig_bytes(const struct rig *r, const char *prefix)
{
	auto_free struct objects *o = rig_objects(r, prefix);

	return o->bytes;
}

/* ---- damage ---- */
struct spot {			/* a record in a pack */
	char pack[64];
	int64_t offset;		/* of its sealed bytes */
	enum record_kind kind;
	struct chunk_id id;
};

static inline int rig_open_object(const struct rig *r, const char *name)
{
	auto_free char *path = NULL;
	int fd;

	assert_true(asprintf(&path, "%s/store/%s", r->dir, name) > 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Flip a bit; twice: as it was. */
static inline void rig_flip(const struct rig *r, const char *object, int64_t offset)
{
	auto_close int fd = rig_open_object(r, object);
	uint8_t c;

	assert_int_equal(pread(fd, &c, 1, offset), 1);
	c ^= 4;
	assert_int_equal(pwrite(fd, &c, 1, offset), 1);
}

/* The records of a pack that are of `kind`; how many. */
static inline size_t rig_spots(const struct rig *r, const char *pack, enum record_kind kind,
    struct spot *ret, size_t max)
{
	auto_close int fd = rig_open_object(r, pack);
	uint8_t header[RECORD_HEADER_SIZE];
	int64_t at = PACK_HEADER_SIZE;
	struct record rec;
	size_t n = 0;
	struct err e;

	while (pread(fd, header, sizeof(header), at) == (ssize_t)sizeof(header) &&
	    record_parse(header, sizeof(header), &rec, &e) == 0) {
		if (rec.kind == kind) {
			assert_true(n < max);
			(void)snprintf(ret[n].pack, sizeof(ret[n].pack), "%s", pack);
			ret[n].offset = at + RECORD_HEADER_SIZE;
			ret[n].kind = rec.kind;
			ret[n++].id = rec.id;
		}
		at += RECORD_HEADER_SIZE + rec.sealed_n + 16;
	}
	return n;
}

/* As rig_spots(), of all packs. */
static inline size_t rig_all_spots(const struct rig *r, enum record_kind kind, struct spot *ret,
    size_t max)
{
	auto_free struct objects *o = rig_objects(r, "packs/");
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		n += rig_spots(r, o->at[i].name, kind, ret + n, max - n);
	return n;
}

static inline void rig_damage(const struct rig *r, const struct spot *at)
{
	rig_flip(r, at->pack, at->offset);
}

#endif
