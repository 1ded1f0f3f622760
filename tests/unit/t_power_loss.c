/* t_power_loss.c - the power goes at any moment; what the vault acknowledged is there afterwards.
 *
 * One history of a vault is recorded.  Of each of its moments, disks are made as they may then be
 * (power.h); on each the vault must open, have every point that it should, byte for byte, and be
 * good for another backup and a collection.  HOLDFAST_POWER_SEED repeats a run,
 * HOLDFAST_POWER_DISKS makes so many random disks of every moment, HOLDFAST_POWER_STRIDE looks at
 * every so many-th moment only. */
#include "t.h"

#include <ftw.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "power.h"
#include "vault_kit.h"

#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 5u
#elif defined(__SANITIZE_THREAD__)
#define STRIDE 11u
#else
#define STRIDE 3u	/* make check-crash: 1 */
#endif

enum { A1, A2, A3, B1, WASTE, LATE, POINTS };

struct history_point {
	const char *item, *point;
	struct kit_disk disk;
	unsigned made, removed;		/* steps; removed 0: never */
};

struct fixture {
	char dir[64], disk[80], store[96], source[80], restored[80];
	uint8_t key[32];
	uint64_t rng;
	unsigned random_disks, stride;
	struct history_point points[POINTS];
	struct kit_disk extra;		/* backed up after the cut */
	struct vault *v;
	unsigned steps;
	unsigned seen;			/* points listed, as bits */
	uint64_t *checked;		/* owned: hashes of disks that were */
	size_t checked_count;
	unsigned disks, losses;
	char loss[600];			/* the first */
};

/* ---- the history ---- */
static void begin_step(struct fixture *f)
{
	power_mark((int)(2 * ++f->steps));
}

static void end_step(struct fixture *f)
{
	power_mark((int)(2 * f->steps + 1));
}

static void back_up(struct fixture *f, unsigned which, const struct vault_base *base)
{
	struct history_point *p = &f->points[which];
	struct err e = { 0 };

	OK(kit_write(f->source, &p->disk, &e));
	begin_step(f);
	p->made = f->steps;
	OK(kit_backup(f->v, p->item, p->point, f->source, base, 256 << 10, &e));
	end_step(f);
}

/* One block is changed in each of the first `chunks` chunks. */
static void back_up_since(struct fixture *f, unsigned which, unsigned base_point, uint32_t chunks)
{
	struct history_point *p = &f->points[which];
	struct extent x[4];
	struct vault_base base = { f->points[base_point].point, "d", x, chunks };

	p->disk = f->points[base_point].disk;
	for (uint32_t i = 0; i < chunks; i++) {
		p->disk.stamp[4 * i] = kit_stamp(&f->rng, 50);
		x[i] = (struct extent){ 4 * i * (int64_t)KIT_BLOCK, (int64_t)KIT_BLOCK };
	}
	back_up(f, which, &base);
}

static void delete(struct fixture *f, unsigned which)
{
	struct history_point *p = &f->points[which];
	struct err e = { 0 };

	begin_step(f);
	p->removed = f->steps;
	assert_int_equal(vault_point_delete(f->v, p->item, p->point, &e), 1);
	end_step(f);
}

static struct vault_collect_stats collect(struct fixture *f)
{
	struct vault_collect_stats st;
	struct err e = { 0 };

	begin_step(f);
	OK(vault_collect(f->v, NULL, &st, &e));
	assert_int_equal(st.missing, 0);
	end_step(f);
	return st;
}

/* Packs of more and of less than is written directly, one that is removed and one that is rewritten. */
static void live(struct fixture *f)
{
	struct vault_collect_stats st;
	struct err e = { 0 };

	begin_step(f);
	OK(kit_open(f->store, f->key, true, &f->v, &e));
	end_step(f);
	back_up(f, A1, NULL);
	back_up(f, B1, NULL);
	back_up_since(f, A2, A1, 4);
	back_up(f, WASTE, NULL);
	delete(f, WASTE);
	delete(f, A1);
	st = collect(f);
	assert_true(st.removed_packs > 0);
	assert_true(st.compacted_packs > 0);
	back_up_since(f, A3, A2, 1);
	back_up(f, LATE, NULL);
	delete(f, A2);
	(void)collect(f);
	vault_close(TAKE(f->v));
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
	const char *s = getenv(variable);

	return s != NULL ? strtoull(s, NULL, 0) : otherwise;
}

