/* t_in_place.c - restoring onto an image that holds something already, and where points differ.
 * HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include "vault_rig.h"

/* ---- helpers ---- */
/* A file beside the vault. */
static const char *target(struct rig *r, char out[128])
{
	(void)snprintf(out, 128, "%s/target", r->dir);
	return out;
}

static void put_target(struct rig *r, const struct image *is)
{
	char path[128];

	image_save(is, target(r, path));
}

static void assert_target(struct rig *r, const struct image *want)
{
	char path[128];
	auto_image struct image got = image_load(target(r, path));

	assert_true(image_same(&got, want));
}

static int64_t allocated(struct rig *r)
{
	struct stat st;
	char path[128];

	assert_int_equal(stat(target(r, path), &st), 0);
	return st.st_blocks * 512;
}

static int in_place(struct rig *r, const char *point, enum disk_format format,
    const struct vault_base *known, int64_t *durable, const struct vault_progress *progress,
    struct vault_in_place_stats *st, struct err *e)
{
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	char path[128];
	int result;

	assert_int_equal(vault_point_open(r->v, "a", point, &p, e), 0);
	result = disk_sink_open(target(r, path), format, &sink, e);
	if (result == 0) {
		result = vault_restore_in_place(p, "d", sink, known, durable != NULL ? *durable : 0,
		    durable, progress, st, e);
		if (result == 0)
			result = disk_sink_finish(&sink, e);
		else
			disk_sink_close(sink);
	}
	vault_point_close(p);
	return result;
}

/* Noise with holes, an odd size, and a piece that is all zeros but not a hole. */
static struct image some_disk(struct rig *r, size_t n)
{
	struct image m = image_new(n);

	image_noise(&m, 0, 3 * CHUNK, &r->rng);
	image_noise(&m, 6 * CHUNK + 700, 2 * CHUNK, &r->rng);
	image_noise(&m, n - 600, 600, &r->rng);
	return m;
}

/* ---- restore in place ---- */
static void an_image_of_anything_becomes_the_point(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = some_disk(r, 5 * (size_t)MIB + 512), b = image_random(r, a.n);
	struct vault_in_place_stats st;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	put_target(r, &b);
	assert_true(allocated(r) >= 5 * MIB);
	OK(in_place(r, "1", DISK_RAW, NULL, NULL, NULL, &st, &e));
	assert_target(r, &a);
	/* chunks 0 to 2, 6 to 8, the last whole one and the short one; the rest is hole again */
	assert_int_equal(st.written, 7 * CHUNK + 512);
	assert_int_equal(st.compared, 7 * CHUNK + 512);
	assert_int_equal(st.cleared, (int64_t)a.n - 7 * (int64_t)CHUNK - 512);
	assert_true(allocated(r) <= 8 * (int64_t)CHUNK);
	/* again: nothing to do */
	OK(in_place(r, "1", DISK_RAW, NULL, NULL, NULL, &st, &e));
	assert_int_equal(st.written, 0);
	assert_int_equal(st.cleared, 0);
	assert_int_equal(st.compared, 7 * CHUNK + 512);
	assert_target(r, &a);
}

static void only_chunks_that_differ_are_written(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = some_disk(r, 6 * (size_t)MIB), b = image_copy(&a);
	struct vault_in_place_stats st;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	image_noise(&b, CHUNK + 9, 1, &r->rng);
	b.p[CHUNK + 9] = (uint8_t)(a.p[CHUNK + 9] ^ 1);
	image_noise(&b, 12 * CHUNK, CHUNK, &r->rng);	/* where the point has a hole */
	memset(b.p + 7 * CHUNK, 0, CHUNK);		/* and the other way round */
	put_target(r, &b);
	OK(in_place(r, "1", DISK_RAW, NULL, NULL, NULL, &st, &e));
	assert_target(r, &a);
	assert_int_equal(st.written, 2 * CHUNK);
	assert_int_equal(st.cleared, CHUNK);
}

