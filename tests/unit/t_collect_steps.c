/* t_collect_steps.c - backups, restores and deletes put between any two calls of the store that a
 * collection makes, and collections between any two of theirs.  HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include "vault_rig.h"

/* ---- a backup inside a collection ---- */
#define STEPS 5u

struct script {			/* step i comes before call number at[i] of the store */
	struct rig *r;
	unsigned at[STEPS];
	unsigned calls, done;
	bool is_inside;
	const struct image *is;
	struct vault_base base;	/* point NULL: a full backup */
	struct vault_session *s, *other;
	const struct image *others;
};

static void add_disk(struct rig *r, struct vault_session *s, const struct image *is,
    const struct vault_base *base)
{
	struct vault_disk_stats st;
	struct err e;

	OK(rig_add_disk(r, s, is, base, &st, &e));
}

static void commit(struct rig *r, struct vault_session **s, const char *item, const char *point,
    const struct image *is)
{
	struct err e;

	OK(rig_commit(*s, point, &e));
	vault_session_end(TAKE(*s));
	(void)rig_keep(r, item, point, is);
}

static void play(struct script *c)
{
	struct rig *r = c->r;
	struct err e;

	switch (c->done++) {
	case 0:
		OK(vault_session_begin(r->v, "a", &c->s, &e));
		break;
	case 1:
		add_disk(r, c->s, c->is, c->base.point != NULL ? &c->base : NULL);
		break;
	case 2:
		rig_delete(r, "a", "1");
		break;
	case 3:
		commit(r, &c->other, "b", "1", c->others);
		break;
	default:
		commit(r, &c->s, "a", "2", c->is);
	}
}

static enum verdict on_call(void *arg, const char *op, const char *name)
{
	struct script *c = arg;

	if (c->is_inside)
		return GO_ON;
	c->is_inside = true;
	while (c->done < STEPS && c->calls >= c->at[c->done])
		play(c);
	if (strcmp(op, "del") == 0 && strncmp(name, "packs/", 6) == 0)
		rig_check(c->r, c->r->v);
	c->calls++;
	c->is_inside = false;
	return GO_ON;
}

/* A collection during which a backup begins, reads, loses its base, and commits, and another one
 * that began before commits.  How many calls the collection made. */
static unsigned scripted_collection(struct rig *r, const unsigned at[STEPS], bool incremental)
{
	auto_image struct image a = image_random(r, 4 * CHUNK), b, others = image_random(r, CHUNK);
	struct extent dirty = { 0, (int64_t)CHUNK };
	struct script c = { .r = r, .is = &b, .others = &others };
	struct err e;

	rig_backup(r, "a", "0", &a, NULL);
	image_noise(&a, 0, 2 * CHUNK, &r->rng);
	rig_backup(r, "a", "1", &a, NULL);
	rig_backup(r, "z", "1", &others, NULL);
	rig_delete(r, "a", "0");
	image_noise(&others, 0, CHUNK, &r->rng);
	b = image_copy(&a);
	image_noise(&b, 0, CHUNK, &r->rng);
	if (incremental)
		c.base = (struct vault_base){ "1", "d", &dirty, 1 };
	memcpy(c.at, at, sizeof(c.at));
	(void)rig_collect(r, 70);	/* so that those backups have pinned nothing */
	OK(vault_session_begin(r->v, "b", &c.other, &e));
	add_disk(r, c.other, &others, NULL);
	r->hook_arg = &c;
	r->hook = on_call;
	(void)rig_collect(r, 100);
	r->hook = NULL;
	while (c.done < STEPS)
		play(&c);
	rig_check(r, r->v);
	(void)rig_collect(r, 100);
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
	rig_delete(r, "a", "2");
	rig_delete(r, "b", "1");
	rig_delete(r, "z", "1");
	(void)rig_collect(r, 100);
	assert_int_equal(rig_count(r, "packs/"), 0);
	return c.calls;
}

static void a_backup_may_fall_anywhere_into_a_collection(void **state)
{
	struct rig *r = *state;
	unsigned calls = 20;

	for (unsigned i = 0; i < 60; i++) {
		unsigned at[STEPS];

		for (unsigned k = 0; k < STEPS; k++)
			at[k] = (unsigned)rnd(r, calls + 2);
		for (unsigned k = 1; k < STEPS; k++)	/* steps keep their order */
			for (unsigned j = k; j > 0 && at[j] < at[j - 1]; j--) {
				unsigned x = at[j];

				at[j] = at[j - 1];
				at[j - 1] = x;
			}
		calls = scripted_collection(r, at, i % 2 == 0);
	}
}