static int setup(void **state)
{
	static const char *const names[POINTS][2] = { { "a", "a1" }, { "a", "a2" }, { "a", "a3" },
		{ "b", "b1" }, { "b", "waste" }, { "b", "late" } };
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "%s/t_power_loss.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	(void)snprintf(f->disk, sizeof(f->disk), "%s/disk", f->dir);
	(void)snprintf(f->store, sizeof(f->store), "%s/disk/vaults/one", f->dir);
	(void)snprintf(f->source, sizeof(f->source), "%s/source", f->dir);
	(void)snprintf(f->restored, sizeof(f->restored), "%s/restored", f->dir);
	random_bytes(f->key, sizeof(f->key));
	f->rng = number_from("HOLDFAST_POWER_SEED", random_u64());
	f->random_disks = (unsigned)number_from("HOLDFAST_POWER_DISKS", 3);
	f->stride = (unsigned)number_from("HOLDFAST_POWER_STRIDE", STRIDE);
	print_message("seed %llu, every %u. moment\n", (unsigned long long)f->rng, f->stride);
	f->rng |= 1;
	for (unsigned i = 0; i < POINTS; i++) {
		f->points[i].item = names[i][0];
		f->points[i].point = names[i][1];
	}
	kit_random(&f->rng, &f->points[A1].disk, 20, 0, 90);
	kit_random(&f->rng, &f->points[B1].disk, 6, 30, 50);
	kit_random(&f->rng, &f->points[WASTE].disk, 4, 0, 50);
	kit_random(&f->rng, &f->points[LATE].disk, 5, 0, 50);
	f->extra = f->points[A1].disk;
	f->extra.stamp[7] = 77;
	memcpy(f->extra.stamp + 12, f->points[B1].disk.stamp, 4 * sizeof(f->extra.stamp[0]));
	if (mkdir(f->disk, 0700) != 0)
		return -1;
	power_record(f->disk);
	live(f);
	power_stop();
	f->checked = calloc(100000, sizeof(f->checked[0]));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };

	vault_close(f->v);
	power_forget();
	OK(fs_remove_tree(f->dir, &e));
	free(f->checked);
	free(f);
	return 0;
}

/* ---- what must hold after a cut ---- */
struct progress {
	unsigned begun, done;		/* the last step that was */
};

static struct progress progress_at(unsigned prefix)
{
	struct progress p = { 0 };

	for (unsigned i = 0; i < prefix; i++)
		if (power_events[i].kind == POWER_MARK) {
			unsigned value = (unsigned)power_events[i].value;

			*(value % 2 == 0 ? &p.begun : &p.done) = value / 2;
		}
	return p;
}

static int see(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct fixture *f = arg;

	if (damage != NULL)
		return err_set(e, ERR_BUG, "damaged: %.400s", damage->msg);
	if (strcmp(jstr(meta, "made", ""), point) != 0)
		return err_set(e, ERR_BUG, "point '%s' has the meta of another", point);
	if (strcmp(point, "extra") == 0)
		return kit_check(f->v, "b", point, &f->extra, f->restored, e);
	for (unsigned i = 0; i < POINTS; i++)
		if (strcmp(f->points[i].point, point) == 0 && strcmp(f->points[i].item, item) == 0) {
			f->seen |= 1u << i;
			return kit_check(f->v, item, point, &f->points[i].disk, f->restored, e);
		}
	return err_set(e, ERR_BUG, "nobody knows point '%s'", point);
}

/* Points made before the cut are there, deleted ones are not; what was on its way is whole or not. */
static int check_points(struct fixture *f, struct progress at, struct err *e)
{
	f->seen = 0;
	if (vault_point_list(f->v, NULL, see, f, e) != 0)
		return -1;
	for (unsigned i = 0; i < POINTS; i++) {
		const struct history_point *p = &f->points[i];
		bool is_there = (f->seen >> i & 1) != 0;
		bool may_go = p->removed > 0 && p->removed <= at.begun;
		bool is_gone = p->removed > 0 && p->removed <= at.done;

		if (is_there && (p->made > at.begun || is_gone))
			return err_set(e, ERR_BUG, "point '%s' is there and should not be", p->point);
		if (!is_there && p->made <= at.done && !may_go)
			return err_set(e, ERR_BUG, "point '%s' is lost", p->point);
	}
	return 0;
}

/* Life goes on. */
static int go_on(struct fixture *f, struct progress at, struct err *e)
{
	struct vault_collect_stats st;
	unsigned before = f->seen;

	if (kit_backup(f->v, "b", "extra", f->source, NULL, 256 << 10, e) != 0 ||
	    vault_collect(f->v, NULL, &st, e) != 0)
		return -1;
	if (st.missing != 0)
		return err_set(e, ERR_BUG, "%lld chunks are missing", (long long)st.missing);
	vault_close(TAKE(f->v));
	if (kit_open(f->store, f->key, false, &f->v, e) != 0 || check_points(f, at, e) != 0 ||
	    kit_check(f->v, "b", "extra", &f->extra, f->restored, e) != 0)
		return -1;
	return f->seen == before ? 0 : err_set(e, ERR_BUG, "points came or went by themselves");
}