static void known_to_be_an_earlier_point_it_is_not_even_read(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = some_disk(r, 6 * (size_t)MIB), b = image_copy(&a), now;
	struct extent dirty[3];
	struct vault_base known = { "2", "d", dirty, 0 };
	struct vault_in_place_stats st;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	image_noise(&b, 2 * CHUNK, 10, &r->rng);
	image_noise(&b, 10 * CHUNK, CHUNK, &r->rng);
	memset(b.p + 6 * CHUNK, 0, CHUNK);
	rig_backup(r, "a", "2", &b, NULL);
	/* the image is as point 2 was */
	put_target(r, &b);
	OK(in_place(r, "1", DISK_RAW, &known, NULL, NULL, &st, &e));
	assert_target(r, &a);
	assert_int_equal(st.compared, 0);
	assert_int_equal(st.written, 2 * CHUNK);
	assert_int_equal(st.cleared, CHUNK);
	/* and as it was, but for what was written since: into data, into a hole, past the end */
	now = image_copy(&b);
	image_noise(&now, 5, 2 * CHUNK, &r->rng);
	image_noise(&now, 14 * CHUNK + 1, 5000, &r->rng);
	dirty[0] = (struct extent){ 5, 2 * (int64_t)CHUNK };
	dirty[1] = (struct extent){ 14 * (int64_t)CHUNK + 1, 5000 };
	dirty[2] = (struct extent){ 6 * MIB - 1, 100 * MIB };
	known.dirty_count = 3;
	put_target(r, &now);
	OK(in_place(r, "1", DISK_RAW, &known, NULL, NULL, &st, &e));
	assert_target(r, &a);
	assert_int_equal(st.written, 5 * CHUNK);	/* 0 to 2, 6 and the last */
	assert_true(st.cleared >= (int64_t)CHUNK && st.cleared <= 2 * (int64_t)CHUNK);
	/* also forwards, and onto itself */
	known.point = "1";
	known.dirty_count = 0;
	OK(in_place(r, "2", DISK_RAW, &known, NULL, NULL, &st, &e));
	assert_target(r, &b);
	known.point = "2";
	OK(in_place(r, "2", DISK_RAW, &known, NULL, NULL, &st, &e));
	assert_int_equal(st.written + st.cleared + st.compared, 0);
	assert_target(r, &b);
	image_done(&now);
}

static void what_cannot_be_done_in_place_is_refused(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = some_disk(r, 6 * (size_t)MIB), b = image_random(r, 5 * (size_t)MIB);
	struct extent bad = { -1, 7 };
	struct vault_base known = { "none", "d", NULL, 0 };
	struct vault_in_place_stats st;
	struct vault_session *s = NULL;
	struct vault_disk_stats disk;
	int64_t from = 5;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	put_target(r, &b);
	FAILS(in_place(r, "1", DISK_RAW, NULL, NULL, NULL, &st, &e), ERR_CONFLICT);
	assert_target(r, &b);
	image_resize(&b, a.n);
	put_target(r, &b);
	FAILS(in_place(r, "1", DISK_RAW, &known, NULL, NULL, &st, &e), ERR_NOT_FOUND);
	known = (struct vault_base){ "1", "other", NULL, 0 };
	FAILS(in_place(r, "1", DISK_RAW, &known, NULL, NULL, &st, &e), ERR_NOT_FOUND);
	known = (struct vault_base){ "1", "d", &bad, 1 };
	FAILS(in_place(r, "1", DISK_RAW, &known, NULL, NULL, &st, &e), ERR_INVALID);
	FAILS(in_place(r, "1", DISK_RAW, NULL, &from, NULL, &st, &e), ERR_INVALID);
	/* points that are cut into other chunks cannot be compared; the image can */
	OK(vault_session_begin(r->v, "a", &s, &e));
	OK(vault_session_chunk_size(s, (size_t)MIB, &e));
	OK(rig_add_disk(r, s, &b, NULL, &disk, &e));
	OK(rig_commit(s, "large", &e));
	vault_session_end(s);
	known = (struct vault_base){ "large", "d", NULL, 0 };
	FAILS(in_place(r, "1", DISK_RAW, &known, NULL, NULL, &st, &e), ERR_CONFLICT);
	assert_target(r, &b);
	OK(in_place(r, "1", DISK_RAW, NULL, NULL, NULL, &st, &e));
	assert_target(r, &a);
	OK(in_place(r, "large", DISK_RAW, NULL, NULL, NULL, &st, &e));
	assert_target(r, &b);
}

