/* t_collect_faults.c - collections whose store fails at every call, and collections in a crowd.
 * HOLDFAST_SEED=N repeats a run. */
#include "t.h"

#include <pthread.h>

#include "base/clock.h"
#include "vault_rig.h"

/* ---- every call fails once ---- */
/* Something of everything: dead packs, packs to rewrite, small packs, a stray, notes. */
static void prepare(struct rig *r, unsigned round)
{
	auto_image struct image a = image_random(r, (size_t)MIB), b = image_random(r, 4096);
	char name[16];
	struct object_store *s = rig_store(r);
	struct err e;

	rig_backup(r, "a", "gone", &a, NULL);
	image_noise(&a, 0, 3 * CHUNK, &r->rng);
	rig_backup(r, "a", "kept", &a, NULL);
	rig_delete(r, "a", "gone");
	image_noise(&a, 0, a.n, &r->rng);
	rig_backup(r, "b", "gone", &a, NULL);
	rig_delete(r, "b", "gone");
	if (round == 0)
		for (unsigned i = 0; i < 16; i++) {
			image_noise(&b, 0, b.n, &r->rng);
			(void)snprintf(name, sizeof(name), "small%u", i);
			rig_backup(r, "s", name, &b, NULL);
		}
	OK(object_put(s, "packs/00112233445566778899aabbccddeeff", "x", 1, &e));
	OK(object_put(s, "damaged/00", "", 0, &e));
	object_close(s);
}

static int64_t live_bytes(struct rig *r)
{
	struct vault_collect_stats st = rig_collect(r, 70);

	assert_int_equal(st.missing, 0);
	return st.live_bytes;
}

/* With the vault as the failure left it, or opened anew: everything is there, and new backups work. */
static void assert_usable(struct rig *r, const char *point)
{
	auto_image struct image n = image_random(r, CHUNK * 2);

	rig_check(r, r->v);
	rig_backup(r, "new", point, &n, NULL);
	rig_check_one(r, r->v, &r->kept[r->kept_count - 1]);
}

/* False once no call is left to fail. */
static bool fail_at(struct rig *r, unsigned nth, bool sticky)
{
	struct vault_collect_opts opts = { .compact_percent = 70 };
	struct vault_collect_stats st;
	int64_t live, again;
	struct err e = { 0 };
	bool is_failed;
	int result;

	prepare(r, nth - 1);
	object_fault_arm(r->fault, nth, nth % 2 == 0 ? ERR_IO : ERR_NO_SPACE, sticky);
	result = vault_collect(r->v, &opts, &st, &e);
	is_failed = object_fault_calls(r->fault) >= nth;
	object_fault_arm(r->fault, 0, ERR_IO, false);
	if (result != 0)
		assert_true(is_failed && e.kind == (nth % 2 == 0 ? ERR_IO : ERR_NO_SPACE));
	assert_usable(r, "1");
	if (nth % 3 != 0) {
		rig_reopen(r);
		assert_usable(r, "2");
	}
	live = live_bytes(r);
	rig_check(r, r->v);
	again = live_bytes(r);
	assert_int_equal(live, again);
	/* no garbage is left but what does not pay */
	assert_true(rig_bytes(r, "packs/") * 70 <= again * 100 + 70 * 65536);
	assert_int_equal(rig_count(r, "packs/00112233445566778899aabbccddeeff"), 0);
	rig_delete(r, "a", "kept");
	rig_delete(r, "new", "1");
	if (nth % 3 != 0)
		rig_delete(r, "new", "2");
	return is_failed;
}

/* Every so many-th call, from a random one on; make check-crash takes all of them. */
static unsigned stride(void)
{
	const char *text = getenv("HOLDFAST_FAULT_STRIDE");
	unsigned n = text != NULL ? (unsigned)atoi(text) : 5;

	return n > 0 ? n : 1;
}

static void sweep(struct rig *r, bool sticky)
{
	unsigned step = stride(), nth = 1 + (unsigned)(random_u64() % step);

	print_message("every %u. call from %u on\n", step, nth);
	while (fail_at(r, nth, sticky))
		nth += step;
	assert_true(nth > 20);
}

static void a_collection_may_fail_at_any_call(void **state)
{
	sweep(*state, false);
}

