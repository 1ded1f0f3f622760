/* parent.h - rows that a test's own rows are to live in. */
#ifndef TESTS_PARENT_H
#define TESTS_PARENT_H

#include "model/resource.h"

/* Make sure that `id` and what it lives in have rows: a resource is refused without its parent. */
static inline void put_parents(struct db_conn *c, const char *id)
{
	auto_resource struct resource there = { 0 }, r = { 0 };
	struct err e;
	int found;

	if (id == NULL || id[0] == '\0')
		return;
	found = resource_get(c, id, &there, &e);
	assert_true(found >= 0);
	if (found > 0)
		return;
	OK(resource_init(&r, TYPE_GROUP, id, "eastus", "", json_object(), &e));
	OK(resource_put(c, &r, 1, &e));
}

#endif