struct watch {
	int64_t stop_at, last;
};

static bool watch_tick(void *arg, int64_t done, int64_t total)
{
	struct watch *w = arg;

	assert_true(done >= w->last && done <= total);
	w->last = done;
	return done >= w->stop_at;
}

/* Positions become durable every 256 MiB of disk. */
static void an_interrupted_one_goes_on_where_it_was_durable(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_new(600 * (size_t)MIB), b = image_new(600 * (size_t)MIB);
	struct extent dirty = { 590 * MIB, 5 };
	struct vault_base known = { "2", "d", &dirty, 1 };
	int64_t durable;
	struct err e;

	for (size_t at = 0; at < 600 * (size_t)MIB; at += 20 * (size_t)MIB) {
		image_noise(&a, at, (size_t)MIB, &r->rng);
		image_noise(&b, at + MIB, (size_t)MIB, &r->rng);
	}
	rig_backup(r, "a", "1", &a, NULL);
	rig_backup(r, "a", "2", &b, NULL);
	for (int i = 0; i < 2; i++) {
		struct watch w = { .stop_at = 17 * MIB }, all = { .stop_at = INT64_MAX };
		struct vault_progress p = { watch_tick, &w }, q = { watch_tick, &all };
		struct vault_in_place_stats st;

		durable = 0;
		put_target(r, &b);
		FAILS(in_place(r, "1", DISK_RAW, i == 0 ? NULL : &known, &durable, &p, &st, &e),
		    ERR_CANCELLED);
		assert_true(durable >= 256 * MIB && durable < 600 * MIB);
		assert_int_equal(durable % (int64_t)CHUNK, 0);
		OK(in_place(r, "1", DISK_RAW, i == 0 ? NULL : &known, &durable, &q, &st, &e));
		assert_int_equal(durable, 600 * MIB);
		assert_true(st.written < 20 * MIB);	/* the first part was not done again */
		assert_target(r, &a);
	}
}

/* Between the files "raw" and "target". */
static void convert(struct rig *r, const char *formats, const char *from, const char *to)
{
	auto_free char *command = NULL;

	assert_true(asprintf(&command, "qemu-img convert -q %s '%s/%s' '%s/%s'", formats, r->dir, from,
	    r->dir, to) > 0);
	assert_int_equal(system(command), 0);
}

static void a_qcow2_becomes_the_point_too(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = some_disk(r, 6 * (size_t)MIB), b = image_random(r, a.n), got;
	struct vault_in_place_stats st;
	char path[128];
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	rig_backup(r, "a", "2", &b, NULL);
	(void)snprintf(path, sizeof(path), "%s/raw", r->dir);
	image_save(&b, path);
	convert(r, "-f raw -O qcow2", "raw", "target");
	OK(in_place(r, "1", DISK_QCOW2, NULL, NULL, NULL, &st, &e));
	assert_int_equal(st.written, 7 * CHUNK);
	convert(r, "-f qcow2 -O raw", "target", "raw");
	got = image_load(path);
	assert_true(image_same(&got, &a));
	image_done(&got);
	OK(in_place(r, "2", DISK_QCOW2, &(struct vault_base){ "1", "d", NULL, 0 }, NULL, NULL, &st,
	    &e));
	assert_int_equal(st.compared, 0);
	convert(r, "-f qcow2 -O raw", "target", "raw");
	got = image_load(path);
	assert_true(image_same(&got, &b));
	image_done(&got);
}