static void a_collection_may_die_at_any_call(void **state)
{
	sweep(*state, true);
}

/* The call is done, but its answer is lost; after it comes nothing more. */
struct lost_answer {
	unsigned calls, nth;
};

static enum verdict lose_answer(void *arg, const char *op, const char *name)
{
	struct lost_answer *l = arg;

	(void)op;
	(void)name;
	l->calls++;
	return l->calls < l->nth ? GO_ON : l->calls == l->nth ? DO_AND_FAIL : FAIL;
}

static void answers_of_the_store_may_be_lost(void **state)
{
	struct rig *r = *state;
	struct lost_answer l = { 0 };
	unsigned step = stride();

	for (l.nth = 1 + (unsigned)(random_u64() % step); l.calls + 5 >= l.nth; l.nth += step) {
		struct vault_collect_opts opts = { .compact_percent = 70 };
		struct vault_collect_stats st;
		struct err e;

		prepare(r, 1);
		l.calls = 0;
		r->hook_arg = &l;
		r->hook = lose_answer;
		(void)!vault_collect(r->v, &opts, &st, &e);
		r->hook = NULL;
		if (l.nth % 2 == 0)
			rig_reopen(r);
		rig_check(r, r->v);
		(void)live_bytes(r);
		rig_check(r, r->v);
		rig_reopen(r);
		rig_check(r, r->v);
		rig_delete(r, "a", "kept");
	}
	assert_true(l.nth > 20);
}

/* ---- all at once ---- */
#define CROWD_POINTS 6		/* of an item, the oldest of which are deleted */
#define SECONDS 3

struct crowd {
	struct rig *r;
	int64_t until_us;
	pthread_mutex_t mu;	/* guards points and failures */
	struct kept points[64];
	size_t count;
	unsigned failures, backups, restores, deletes, collections;
};

struct member {
	struct crowd *c;
	const char *item;
	uint64_t rng;
};

static bool goes_on(const struct crowd *c)
{
	return clock_monotonic_us() < c->until_us;
}

static void complain(struct crowd *c, const char *what, const struct err *e)
{
	pthread_mutex_lock(&c->mu);
	if (c->failures++ < 5)
		print_error("%s: %s\n", what, e->msg);
	pthread_mutex_unlock(&c->mu);
}

static void add_point(struct crowd *c, const char *item, const char *point, const struct image *is)
{
	struct kept k = { .is = image_copy(is) };

	(void)snprintf(k.item, sizeof(k.item), "%s", item);
	(void)snprintf(k.point, sizeof(k.point), "%s", point);
	pthread_mutex_lock(&c->mu);
	c->points[c->count++] = k;
	c->backups++;
	pthread_mutex_unlock(&c->mu);
}

static bool is_crowded(struct crowd *c)
{
	bool r;

	pthread_mutex_lock(&c->mu);
	r = c->count >= 40;
	pthread_mutex_unlock(&c->mu);
	return r;
}

/* Full ones, and incrementals whose base may be deleted at any moment. */
static void *back_up(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->c;
	auto_image struct image is = image_new(3 * (size_t)MIB);
	char from[16] = "", to[16];
	unsigned n = 0;

	while (goes_on(c)) {
		struct extent dirty = { (int64_t)(next_random(&m->rng) % 12 * CHUNK), (int64_t)CHUNK };
		struct vault_base base = { from, "d", &dirty, 1 };
		struct vault_disk_stats st;
		struct err e = { 0 };

		if (is_crowded(c)) {
			(void)usleep(1000);
			continue;
		}
		image_noise(&is, (size_t)dirty.offset, CHUNK, &m->rng);
		(void)snprintf(to, sizeof(to), "%u", n++);
		if (rig_try_backup(c->r, m->item, to, &is, from[0] != '\0' ? &base : NULL, &st,
			&e) != 0) {
			if (e.kind != ERR_NOT_FOUND || from[0] == '\0')
				complain(c, "backup", &e);
			from[0] = '\0';
			continue;
		}
		add_point(c, m->item, to, &is);
		memcpy(from, to, sizeof(from));
		if (n % 5 == 0)
			from[0] = '\0';
	}
	return NULL;
}

