/* t_vault_faults.c - every allocation and every system call of the vault fails once, one by one.
 *
 * An operation is run on a fresh copy of a small vault with its 1st, 2nd, 3rd ... call failing, until
 * it gets by without a failure.  After each: it said that it failed, or it did what it should; every
 * point restores byte for byte, in this process and after a restart; the next attempt succeeds.
 *
 * HOLDFAST_FAULT_SEED: the disks.  HOLDFAST_FAULT_STRIDE: only every so many-th call. */
#include "t.h"

#include "faults.h"
#include "faults_world.h"
#include "vault/copy.h"

/* What an operation is, and what it does to the points. */
struct operation {
	const char *name;
	int (*run)(struct fixture *f, struct err *e);
	int (*retry)(struct fixture *f, struct err *e);	/* NULL: the same again */
	bool opens;		/* the vault itself */
	bool makes_new, removes_second, fills_image;
	const struct kit_disk *(*image)(const struct fixture *f);	/* that is there before */
};

/* ---- what must hold ---- */
struct look {
	struct fixture *f;
	unsigned there;		/* bit per point */
};

static int see(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	struct look *l = arg;

	if (damage != NULL)
		return err_set(e, ERR_BUG, "damaged: %.400s", damage->msg);
	if (strcmp(jstr(meta, "made", ""), point) != 0 || strcmp(item, "vm") != 0)
		return err_set(e, ERR_BUG, "point '%s' has the meta of another", point);
	for (size_t i = 0; i < POINTS; i++)
		if (strcmp(l->f->points[i].point, point) == 0) {
			l->there |= 1u << i;
			return kit_check(l->f->v, "vm", point, &l->f->points[i].disk,
			    l->f->restored, e);
		}
	return err_set(e, ERR_BUG, "point '%s' is back", point);
}

/* Points that must be there are, and those that must not are not; all that are restore. */
static int check_points(struct fixture *f, unsigned must, unsigned must_not, unsigned *ret_there,
    struct err *e)
{
	struct look l = { .f = f };

	if (vault_point_list(f->v, NULL, see, &l, e) != 0)
		return -1;
	*ret_there = l.there;
	return (l.there & must) == must && (l.there & must_not) == 0 ? 0 :
	    err_set(e, ERR_BUG, "points there: %x; must be: %x, must not be: %x", l.there, must,
		must_not);
}

static int reopen(struct fixture *f, struct err *e)
{
	vault_close(TAKE(f->v));
	return kit_open(f->store, f->key, false, &f->v, e);
}

static int collect(struct fixture *f, struct err *e)
{
	struct vault_collect_stats st;

	if (vault_collect(f->v, NULL, &st, e) != 0)
		return -1;
	f->compacted += st.compacted_packs > 0;
	return st.missing == 0 ? 0 : err_set(e, ERR_BUG, "%lld chunks are missing",
	    (long long)st.missing);
}

/* A refused call is not damage: else sound chunks would be noted as bad, and objects given up. */
static int check_error(const struct err *why, struct err *e)
{
	return (why->kind == ERR_IO || why->kind == ERR_NO_SPACE || why->sys == EAGAIN) && why->msg[0] != '\0' ? 0 :
	    err_set(e, ERR_BUG, "it failed with kind %d: %.400s", (int)why->kind, why->msg);
}

static int check_no_notes(struct fixture *f, struct err *e)
{
	char path[100];

	(void)snprintf(path, sizeof(path), "%s/damaged", f->store);
	return access(path, F_OK) != 0 ? 0 : err_set(e, ERR_BUG, "sound chunks are noted as damaged");
}

/* ---- one attempt ---- */
struct attempt {
	const struct operation *op;
	enum fault what;
	unsigned n;
	bool sticky;
};

static unsigned bits_after(const struct attempt *a, bool done, unsigned *ret_must_not)
{
	unsigned must = 1u << OLD | 1u << OTHER;

	*ret_must_not = 0;
	if (a->op->makes_new && done)
		must |= 1u << NEW;
	else if (!a->op->makes_new || !a->sticky)
		*ret_must_not = 1u << NEW;
	if (!a->op->removes_second)
		must |= 1u << SECOND;
	else if (done)
		*ret_must_not |= 1u << SECOND;
	return must;
}

static int run_checked(struct fixture *f, const struct operation *op,
    int (*run)(struct fixture *f, struct err *e), struct err *e)
{
	if (run(f, e) != 0)
		return -1;
	if (!op->fills_image || kit_same(f->image, &f->points[SECOND].disk, e) == 0)
		return 0;
	e->kind = ERR_CORRUPT;	/* success with wrong bytes */
	return -1;
}

