/* t_vault_shared.c - one vault, open twice: one writes, others read, and who writes may change.
 * HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include <sys/wait.h>

#include "vault_rig.h"

/* ---- who may write ---- */
static void assert_refused(struct rig *r, struct vault *v)
{
	struct vault_collect_stats st;
	struct vault_session *s = NULL;
	struct err e;

	FAILS(vault_session_begin(v, "a", &s, &e), ERR_BUSY);
	assert_null(s);
	CONTAINS(e.msg, "in use");
	FAILS(vault_collect(v, NULL, &st, &e), ERR_BUSY);
	FAILS(vault_point_delete(v, "a", "1", &e), ERR_BUSY);
	rig_check(r, v);
}

static void a_second_one_may_only_read_until_the_first_closes(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	struct vault *other;

	rig_backup(r, "a", "1", &a, NULL);
	other = rig_reader(r);
	assert_refused(r, other);
	assert_refused(r, other);
	rig_check(r, r->v);
	vault_close(r->v);
	r->v = other;
	image_noise(&a, 0, a.n, &r->rng);
	rig_backup(r, "a", "2", &a, NULL);
	rig_delete(r, "a", "1");
	assert_true(rig_collect(r, 70).freed_bytes > 0);
	rig_check(r, r->v);
}

/* In the child: 0 if the vault restores, and is refused for writing. */
static int child_reads(struct rig *r)
{
	struct vault_collect_stats st;
	struct vault_session *s = NULL;
	auto_image struct image got = { 0 };
	struct vault *v = NULL;
	struct err e = { 0 };

	if (vault_open(rig_store(r), r->key, &v, &e) != 0 ||
	    rig_restore(r, v, "a", "1", &got, &e) != 0 || !image_same(&got, &r->kept[0].is))
		return 1;
	if (vault_session_begin(v, "a", &s, &e) == 0 || e.kind != ERR_BUSY)
		return 2;
	if (vault_collect(v, NULL, &st, &e) == 0 || e.kind != ERR_BUSY)
		return 3;
	vault_close(v);
	return 0;
}

static void another_process_may_only_read(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB);
	int status = 0;
	pid_t pid;

	rig_backup(r, "a", "1", &a, NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child_reads(r));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rig_delete(r, "a", "1");
	(void)rig_collect(r, 70);
	assert_int_equal(rig_count(r, "packs/"), 0);
}

/* ---- reading what somebody else changes ---- */
static void a_reader_follows_what_is_moved_and_added(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB);
	struct vault *reader;
	char point[8];

	rig_backup(r, "a", "0", &a, NULL);
	reader = rig_reader(r);
	for (unsigned i = 1; i < 8; i++) {
		image_noise(&a, rnd(r, 4) * (size_t)MIB, MIB / 2, &r->rng);
		(void)snprintf(point, sizeof(point), "%u", i);
		rig_backup(r, "a", point, &a, NULL);
		if (i % 2 == 0) {
			(void)snprintf(point, sizeof(point), "%u", i - 1);
			rig_delete(r, "a", point);
		}
		(void)rig_collect(r, 100);	/* every chunk lies elsewhere now */
		rig_check(r, reader);
	}
	vault_close(reader);
}

static void a_reader_is_told_that_its_point_is_gone(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 9 * (size_t)MIB), b = image_random(r, (size_t)MIB);
	auto_image struct image got = { 0 };
	struct vault_point *p = NULL, *q = NULL;
	struct vault *reader;
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	rig_backup(r, "b", "1", &b, NULL);
	reader = rig_reader(r);
	OK(vault_point_open(reader, "a", "1", &p, &e));
	rig_delete(r, "a", "1");
	(void)rig_collect(r, 70);
	/* another process does not keep what it has open; it is told so, and nothing worse */
	for (int i = 0; i < 30; i++) {
		FAILS(rig_restore_open(r, p, &got, &e), ERR_CORRUPT);
		CONTAINS(e.msg, "chunk ");
	}
	FAILS(vault_point_open(reader, "a", "1", &q, &e), ERR_NOT_FOUND);
	/* and however often that was: what there is restores, wherever it lies by now */
	(void)rig_collect(r, 100);
	rig_check(r, reader);
	rig_backup(r, "a", "2", &a, NULL);
	rig_check(r, reader);
	vault_point_close(p);
	vault_close(reader);
}

static void a_reader_changes_nothing_in_the_store(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB), got = { 0 };
	struct vault *reader;
	struct spot at[8];
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	assert_int_equal(rig_all_spots(r, RECORD_DATA, at, ARRAY_LEN(at)), 8);
	rig_damage(r, &at[0]);
	reader = rig_reader(r);
	FAILS(rig_restore(r, reader, "a", "1", &got, &e), ERR_CORRUPT);
	assert_int_equal(rig_count(r, "damaged/"), 0);
	vault_close(reader);
	/* who may write does note it */
	FAILS(rig_restore(r, r->v, "a", "1", &got, &e), ERR_CORRUPT);
	assert_int_equal(rig_count(r, "damaged/"), 1);
}

/* ---- taking over ---- */
static void hand_over_to(struct rig *r, struct vault *heir)
{
	vault_close(r->v);
	r->v = heir;
}

/* All points restore, also after the heir has collected, and in a vault opened anew. */
static void assert_heir_keeps_everything(struct rig *r)
{
	rig_check(r, r->v);
	(void)rig_collect(r, 70);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
}