/* A copy of any point; false if there is none. */
static bool pick_point(struct crowd *c, uint64_t *rng, struct kept *ret)
{
	bool found;

	pthread_mutex_lock(&c->mu);
	found = c->count > 0;
	if (found) {
		*ret = c->points[next_random(rng) % c->count];
		ret->is = image_copy(&ret->is);
	}
	pthread_mutex_unlock(&c->mu);
	return found;
}

static void *restore(void *arg)
{
	struct member *m = arg;
	struct kept k;

	while (goes_on(m->c)) {
		auto_image struct image got = { 0 };
		struct err e = { 0 };

		if (!pick_point(m->c, &m->rng, &k))
			continue;
		if (rig_restore(m->c->r, m->c->r->v, k.item, k.point, &got, &e) != 0) {
			/* deleted meanwhile, if it was not open yet */
			if (e.kind != ERR_NOT_FOUND)
				complain(m->c, "restore", &e);
		} else if (!image_same(&got, &k.is)) {
			complain(m->c, "restore: other bytes", &e);
		}
		image_done(&k.is);
		m->c->restores++;
	}
	return NULL;
}

/* Takes any point but leaves a few. */
static bool take_point(struct crowd *c, uint64_t *rng, struct kept *ret)
{
	bool found;

	pthread_mutex_lock(&c->mu);
	found = c->count > CROWD_POINTS;
	if (found) {
		size_t i = next_random(rng) % c->count;

		*ret = c->points[i];
		c->points[i] = c->points[--c->count];
	}
	pthread_mutex_unlock(&c->mu);
	return found;
}

static void *delete(void *arg)
{
	struct member *m = arg;
	struct kept k;

	while (goes_on(m->c)) {
		struct err e = { 0 };

		if (!take_point(m->c, &m->rng, &k)) {
			(void)usleep(1000);
			continue;
		}
		if (vault_point_delete(m->c->r->v, k.item, k.point, &e) != 1)
			complain(m->c, "delete", &e);
		image_done(&k.is);
		m->c->deletes++;
	}
	return NULL;
}

static void *collect(void *arg)
{
	struct member *m = arg;

	while (goes_on(m->c)) {
		struct vault_collect_opts opts = { .compact_percent =
		    next_random(&m->rng) % 2 == 0 ? 70 : 100 };
		struct vault_collect_stats st;
		struct err e = { 0 };

		if (vault_collect(m->c->r->v, &opts, &st, &e) != 0 || st.missing > 0)
			complain(m->c, "collection", &e);
		m->c->collections++;
	}
	return NULL;
}

static void backups_restores_deletes_and_collections_go_on_at_once(void **state)
{
	struct rig *r = *state;
	struct crowd c = { .r = r, .until_us = clock_monotonic_us() + SECONDS * 1000000 };
	void *(*const work[])(void *) = { back_up, back_up, restore, delete, collect };
	struct member members[ARRAY_LEN(work)];
	pthread_t t[ARRAY_LEN(work)];

	pthread_mutex_init(&c.mu, NULL);
	for (size_t i = 0; i < ARRAY_LEN(work); i++) {
		members[i] = (struct member){ &c, i == 0 ? "one" : "two", rnd(r, 1u << 30) * 2 + 1 };
		assert_int_equal(pthread_create(&t[i], NULL, work[i], &members[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(work); i++)
		(void)pthread_join(t[i], NULL);
	pthread_mutex_destroy(&c.mu);
	print_message("%u backups, %u restores, %u deletes, %u collections\n", c.backups, c.restores,
	    c.deletes, c.collections);
	assert_int_equal(c.failures, 0);
	assert_true(c.backups > 2 && c.restores > 0 && c.collections > 0);
	for (size_t i = 0; i < c.count; i++)
		r->kept[r->kept_count++] = c.points[i];
	rig_check(r, r->v);
	rig_reopen(r);
	rig_check(r, r->v);
	assert_int_equal(rig_collect(r, 70).missing, 0);
	rig_check(r, r->v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		T(a_collection_may_fail_at_any_call),
		T(a_collection_may_die_at_any_call),
		T(answers_of_the_store_may_be_lost),
		T(backups_restores_deletes_and_collections_go_on_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
