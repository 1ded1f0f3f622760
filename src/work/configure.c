/* configure.c - the configure job: the item's row is as the request wanted it.
 *
 * The API wrote the row together with the job's, so there is nothing to find out here, not even
 * whether the VM exists: stopping, deleting and undeleting are for items whose VM is gone too. */
#include "base/clock.h"
#include "work/replicator.h"
#include "work/work.h"
#include "work/world.h"

static const char *last_segment(const char *id)
{
	const char *slash = strrchr(id, '/');

	return slash != NULL ? slash + 1 : id;
}

static int settle(const json_t *args, json_t *props, struct err *e)
{
	const char *policy = jstr(args, "policyId", "");
	json_t *extended = jat(args, "extendedProperties");

	if (jset(props, "protectionState", json_string(jstr(args, "protectionState", "IRPending")),
	    e) != 0 || jset(props, "policyId", json_string(policy), e) != 0 ||
	    jset(props, "policyName", json_string(last_segment(policy)), e) != 0)
		return -1;
	return extended == NULL ? 0 : jset(props, "extendedProperties", json_incref(extended), e);
}

static int settle_row(struct job *j, struct world *w, struct err *e)
{
	auto_resource struct resource item = { 0 };
	auto_json json_t *before = NULL;
	auto_conn struct db_conn *c = NULL;
	int found;

	if (db_write_begin(w->db, &c, e) != 0)
		return -1;
	found = resource_get(c, job_item(j), &item, e);
	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "BMSUserErrorDataSourceObjectNotFound",
		    "Item not found: '%s'", job_item(j));
	if (found < 0)
		return -1;
	before = json_deep_copy(item.body);
	if (settle(job_args(j), jat(item.body, "properties"), e) != 0)
		return -1;
	if (json_equal(before, item.body))
		return 0;
	return resource_put(c, &item, clock_now_us(w->clock), e) != 0 ? -1 : db_commit(&c, e);
}

/* The API may have changed the row already. */
static int apply(struct job *j, void *world, struct err *e)
{
	if (settle_row(j, world, e) != 0)
		return -1;
	replicator_wake(world, job_vault(j));
	return 0;
}

static const struct job_step steps[] = { { "apply", apply, NULL } };

const struct job_kind configure_kind = { "configure", steps, ARRAY_LEN(steps), NULL };