/* Any two points, any changes: with `known` and without, the image ends up as the point. */
static void random_points_replace_each_other(void **state)
{
	struct rig *r = *state;
	auto_image struct image is = image_new(5 * (size_t)MIB + 1536);
	char name[8];
	struct err e;

	for (unsigned i = 0; i < 8; i++) {
		for (unsigned k = 0; k < 3; k++) {
			size_t at = rnd(r, is.n), n = rnd(r, is.n - at) % (2 * (size_t)MIB) + 1;

			if (rnd(r, 3) == 0)
				memset(is.p + at, 0, n);
			else
				image_noise(&is, at, n, &r->rng);
		}
		(void)snprintf(name, sizeof(name), "%u", i);
		rig_backup(r, "a", name, &is, NULL);
	}
	for (unsigned i = 0; i < 40; i++) {
		const struct kept *from = &r->kept[rnd(r, 8)], *to = &r->kept[rnd(r, 8)];
		auto_image struct image now = image_copy(&from->is);
		struct extent dirty;
		struct vault_base known = { from->point, "d", &dirty, 1 };
		struct vault_in_place_stats st;

		dirty.offset = (int64_t)rnd(r, now.n);
		dirty.length = (int64_t)rnd(r, now.n - (size_t)dirty.offset) + 1;
		if (rnd(r, 2) == 0)
			image_noise(&now, (size_t)dirty.offset, (size_t)dirty.length, &r->rng);
		else
			memset(now.p + dirty.offset, 0, (size_t)dirty.length);
		put_target(r, &now);
		OK(in_place(r, to->point, DISK_RAW, i % 3 == 0 ? NULL : &known, NULL, NULL, &st, &e));
		assert_target(r, &to->is);
	}
}

/* ---- differences ---- */
struct told {
	struct extent x[64];
	size_t n;
	int stop;	/* returned by the callback */
};

static int tell(void *arg, const struct extent *x, struct err *e)
{
	struct told *t = arg;

	assert_true(t->n < ARRAY_LEN(t->x) && x->length > 0);
	if (t->n > 0)	/* in order, and joined */
		assert_true(x->offset > t->x[t->n - 1].offset + t->x[t->n - 1].length);
	t->x[t->n++] = *x;
	return t->stop != 0 ? err_set(e, ERR_CANCELLED, "stopped") : 0;
}

static int diff(struct rig *r, const char *from, const char *to, struct told *ret, struct err *e)
{
	struct vault_point *a = NULL, *b = NULL;
	int result;

	ret->n = 0;
	if (from != NULL)
		assert_int_equal(vault_point_open(r->v, "a", from, &a, e), 0);
	assert_int_equal(vault_point_open(r->v, "a", to, &b, e), 0);
	result = vault_diff(a, b, "d", tell, ret, e);
	vault_point_close(a);
	vault_point_close(b);
	return result;
}

/* In chunks, as told: where two images differ. */
static void assert_told(const struct told *t, const struct image *a, const struct image *b)
{
	for (size_t at = 0; at < b->n; at += CHUNK) {
		size_t n = b->n - at < CHUNK ? b->n - at : CHUNK;
		size_t was = a == NULL || at >= a->n ? 0 : a->n - at < CHUNK ? a->n - at : CHUNK;
		auto_free uint8_t *zero = calloc(1, CHUNK);
		bool is_data = memcmp(b->p + at, zero, n) != 0;
		bool was_data = was > 0 && memcmp(a->p + at, zero, was) != 0;
		bool want = is_data != was_data ||
		    (is_data && (n != was || memcmp(a->p + at, b->p + at, n) != 0));
		bool got = false;

		for (size_t i = 0; i < t->n; i++)
			got |= t->x[i].offset <= (int64_t)at &&
			    (int64_t)(at + n) <= t->x[i].offset + t->x[i].length;
		if (want != got)
			print_error("at %zu: %d told, %d true\n", at, got, want);
		assert_int_equal(want, got);
	}
}

