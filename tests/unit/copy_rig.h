/* copy_rig.h - a vault of vault_rig.h and its copy in another directory. */
#ifndef TESTS_COPY_RIG_H
#define TESTS_COPY_RIG_H

#include "vault/copy.h"
#include "base/clock.h"
#include "vault_rig.h"

struct pair {
	struct rig *r;			/* the first side */
	struct rig side;		/* the copy, as a rig: other directory, same key */
	struct vault_copy_stats sent;	/* by the last pair_copy() */
};

/* The copy's vault, through filters of its own. */
static inline void pair_open(struct pair *p)
{
	p->side.v = rig_other(&p->side);
}

static inline void pair_reopen(struct pair *p)
{
	vault_close(TAKE(p->side.v));
	pair_open(p);
}

static inline struct pair *pair_new(uint64_t seed)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct object_store *s;
	struct err e;

	assert_non_null(p);
	p->r = rig_new(seed);
	strcpy(p->side.dir, "/tmp/holdfast-copy-XXXXXX");
	assert_non_null(mkdtemp(p->side.dir));
	memcpy(p->side.key, p->r->key, sizeof(p->side.key));
	p->side.rng = seed;
	s = rig_store(&p->side);
	OK(vault_copy_begin(p->r->v, s, &e));
	object_close(s);
	pair_open(p);
	return p;
}

static inline int pair_setup(void **state)
{
	*state = pair_new(seed_from("HOLDFAST_SEED"));
	return 0;
}

static inline int pair_teardown(void **state)
{
	struct pair *p = *state;
	void *first = p->r;
	struct err e;

	vault_close(p->side.v);
	(void)!fs_remove_tree(p->side.dir, &e);
	(void)rig_teardown(&first);
	free(p);
	return 0;
}

struct pair_names {
	char (*p)[VAULT_NAME_SIZE];
	size_t n;
};

static inline int pair_note_name(void *arg, const char *object, struct err *e)
{
	struct pair_names *l = arg;

	(void)e;
	assert_true(l->n < RIG_POINTS);
	strcpy(l->p[l->n++], object);
	return 0;
}

/* Every point that the copy lacks, in order.  0, or the first failure. */
static inline int pair_try_copy(struct pair *p, const struct vault_copy_opts *opts, struct err *e)
{
	char names[RIG_POINTS][VAULT_NAME_SIZE];
	struct pair_names l = { names, 0 };

	p->sent = (struct vault_copy_stats){ 0 };
	if (vault_point_names(p->r->v, pair_note_name, &l, e) != 0)
		return -1;
	for (size_t i = 0; i < l.n; i++)
		if (vault_copy_point(p->r->v, p->side.v, names[i], opts, &p->sent, e) < 0)
			return -1;
	return 0;
}

static inline void pair_copy(struct pair *p)
{
	struct err e;

	OK(pair_try_copy(p, NULL, &e));
}

static inline bool pair_has(struct vault *v, const struct kept *k)
{
	struct vault_point *point = NULL;
	struct err e = { 0 };

	if (vault_point_open(v, k->item, k->point, &point, &e) != 0) {
		assert_int_equal(e.kind, ERR_NOT_FOUND);
		return false;
	}
	vault_point_close(point);
	return true;
}

/* What the copy shows restores, as another process sees it.  How many it shows. */
static inline size_t pair_check(struct pair *p)
{
	struct vault *v = rig_reader(&p->side);
	size_t shown = 0;

	for (size_t i = 0; i < p->r->kept_count; i++)
		if (pair_has(v, &p->r->kept[i])) {
			rig_check_one(p->r, v, &p->r->kept[i]);
			shown++;
		}
	vault_close(v);
	return shown;
}

#endif