/* After a failure: try again, with nothing failing. */
static int again(struct fixture *f, const struct operation *op, unsigned there, struct err *e)
{
	if (op->makes_new && (there & 1u << NEW) != 0)
		return 0;	/* only if its removal failed too */
	if (op->opens)
		vault_close(TAKE(f->v));
	return run_checked(f, op, op->retry != NULL ? op->retry : op->run, e);
}

static int follow_up(struct fixture *f, const struct attempt *a, int r, const struct err *why,
    struct err *e)
{
	unsigned must_not, there, must = bits_after(a, r == 0, &must_not);

	if (r != 0 && check_error(why, e) != 0)
		return -1;
	/* Half of them: as if the failure had been the process's last.  And a store that could not be
	 * opened for writing can still be read. */
	if ((a->op->opens || a->n % 2 == 0) && reopen(f, e) != 0)
		return -1;
	if (check_points(f, must, must_not, &there, e) != 0)
		return -1;
	if (r != 0 && again(f, a->op, there, e) != 0)
		return err_in(e, "the next attempt");
	must = bits_after(a, true, &must_not);
	if (collect(f, e) != 0 || reopen(f, e) != 0 ||
	    check_points(f, must, must_not, &there, e) != 0)
		return err_in(e, "afterwards");
	return check_no_notes(f, e);
}

/* False if it got by without a failure. */
static bool attempt(struct fixture *f, const struct attempt *a)
{
	const struct operation *op = a->op;
	struct err e = { 0 }, why = { 0 };
	unsigned injected;
	const char *call;
	int r, fds;

	vault_close(TAKE(f->v));
	fresh_copy(f);
	fds = open_fds();
	(void)unlink(f->image);
	if (op->image != NULL)
		OK(kit_write(f->image, op->image(f), &e));
	if (!op->opens)
		OK(kit_open(f->store, f->key, false, &f->v, &e));
	fault_arm(a->what, a->n, a->sticky);
	r = op->run(f, &why);
	injected = fault_disarm(&call);
	f->injected += injected > 0;
	f->succeeded += injected > 0 && r == 0;
	if (r == 0 && op->fills_image)
		r = kit_same(f->image, &f->points[SECOND].disk, &why);
	if ((r != 0 && injected == 0) || (r != 0 && a->what >= FAULT_SHORT)) {
		print_error("%s: it fails though it need not (%s): %s\n", op->name, call, why.msg);
		fail();
	}
	if (follow_up(f, a, r, &why, &e) != 0) {
		print_error("%s: fault %d, call %u%s is %s, %s (%s): %s\n", op->name, (int)a->what,
		    a->n, a->sticky ? " and all later" : "", call, r == 0 ? "done" : "failed",
		    why.msg, e.msg);
		fail();
	}
	vault_close(TAKE(f->v));
	if (open_fds() != fds) {
		print_error("%s: %d files are left open after call %u, %s\n", op->name,
		    open_fds() - fds, a->n, call);
		fail();
	}
	return injected > 0;
}

static void sweep(struct fixture *f, const struct operation *op, enum fault what, bool sticky)
{
	static const char *const names[] = { "", "allocations", "I/O errors", "full disks",
		"short transfers", "interruptions" };
	struct attempt a = { op, what, 1 + kit_pick(&f->rng, f->stride), sticky };

	f->injected = f->succeeded = 0;
	while (attempt(f, &a))
		a.n += f->stride;
	print_message("%s: %u %s%s, done in spite of %u\n", op->name, f->injected, names[what],
	    sticky ? " that stay" : "", f->succeeded);
	assert_true(f->injected > 0 || what >= FAULT_SPACE || f->stride > 1);
}

static void sweep_all(struct fixture *f, const struct operation *op)
{
	sweep(f, op, FAULT_ALLOC, false);
	sweep(f, op, FAULT_IO, false);
	sweep(f, op, FAULT_IO, true);
	sweep(f, op, FAULT_SPACE, false);
	sweep(f, op, FAULT_SHORT, false);
	sweep(f, op, FAULT_INTR, false);
}

/* ---- the operations ---- */
static int full_backup(struct fixture *f, struct err *e)
{
	return kit_backup(f->v, "vm", "new", f->source, NULL, 256 << 10, e);
}

static int incremental_backup(struct fixture *f, struct err *e)
{
	const struct vault_base base = { "old", "d", f->dirty, f->dirty_count };

	return kit_backup(f->v, "vm", "new", f->source, &base, 0, e);
}

static int restore_to_new(struct fixture *f, struct err *e)
{
	return kit_restore(f->v, "vm", "second", f->image, false, NULL, e);
}

static int restore_in_place(struct fixture *f, struct err *e)
{
	return kit_restore(f->v, "vm", "second", f->image, true, NULL, e);
}