static int check_disk(struct fixture *f, struct progress at, struct err *e)
{
	int r = kit_open(f->store, f->key, false, &f->v, e);

	/* Before the creation was acknowledged there may be none; then there can be one. */
	if (r != 0 && at.done == 0)
		r = kit_open(f->store, f->key, true, &f->v, e);
	if (r != 0)
		return -1;
	r = check_points(f, at, e);
	if (r == 0)
		r = go_on(f, at, e);
	vault_close(TAKE(f->v));
	return r;
}

/* ---- cuts ---- */
static bool is_new(struct fixture *f, uint64_t hash)
{
	for (size_t i = 0; i < f->checked_count; i++)
		if (f->checked[i] == hash)
			return false;
	assert_true(f->checked_count < 100000);
	f->checked[f->checked_count++] = hash;
	return true;
}

static void cut(struct fixture *f, const struct power_cut *c)
{
	struct power_disk *d = power_disk_new(c, &f->rng);
	struct progress at = progress_at(c->prefix);
	struct err e = { 0 };

	if (is_new(f, power_disk_hash(d) + at.begun * 1000 + at.done)) {
		OK(fs_remove_tree(f->disk, &e));
		assert_int_equal(mkdir(f->disk, 0700), 0);
		OK(power_disk_write(d, f->disk, &e));
		f->disks++;
		if (check_disk(f, at, &e) != 0 && f->losses++ == 0)
			(void)snprintf(f->loss, sizeof(f->loss), "after %u of %u events, step %u%s, "
			    "%s, names %d, data %d: %.400s", c->prefix, power_count, at.begun,
			    at.done == at.begun ? " (done)" : "",
			    c->in_order ? "in order" : "in any order", (int)c->names, (int)c->data,
			    e.msg);
	}
	power_disk_free(d);
}

/* Every moment; the second half of a rename is not one of its own. */
static void cut_everywhere(struct fixture *f, const struct power_cut *how, unsigned random_disks)
{
	struct err e = { 0 };

	f->checked_count = 0;
	f->disks = f->losses = 0;
	OK(kit_write(f->source, &f->extra, &e));
	for (unsigned prefix = kit_pick(&f->rng, f->stride); prefix <= power_count;
	     prefix += f->stride) {
		struct power_cut c = *how;

		if (prefix > 0 && power_events[prefix - 1].with_next)
			continue;
		c.prefix = prefix;
		for (int names = OLDEST; names <= NEWEST; names++)
			for (int data = NOTHING; data <= BLOCKS; data++) {
				c.names = names;
				c.data = data;
				cut(f, &c);
			}
		c.names = ANY;
		c.data = BLOCKS;
		for (unsigned i = 0; i < random_disks; i++)
			cut(f, &c);
	}
	print_message("%u events, %u different disks, %u losses\n", power_count, f->disks, f->losses);
}

/* ---- tests ---- */
static void assert_no_loss(struct fixture *f)
{
	if (f->losses > 0) {
		print_error("%s\n", f->loss);
		fail();
	}
}

static void nothing_is_lost_when_the_disk_keeps_the_order_of_names(void **state)
{
	static const struct power_cut how = { .in_order = true };
	struct fixture *f = *state;

	cut_everywhere(f, &how, f->random_disks);
	assert_no_loss(f);
}

static void nothing_is_lost_when_the_disk_keeps_only_what_was_synced(void **state)
{
	static const struct power_cut how = { .in_order = false };
	struct fixture *f = *state;

	cut_everywhere(f, &how, f->random_disks);
	assert_no_loss(f);
}

/* That the tests above can fail: the vault is there, but syncs after its creation are forgotten. */
static unsigned end_of_creation(void)
{
	unsigned i = 0;

	while (power_events[i].kind != POWER_MARK || power_events[i].value != 3)
		i++;
	return i;
}

static void without_syncs_of_directories_points_are_lost(void **state)
{
	const struct power_cut how = { .forget_dirs_from = end_of_creation() };
	struct fixture *f = *state;

	cut_everywhere(f, &how, 0);
	assert_true(f->losses > 0);
	print_message("%s\n", f->loss);
}

static void without_syncs_of_files_points_are_lost(void **state)
{
	const struct power_cut how = { .forget_files_from = end_of_creation() };
	struct fixture *f = *state;

	cut_everywhere(f, &how, 0);
	assert_true(f->losses > 0);
	print_message("%s\n", f->loss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_when_the_disk_keeps_the_order_of_names),
		cmocka_unit_test(nothing_is_lost_when_the_disk_keeps_only_what_was_synced),
		cmocka_unit_test(without_syncs_of_directories_points_are_lost),
		cmocka_unit_test(without_syncs_of_files_points_are_lost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