static enum verdict slow_list(void *arg, const char *op, const char *name)
{
	(void)arg;
	(void)name;
	if (strcmp(op, "list") == 0)
		(void)usleep(20000);	/* so that the other threads come here too */
	return GO_ON;
}

struct mover {
	struct rig *r;
	bool is_done;
};

static bool move_everything(void *arg, int64_t done, int64_t total)
{
	struct mover *m = arg;

	(void)done;
	(void)total;
	if (!m->is_done) {
		m->is_done = true;
		(void)rig_collect(m->r, 100);
		m->r->hook = slow_list;
	}
	return false;
}

/* The threads of a restore miss their chunks all at once, and all of them look for new packs. */
static void a_reader_that_saw_packs_come_may_write_next(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * (size_t)MIB), got = { 0 };
	struct vault *heir = rig_other(r);
	struct mover m = { .r = r };
	struct vault_progress progress = { move_everything, &m };
	struct vault_point *p = NULL;
	struct disk_sink *sink = NULL;
	char path[128];
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	OK(vault_point_open(heir, "a", "1", &p, &e));
	rig_path(r, "out", path);
	OK(disk_sink_create(path, DISK_RAW, (int64_t)a.n, &sink, &e));
	OK(vault_restore_disk(p, "d", sink, 0, NULL, &progress, &e));
	OK(disk_sink_finish(&sink, &e));
	r->hook = NULL;
	got = image_load(path);
	assert_true(image_same(&got, &a));
	vault_point_close(p);
	hand_over_to(r, heir);
	assert_heir_keeps_everything(r);
}

struct heir {
	struct rig *r;
	struct vault *v;
};

static enum verdict open_before_removal(void *arg, const char *op, const char *name)
{
	struct heir *h = arg;

	if (h->v == NULL && strcmp(op, "del") == 0 && strncmp(name, "packs/", 6) == 0)
		h->v = rig_reader(h->r);
	return GO_ON;
}

/* A chunk lies in two packs between the two halves of a compaction. */
static void who_opened_a_vault_in_the_middle_of_a_compaction_may_write_next(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 6; i++) {
		auto_image struct image a = image_random(r, (size_t)MIB);
		struct heir heir = { .r = r };

		rig_backup(r, "a", "1", &a, NULL);
		r->hook_arg = &heir;
		r->hook = open_before_removal;
		assert_int_equal(rig_collect(r, 100).compacted_packs, 1);
		r->hook = NULL;
		assert_non_null(heir.v);
		hand_over_to(r, heir.v);
		if (i % 2 == 0)
			rig_check(r, r->v);
		assert_heir_keeps_everything(r);
		rig_delete(r, "a", "1");
		(void)rig_collect(r, 70);
		assert_int_equal(rig_count(r, "packs/"), 0);
	}
}

static enum verdict die_before_removal(void *arg, const char *op, const char *name)
{
	bool *is_dead = arg;

	if (strcmp(op, "del") == 0 && strncmp(name, "packs/", 6) == 0)
		*is_dead = true;
	return *is_dead ? FAIL : GO_ON;
}

static void a_crash_between_the_halves_of_a_compaction_loses_nothing(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 6; i++) {
		auto_image struct image a = image_random(r, (size_t)MIB);
		struct vault_collect_opts opts = { .compact_percent = 100 };
		struct vault_collect_stats st;
		bool is_dead = false;
		struct err e;

		rig_backup(r, "a", "1", &a, NULL);
		r->hook_arg = &is_dead;
		r->hook = die_before_removal;
		FAILS(vault_collect(r->v, &opts, &st, &e), ERR_IO);
		r->hook = NULL;
		assert_int_equal(rig_count(r, "packs/"), 2);
		rig_reopen(r);
		assert_heir_keeps_everything(r);
		assert_int_equal(rig_count(r, "packs/"), 1);
		rig_delete(r, "a", "1");
		(void)rig_collect(r, 70);
	}
}

static void the_heir_knows_of_damage_that_was_found_before(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 2 * (size_t)MIB), got = { 0 };
	struct vault *heir = rig_reader(r);
	struct vault_disk_stats st;
	struct spot at[8];
	struct err e;

	rig_backup(r, "a", "1", &a, NULL);
	assert_int_equal(rig_all_spots(r, RECORD_DATA, at, ARRAY_LEN(at)), 8);
	rig_damage(r, &at[3]);
	FAILS(rig_restore(r, r->v, "a", "1", &got, &e), ERR_CORRUPT);
	hand_over_to(r, heir);
	(void)rig_collect(r, 70);
	assert_int_equal(rig_count(r, "damaged/"), 1);
	rig_backup(r, "a", "2", &a, &st);
	assert_true(st.stored > (int64_t)CHUNK);
	rig_check(r, r->v);
	RIG_NOTES_GO(r);
	rig_check(r, r->v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(a_second_one_may_only_read_until_the_first_closes),
		T(another_process_may_only_read),
		T(a_reader_follows_what_is_moved_and_added),
		T(a_reader_is_told_that_its_point_is_gone),
		T(a_reader_changes_nothing_in_the_store),
		T(a_reader_that_saw_packs_come_may_write_next),
		T(who_opened_a_vault_in_the_middle_of_a_compaction_may_write_next),
		T(a_crash_between_the_halves_of_a_compaction_loses_nothing),
		T(the_heir_knows_of_damage_that_was_found_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
