/* take_publish.c - the point becomes visible: its row, and the item's, in one transaction. */
#include "work/replicator.h"
#include "work/take_point.h"

const char *const take_item_keys[] = { "lastBackupStatus", "lastBackupTime",
	"lastRecoveryPoint", "protectionState", "healthStatus", "healthDetails", NULL };

int take_health(json_t *props, bool is_vm_gone, struct err *e)
{
	json_t *details = is_vm_gone
	    ? json_pack("[{s:i,s:s,s:s,s:[s]}]", "code", 400136, "title", "UserErrorVmNotFoundV2",
		"message", "Virtual machine doesn't exist.", "recommendations",
		"Please make sure that virtual machine exists or select a different virtual "
		"machine to perform the operation.")
	    : json_pack("[{s:i,s:s,s:s,s:[]}]", "code", 400239, "title", "IaasVmHealthGreenDefault",
		"message", "Backup pre-check status of this virtual machine is OK.",
		"recommendations");

	if (jset(props, "healthDetails", details, e) != 0)
		return -1;
	return jset(props, "healthStatus",
	    json_string(is_vm_gone ? "ActionRequired" : "Passed"), e);
}

static bool is_stopped(const json_t *props)
{
	const char *state = jstr(props, "protectionState", "");

	return strcmp(state, "ProtectionStopped") == 0 || strcmp(state, "BackupsSuspended") == 0;
}

static int tell_item(struct take *t, json_t *props, struct err *e)
{
	char start[TIME_TEXT_MAX], when[TIME_TEXT_MAX];

	(void)time_iso(job_start_us(t->job), start);
	(void)time_iso(jint(t->plan, "timeUs", 0), when);
	if (jset(props, "lastRecoveryPoint", json_string(when), e) != 0)
		return -1;
	if (t->is_pre_restore)
		return 0;
	if (jset(props, "lastBackupStatus", json_string("Completed"), e) != 0 ||
	    jset(props, "lastBackupTime", json_string(start), e) != 0 ||
	    take_health(props, false, e) != 0)
		return -1;
	return is_stopped(props) ? 0 : jset(props, "protectionState", json_string("Protected"), e);
}

static int put_item(struct take *t, struct db_conn *c, struct err *e)
{
	auto_resource struct resource item = { 0 };
	int found = resource_get(c, job_item(t->job), &item, e);

	if (found == 0)
		return err_code(e, ERR_NOT_FOUND, "BMSUserErrorDataSourceObjectNotFound",
		    "Item not found: '%s'", job_item(t->job));
	if (found < 0 || tell_item(t, jat(item.body, "properties"), e) != 0)
		return -1;
	return resource_put(c, &item, clock_now_us(t->world->clock), e);
}

static int put_point(struct take *t, struct db_conn *c, const char *id, struct err *e)
{
	auto_resource struct resource row = { 0 };

	if (resource_init(&row, TYPE_POINT, id, jstr(t->plan, "location", ""), job_item(t->job),
	    take_document(t), e) != 0)
		return -1;
	row.sort = jint(t->plan, "timeUs", 0);
	return resource_put(c, &row, clock_now_us(t->world->clock), e);
}

int take_publish(struct job *j, struct world *w, struct err *e)
{
	auto_resource struct resource old = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_take struct take t;
	const char *id;
	int found;

	take_init(&t, j, w);
	id = take_point_id(&t);
	if (id == NULL)
		return err_nomem(e);
	if (db_write_begin(w->db, &c, e) != 0)
		return -1;
	found = resource_get(c, id, &old, e);
	if (found != 0)
		return found < 0 ? -1 : 0;	/* published before a crash */
	if (put_point(&t, c, id, e) != 0 || put_item(&t, c, e) != 0)
		return err_in(e, "publishing the recovery point");
	if (db_commit(&c, e) != 0)
		return -1;
	replicator_wake(w, job_vault(j));
	return 0;
}

/* ---- undo ---- */

static int put_item_back(struct take *t, struct db_conn *c, struct err *e)
{
	auto_resource struct resource item = { 0 };
	int found = resource_get(c, job_item(t->job), &item, e);
	json_t *props;

	if (found <= 0)
		return found;
	props = jat(item.body, "properties");
	for (size_t i = 0; take_item_keys[i] != NULL; i++)
		(void)json_object_del(props, take_item_keys[i]);
	if (json_object_update(props, jat(t->plan, "before")) != 0)
		return err_nomem(e);
	return resource_put(c, &item, clock_now_us(t->world->clock), e);
}

int take_publish_undo(struct job *j, struct world *w, struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	auto_take struct take t;
	const char *id;
	int removed;

	take_init(&t, j, w);
	if (t.plan == NULL)
		return 0;
	id = take_point_id(&t);
	if (id == NULL)
		return err_nomem(e);
	if (db_write_begin(w->db, &c, e) != 0)
		return -1;
	removed = resource_delete(c, id, e);
	if (removed <= 0)
		return removed;	/* never published, and so the item says nothing of it */
	if (put_item_back(&t, c, e) != 0 || db_commit(&c, e) != 0)
		return -1;
	replicator_wake(w, job_vault(j));
	return 0;
}