static void differences_are_those_that_were_made(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = some_disk(r, 6 * (size_t)MIB), b = image_copy(&a);
	struct told t = { .n = 0 };
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	OK(diff(r, "1", "1", &t, &e));
	assert_int_equal(t.n, 0);
	OK(diff(r, NULL, "1", &t, &e));
	assert_int_equal(t.n, 3);
	assert_told(&t, NULL, &a);
	image_noise(&b, 2 * CHUNK + 5, 1, &r->rng);
	b.p[2 * CHUNK + 5] = (uint8_t)(a.p[2 * CHUNK + 5] ^ 1);
	image_noise(&b, 4 * CHUNK, 1, &r->rng);
	memset(b.p + 6 * CHUNK, 0, 2 * CHUNK);
	rig_backup(r, "a", "2", &b, NULL);
	OK(diff(r, "1", "2", &t, &e));
	assert_told(&t, &a, &b);
	OK(diff(r, "2", "1", &t, &e));
	assert_told(&t, &b, &a);
	t.stop = 1;
	FAILS(diff(r, "1", "2", &t, &e), ERR_CANCELLED);
	assert_int_equal(t.n, 1);
}

static void disks_of_different_sizes_can_be_compared(void **state)
{
	static const size_t sizes[] = { 512, 5 * CHUNK - 512, 5 * CHUNK, 5 * CHUNK + 512, 700 * CHUNK };
	struct rig *r = *state;
	auto_image struct image none = image_new(3 * CHUNK);
	struct told t = { .n = 0 };
	char from[8], to[8];
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		auto_image struct image m = image_new(sizes[i]);

		image_noise(&m, 0, 512, &r->rng);
		image_noise(&m, m.n - 300, 300, &r->rng);
		(void)snprintf(to, sizeof(to), "%zu", i);
		rig_backup(r, "a", to, &m, NULL);
	}
	rig_backup(r, "a", "5", &none, NULL);
	for (size_t i = 0; i < 36; i++) {
		(void)snprintf(from, sizeof(from), "%zu", i / 6);
		(void)snprintf(to, sizeof(to), "%zu", i % 6);
		OK(diff(r, from, to, &t, &e));
		assert_told(&t, &r->kept[i / 6].is, &r->kept[i % 6].is);
	}
}

static void points_cut_into_other_chunks_cannot_be_compared(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = some_disk(r, 6 * (size_t)MIB);
	struct vault_point *p = NULL;
	struct vault_session *s = NULL;
	struct vault_disk_stats st;
	struct told t = { .n = 0 };
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	OK(vault_session_begin(r->v, "a", &s, &e));
	OK(vault_session_chunk_size(s, 2 * (size_t)MIB, &e));
	OK(rig_add_disk(r, s, &a, NULL, &st, &e));
	OK(rig_commit(s, "2", &e));
	vault_session_end(s);
	FAILS(diff(r, "1", "2", &t, &e), ERR_CONFLICT);
	assert_int_equal(t.n, 0);
	OK(diff(r, NULL, "2", &t, &e));
	assert_int_equal(t.n, 1);
	assert_int_equal(t.x[0].length, 6 * MIB);
	OK(vault_point_open(r->v, "a", "1", &p, &e));
	FAILS(vault_diff(p, p, "other", tell, &t, &e), ERR_NOT_FOUND);
	vault_point_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(an_image_of_anything_becomes_the_point),
		T(only_chunks_that_differ_are_written),
		T(known_to_be_an_earlier_point_it_is_not_even_read),
		T(what_cannot_be_done_in_place_is_refused),
		T(an_interrupted_one_goes_on_where_it_was_durable),
		T(a_qcow2_becomes_the_point_too),
		T(random_points_replace_each_other),
		T(differences_are_those_that_were_made),
		T(disks_of_different_sizes_can_be_compared),
		T(points_cut_into_other_chunks_cannot_be_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
