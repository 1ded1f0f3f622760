/* faults_world.h - a small vault, and as many fresh copies of it as t_vault_faults.c wants. */
#ifndef TESTS_FAULTS_WORLD_H
#define TESTS_FAULTS_WORLD_H

#include "t.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "vault_kit.h"

#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 5u
#elif defined(__SANITIZE_THREAD__)
#define STRIDE 11u
#else
#define STRIDE 3u	/* make check-crash: 1 */
#endif

struct file {			/* of the vault that every attempt begins with */
	char path[200];		/* below the store; ends with '/': a directory */
	uint8_t *p;
	size_t n;
};

struct known {
	const char *point;
	struct kit_disk disk;
};

enum { OLD, SECOND, OTHER, NEW, POINTS };	/* NEW is made by the operation */

struct fixture {
	char dir[64], store[80], image[80], restored[80], source[80];
	uint8_t key[32];
	uint64_t rng;
	unsigned stride;
	struct file files[64];
	size_t file_count;
	struct known points[POINTS];
	struct extent dirty[4];		/* between OLD and NEW, and of the image */
	size_t dirty_count;
	struct vault *v;
	unsigned injected, succeeded;	/* in spite of a failure */
	unsigned compacted;		/* collections that rewrote a pack */
};

/* ---- copies of the vault ---- */
static struct fixture *walking;		/* nftw() has no argument */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	return at->level == 0 ? 0 : remove(path);
}

static int keep_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	struct fixture *f = walking;
	struct file *x = &f->files[f->file_count];
	struct buf b = { 0 };
	struct err e = { 0 };

	if (at->level == 0)
		return 0;
	assert_true(f->file_count < ARRAY_LEN(f->files));
	(void)snprintf(x->path, sizeof(x->path), "%s%s", path + strlen(f->store),
	    kind == FTW_D ? "/" : "");
	if (kind != FTW_D) {
		OK(fs_read_all(path, (size_t)64 << 20, &b, &e));
		assert_int_equal(b.n, st->st_size);
		x->p = (uint8_t *)b.p;
		x->n = b.n;
	}
	f->file_count++;
	return 0;
}

static void fresh_copy(struct fixture *f)
{
	struct err e = { 0 };
	char path[300];

	assert_int_equal(nftw(f->store, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	for (size_t i = 0; i < f->file_count; i++) {
		const struct file *x = &f->files[i];

		(void)snprintf(path, sizeof(path), "%s%s", f->store, x->path);
		if (path[strlen(path) - 1] == '/') {
			assert_int_equal(mkdir(path, 0700), 0);
		} else {
			auto_close int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

			assert_true(fd >= 0);
			OK(fs_pwrite_full(fd, x->p, x->n, 0, path, &e));
		}
	}
}

static int open_fds(void)
{
	DIR *h = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(h);
	while (readdir(h) != NULL)
		n++;
	(void)closedir(h);
	return n;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *s = getenv(variable);

	return s != NULL ? strtoull(s, NULL, 0) : otherwise;
}

/* ---- the vault: three points, one pack to be removed, one to be compacted ---- */
static void make_point(struct fixture *f, const char *point, const struct kit_disk *d,
    const struct vault_base *base)
{
	struct err e = { 0 };

	OK(kit_write(f->source, d, &e));
	OK(kit_backup(f->v, "vm", point, f->source, base, 256 << 10, &e));
}

static void make_vault(struct fixture *f)
{
	struct kit_disk gone, wasted;
	struct known *p = f->points;
	struct vault_base base = { .point = "old", .disk = "d", .dirty = f->dirty };
	struct err e = { 0 };

	p[OLD].point = "old";
	p[SECOND].point = "second";
	p[OTHER].point = "other";
	p[NEW].point = "new";
	OK(kit_open(f->store, f->key, true, &f->v, &e));
	kit_random(&f->rng, &gone, 16, 0, 100);
	kit_random(&f->rng, &wasted, 4, 0, 50);
	kit_random(&f->rng, &p[OTHER].disk, 7, 30, 50);
	p[OTHER].disk.short_by = 1536;
	for (uint32_t i = 0; i < 4; i++)
		gone.stamp[i] = kit_stamp(&f->rng, 0);	/* the least of its pack */
	p[OLD].disk = gone;		/* shares this chunk with what will be deleted */
	for (uint32_t i = 4; i < 16; i++)
		p[OLD].disk.stamp[i] = i < 8 ? 0 : kit_stamp(&f->rng, 50);
	make_point(f, "gone", &gone, NULL);
	make_point(f, "wasted", &wasted, NULL);
	make_point(f, "old", &p[OLD].disk, NULL);
	p[SECOND].disk = p[OLD].disk;
	base.dirty_count = kit_change(&f->rng, &p[SECOND].disk, 2, f->dirty);
	make_point(f, "second", &p[SECOND].disk, &base);
	make_point(f, "other", &p[OTHER].disk, NULL);
	assert_int_equal(vault_point_delete(f->v, "vm", "gone", &e), 1);
	assert_int_equal(vault_point_delete(f->v, "vm", "wasted", &e), 1);
	vault_close(TAKE(f->v));
	walking = f;
	assert_int_equal(nftw(f->store, keep_one, 16, FTW_PHYS), 0);
	p[NEW].disk = p[OLD].disk;
	f->dirty_count = kit_change(&f->rng, &p[NEW].disk, 4, f->dirty);
	p[NEW].disk.blocks += 5;
	for (uint32_t i = 16; i < 21; i++)
		p[NEW].disk.stamp[i] = kit_stamp(&f->rng, 50);
	OK(kit_write(f->source, &p[NEW].disk, &e));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	/* Thousands of copies: in memory, if there is such a place. */
	(void)snprintf(f->dir, sizeof(f->dir), "%s/t_vault_faults.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->store, sizeof(f->store), "%s/store", f->dir);
	(void)snprintf(f->image, sizeof(f->image), "%s/image", f->dir);
	(void)snprintf(f->restored, sizeof(f->restored), "%s/restored", f->dir);
	(void)snprintf(f->source, sizeof(f->source), "%s/source", f->dir);
	random_bytes(f->key, sizeof(f->key));
	f->rng = number_from("HOLDFAST_FAULT_SEED", random_u64());
	f->stride = (unsigned)number_from("HOLDFAST_FAULT_STRIDE", STRIDE);
	print_message("seed %llu, every %u. call\n", (unsigned long long)f->rng, f->stride);
	f->rng |= 1;
	make_vault(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	vault_close(f->v);
	for (size_t i = 0; i < f->file_count; i++)
		free(f->files[i].p);
	OK(fs_remove_tree(f->dir, &e));
	free(f);
	return 0;
}

#endif