/* The base is gone before the points are listed; the new point comes after, at every call. */
static void a_point_may_be_committed_at_any_call_of_a_collection(void **state)
{
	struct rig *r = *state;
	unsigned calls = 1;

	for (unsigned k = 0; k <= calls; k++)
		calls = scripted_collection(r, (const unsigned[STEPS]){ 0, 0, 0, 1, k }, true);
	assert_true(calls > 10);
	for (unsigned k = 0; k <= calls; k++)
		calls = scripted_collection(r, (const unsigned[STEPS]){ 0, 0, 0, k, k }, true);
}

/* ---- a collection inside a restore ---- */
struct intruder {
	struct rig *r;
	const char *op, *prefix;	/* before such a call */
	const char *deletes;		/* point of item "a", or NULL */
	_Atomic unsigned skips;		/* so many of them pass first */
	atomic_flag is_done;
};

static enum verdict intrude(void *arg, const char *op, const char *name)
{
	struct intruder *i = arg;

	if (strcmp(op, i->op) != 0 || strncmp(name, i->prefix, strlen(i->prefix)) != 0)
		return GO_ON;
	if (i->skips > 0) {
		i->skips--;
		return GO_ON;
	}
	if (atomic_flag_test_and_set(&i->is_done))
		return GO_ON;
	if (i->deletes != NULL)
		rig_delete(i->r, "a", i->deletes);
	(void)rig_collect(i->r, 100);
	return GO_ON;
}

static void a_chunk_that_moves_between_look_up_and_reading_is_found(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * CHUNK);
	struct intruder i = { r, "get", "packs/", NULL, 0, ATOMIC_FLAG_INIT };

	rig_backup(r, "a", "1", &a, NULL);
	r->hook_arg = &i;
	r->hook = intrude;
	rig_check(r, r->v);
	r->hook = NULL;
	assert_true(atomic_flag_test_and_set(&i.is_done));
}

static void a_point_that_goes_while_it_is_opened_is_not_found(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * CHUNK);

	/* before it is read, and before it is looked for once more */
	for (unsigned k = 0; k < 2; k++) {
		struct intruder i = { r, k == 0 ? "get" : "head", "points/", "1", k, ATOMIC_FLAG_INIT };
		struct vault_point *p = NULL;
		struct err e;

		rig_backup(r, "a", "1", &a, NULL);
		r->hook_arg = &i;
		r->hook = intrude;
		FAILS(vault_point_open(r->v, "a", "1", &p, &e), ERR_NOT_FOUND);
		r->hook = NULL;
		(void)rig_collect(r, 70);
		assert_int_equal(rig_count(r, "packs/"), 0);
	}
}

/* ---- the same, but at the last moment ---- */
struct late {
	struct intruder i;
	_Atomic unsigned calls;
	unsigned at;
};

static enum verdict intrude_late(void *arg, const char *op, const char *name)
{
	struct late *l = arg;

	(void)op;
	(void)name;
	if (atomic_fetch_add(&l->calls, 1) == l->at)
		return intrude(&l->i, l->i.op, l->i.prefix);
	return GO_ON;
}

/* Whenever it is deleted and collected: it opens and then restores, or is not there. */
static void an_opened_point_restores_whenever_it_is_deleted(void **state)
{
	struct rig *r = *state;
	auto_image struct image a = image_random(r, 4 * CHUNK);
	struct late l = { .calls = 1, .at = 0 };

	for (; l.at < l.calls; l.at++) {
		auto_image struct image got = { 0 };
		struct vault_point *p = NULL;
		struct err e = { 0 };

		l.i = (struct intruder){ r, "", "", "1", 0, ATOMIC_FLAG_INIT };
		l.calls = 0;
		rig_backup(r, "a", "1", &a, NULL);
		r->hook_arg = &l;
		r->hook = intrude_late;
		if (vault_point_open(r->v, "a", "1", &p, &e) == 0) {
			OK(rig_restore_open(r, p, &got, &e));
			assert_true(image_same(&got, &a));
			vault_point_close(p);
		} else {
			assert_int_equal(e.kind, ERR_NOT_FOUND);
		}
		r->hook = NULL;
		if (r->kept_count > 0)
			rig_delete(r, "a", "1");
		(void)rig_collect(r, 70);
	}
	assert_true(l.at > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(a_backup_may_fall_anywhere_into_a_collection),
		T(a_point_may_be_committed_at_any_call_of_a_collection),
		T(a_chunk_that_moves_between_look_up_and_reading_is_found),
		T(a_point_that_goes_while_it_is_opened_is_not_found),
		T(an_opened_point_restores_whenever_it_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