static int restore_what_changed(struct fixture *f, struct err *e)
{
	const struct vault_base known = { .point = "old", .disk = "d" };

	return kit_restore(f->v, "vm", "second", f->image, true, &known, e);
}

static int verify(struct fixture *f, struct err *e)
{
	return kit_verify(f->v, "vm", "second", e);
}

static int open_vault(struct fixture *f, struct err *e)
{
	return kit_open(f->store, f->key, false, &f->v, e);
}

static int count_one(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	(void)item;
	(void)point;
	(void)meta;
	++*(unsigned *)arg;
	return damage == NULL ? 0 : err_set(e, ERR_BUG, "damaged: %.400s", damage->msg);
}

static int list(struct fixture *f, struct err *e)
{
	unsigned n = 0;

	if (vault_point_list(f->v, "vm", count_one, &n, e) != 0)
		return -1;
	return n >= 3 ? 0 : err_set(e, ERR_BUG, "the list has %u points", n);
}

static int delete_second(struct fixture *f, struct err *e)
{
	return vault_point_delete(f->v, "vm", "second", e) < 0 ? -1 : 0;
}

static const struct kit_disk *image_before(const struct fixture *f)
{
	return &f->points[OLD].disk;
}

/* ---- tests ---- */
static void a_backup_survives_any_failing_call(void **state)
{
	static const struct operation op = { "full backup", full_backup, .makes_new = true };

	sweep_all(*state, &op);
}

static void an_incremental_survives_any_failing_call(void **state)
{
	static const struct operation op = { "incremental", incremental_backup, .makes_new = true };

	sweep_all(*state, &op);
}

static void a_restore_is_right_or_fails_whichever_call_fails(void **state)
{
	static const struct operation op = { "restore", restore_to_new, .fills_image = true };

	sweep_all(*state, &op);
}

static void a_restore_in_place_is_right_or_can_be_repeated(void **state)
{
	static const struct operation ops[] = {
		{ "restore in place", restore_in_place, .fills_image = true, .image = image_before },
		{ "restore of changes", restore_what_changed, .retry = restore_in_place,
			.fills_image = true, .image = image_before },
	};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		sweep_all(*state, &ops[i]);
}

static void a_collection_loses_nothing_whichever_call_fails(void **state)
{
	static const struct operation op = { "collection", collect };
	struct fixture *f = *state;

	f->compacted = 0;
	sweep_all(f, &op);
	assert_true(f->compacted > 0);
}

static void a_vault_opens_or_says_why_not(void **state)
{
	static const struct operation op = { "open", open_vault, .opens = true };

	sweep_all(*state, &op);
}

static void verifying_and_listing_do_no_harm_when_they_fail(void **state)
{
	static const struct operation ops[] = { { "verify", verify }, { "list", list } };

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		sweep_all(*state, &ops[i]);
}

static void a_deletion_takes_its_point_only(void **state)
{
	static const struct operation op = { "delete", delete_second, .removes_second = true };

	sweep_all(*state, &op);
}

static void two_packs_come_whole_or_not_at_all(void **state)
{
	static const struct operation op = { "backup of two packs", full_backup, .makes_new = true };
	struct fixture *f = *state;
	struct kit_disk small = f->points[NEW].disk;
	unsigned stride = f->stride;
	struct err e = { 0 };

	kit_random(&f->rng, &f->points[NEW].disk, 560, 0, 100);
	OK(kit_write(f->source, &f->points[NEW].disk, &e));
	f->stride = 4 * stride;
	sweep(f, &op, FAULT_SPACE, false);
	f->stride = 35 * stride;
	sweep(f, &op, FAULT_ALLOC, false);
	f->stride = stride;
	f->points[NEW].disk = small;
	OK(kit_write(f->source, &small, &e));
}

static int create(const char *store, const uint8_t key[32], struct err *e)
{
	struct object_store *s;
	int r;

	if (object_dir_open(store, true, &s, e) != 0)
		return -1;
	r = vault_create(s, key, e);
	object_close(s);
	return r;
}

static bool attempt_creation(struct fixture *f, enum fault what, unsigned n)
{
	struct err e = { 0 };
	char store[96];
	const char *call;
	unsigned injected;
	int r;

	vault_close(TAKE(f->v));
	(void)snprintf(store, sizeof(store), "%s/created", f->dir);
	OK(fs_remove_tree(store, &e));
	fault_arm(what, n, false);
	r = create(store, f->key, &e);
	injected = fault_disarm(&call);
	if (r != 0 && (injected == 0 || check_error(&e, &e) != 0 || create(store, f->key, &e) != 0)) {
		print_error("creation with %s failing: %s\n", call, e.msg);
		fail();
	}
	OK(kit_open(store, f->key, false, &f->v, &e));
	OK(kit_backup(f->v, "vm", "new", f->source, NULL, 256 << 10, &e));
	OK(kit_check(f->v, "vm", "new", &f->points[NEW].disk, f->restored, &e));
	return injected > 0;
}

