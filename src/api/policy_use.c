/* policy_use.c - see policy_use.h. */
#include "api/policy_use.h"

#include "base/buf.h"

#define NAMES_MAX 200

void policy_use_done(struct policy_use *u)
{
	json_decref(u->counts);
	u->counts = NULL;
}

static int count_item(void *arg, struct resource *item, struct err *e)
{
	json_t *counts = arg;
	const char *id = jstr(item->body, "properties.policyId", "");
	struct arena a = { 0 };
	char *key = arena_lower(&a, str_c(id));
	int r = 0;

	if (id[0] != '\0')
		r = key == NULL ? err_nomem(e) :
		    jset(counts, key, json_integer(json_integer_value(json_object_get(counts,
		    key)) + 1), e);
	arena_done(&a);
	return r;
}

int policy_use_read(struct db_conn *conn, const char *vault, struct policy_use *ret, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .parent = vault };
	json_t *counts = json_object();

	if (counts == NULL)
		return err_nomem(e);
	if (resource_list(conn, &q, count_item, counts, e) < 0) {
		json_decref(counts);
		return -1;
	}
	ret->counts = counts;
	return 0;
}

int64_t policy_use_count(struct api_call *c, const struct policy_use *u, const char *policy)
{
	const char *key = arena_lower(&c->arena, str_c(policy));

	return key != NULL ? json_integer_value(json_object_get(u->counts, key)) : 0;
}

struct users {
	const char *policy;
	struct buf names;
	unsigned count;
};

static int add_user(void *arg, struct resource *item, struct err *e)
{
	struct users *u = arg;

	(void)e;
	if (!arm_id_same(str_c(jstr(item->body, "properties.policyId", "")), str_c(u->policy)))
		return 0;
	if (u->names.n < NAMES_MAX)
		buf_addf(&u->names, "%s%.60s", u->count > 0 ? ", " : "",
		    jstr(item->body, "properties.friendlyName", item->name));
	u->count++;
	return 0;
}

static int in_use(const struct resource *policy, const char *by, const char *names, struct err *e)
{
	return err_http(e, ERR_CONFLICT, 400, "BMSUserErrorPolicyInUse",
	    "Backup policy '%.150s' cannot be deleted as it is in use.\r\nIt is used by %s: %.250s",
	    policy->name, by, names);
}

/* Protection that is just being configured has no item row yet. */
static int job_uses(void *arg, struct job_row *j, struct err *e)
{
	const struct resource *policy = arg;

	if (!arm_id_same(str_c(jstr(j->args, "policyId", "")), str_c(policy->id)))
		return 0;
	return in_use(policy, "job", j->id, e);
}

int policy_check_unused(struct api_call *c, struct db_conn *conn, const struct resource *policy,
    struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .parent = c->vault.id };
	struct job_query jobs = { .vault = c->vault.id, .status = JOB_IN_PROGRESS };
	struct users u = { .policy = policy->id };
	struct resource borrowed = *policy;
	int r = resource_list(conn, &q, add_user, &u, e);

	if (r == 0 && u.names.failed)
		r = err_nomem(e);
	if (r == 0 && u.count > 0)
		r = in_use(policy, "backup items", u.names.p, e);
	buf_done(&u.names);
	if (r != 0)
		return -1;
	return job_list(conn, &jobs, job_uses, &borrowed, e) != 0 ? -1 : 0;
}