static void a_vault_that_could_not_be_created_can_be_created_again(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 1; attempt_creation(f, FAULT_ALLOC, n); n++)
		;
	for (unsigned n = 1; attempt_creation(f, FAULT_IO, n); n++)
		;
	for (unsigned n = 1; attempt_creation(f, FAULT_SPACE, n); n++)
		;
}

/* ---- into a second copy ---- */
struct way {
	struct vault *from, *to;
	struct vault_copy_stats sent;
};

static int copy_one(void *arg, const char *object, struct err *e)
{
	struct way *w = arg;

	return vault_copy_point(w->from, w->to, object, NULL, &w->sent, e) < 0 ? -1 : 0;
}

static int copy_all(struct fixture *f, const char *store, struct err *e)
{
	struct way w = { .from = f->v };
	struct object_store *s;
	int r;

	if (object_dir_open(store, true, &s, e) != 0)
		return -1;
	r = vault_copy_begin(f->v, s, e);
	object_close(s);
	if (r != 0 || kit_open(store, f->key, false, &w.to, e) != 0)
		return -1;
	r = vault_point_names(f->v, copy_one, &w, e);
	vault_close(w.to);
	return r;
}

/* The copy's points, whichever there are, restore from it alone. */
static unsigned copied_points(struct fixture *f, const char *store)
{
	struct vault *own = TAKE(f->v);
	unsigned there = 0;
	struct err e = { 0 };

	if (kit_open(store, f->key, false, &f->v, &e) == 0)
		OK(check_points(f, 0, 1u << NEW, &there, &e));
	else
		assert_int_equal(e.kind, ERR_NOT_FOUND);
	vault_close(f->v);
	f->v = own;
	return there;
}

static bool attempt_copy(struct fixture *f, enum fault what, unsigned n, bool sticky)
{
	struct err e = { 0 };
	char store[96];
	const char *call;
	unsigned injected;
	int r, fds = open_fds();

	(void)snprintf(store, sizeof(store), "%s/copy", f->dir);
	OK(fs_remove_tree(store, &e));
	fault_arm(what, n, sticky);
	r = copy_all(f, store, &e);
	injected = fault_disarm(&call);
	f->injected += injected > 0;
	if (r != 0 && (injected == 0 || check_error(&e, &e) != 0)) {
		print_error("copying with call %u, %s, failing: %s\n", n, call, e.msg);
		fail();
	}
	assert_true(copied_points(f, store) == 7 || r != 0);
	OK(copy_all(f, store, &e));
	assert_int_equal(copied_points(f, store), 7);
	assert_int_equal(open_fds(), fds);
	return injected > 0;
}

static void a_copy_shows_whole_points_whichever_call_fails(void **state)
{
	static const enum fault kinds[] = { FAULT_ALLOC, FAULT_IO, FAULT_SPACE, FAULT_SHORT,
		FAULT_INTR };
	struct fixture *f = *state;
	unsigned stride = f->stride > 1 ? 4 * f->stride : 1;
	struct err e = { 0 };

	vault_close(TAKE(f->v));
	fresh_copy(f);
	OK(kit_open(f->store, f->key, false, &f->v, &e));
	f->injected = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (unsigned n = 1 + kit_pick(&f->rng, stride); attempt_copy(f, kinds[i], n, false);)
			n += stride;
	for (unsigned n = 1; attempt_copy(f, FAULT_IO, n, true);)
		n += stride;
	print_message("copying: %u failures\n", f->injected);
	assert_true(f->injected > 50 / stride);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backup_survives_any_failing_call),
		cmocka_unit_test(an_incremental_survives_any_failing_call),
		cmocka_unit_test(a_restore_is_right_or_fails_whichever_call_fails),
		cmocka_unit_test(a_restore_in_place_is_right_or_can_be_repeated),
		cmocka_unit_test(a_collection_loses_nothing_whichever_call_fails),
		cmocka_unit_test(a_vault_opens_or_says_why_not),
		cmocka_unit_test(verifying_and_listing_do_no_harm_when_they_fail),
		cmocka_unit_test(a_deletion_takes_its_point_only),
		cmocka_unit_test(two_packs_come_whole_or_not_at_all),
		cmocka_unit_test(a_copy_shows_whole_points_whichever_call_fails),
		cmocka_unit_test(a_vault_that_could_not_be_created_can_be_created_again),
	};
	int r;

	r = cmocka_run_group_tests(tests, setup, teardown);
	printf("failed:");
	fault_report(stdout);
	return r;
}
