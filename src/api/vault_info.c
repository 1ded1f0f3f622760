/* vault_info.c - usages, extended information and names of vaults. */
#include "api/vault.h"

#include "api/place.h"
#include "base/codec.h"
#include "work/replicas.h"
#include "work/replicator.h"

#define EXTENDED_TYPE TYPE_VAULT "/extendedInformation"
#define EXTENDED_NAME "vaultExtendedInfo"

static json_t *usage(const char *unit, const char *name, const char *shown, int64_t value)
{
	return json_pack("{s:s, s:I, s:i, s:{s:s, s:s}}", "unit", unit, "currentValue",
	    (json_int_t)value, "limit", -1, "name", "value", name, "localizedValue", shown);
}

static int count_job(void *arg, struct job_row *j, struct err *e)
{
	(void)j;
	(void)e;
	++*(int64_t *)arg;
	return 0;
}

/* What the copy in the paired region holds; a copy that cannot be read is told of elsewhere. */
static int add_copy_size(struct api_call *c, json_t *rows, struct err *e)
{
	const struct region_settings *to;
	struct vault_stat stat;
	struct vault *copy;
	struct err ignored;

	if (settings_copy_region(c->world->settings, c->vault.location, &to, &ignored) != 0 ||
	    replica_of(c->world, &c->vault, to, &copy, &ignored) <= 0 ||
	    vault_stat(copy, &stat, &ignored) != 0)
		return 0;
	return json_array_append_new(rows, usage("Bytes", "GRSStorageUsage",
	    "Storage of the copy in the paired region", stat.pack_bytes + stat.point_bytes)) != 0 ?
	    err_nomem(e) : 0;
}

static int add_copy(struct api_call *c, json_t *rows, struct err *e)
{
	struct replication_status status;
	int found;

	if (!replica_wanted(&c->vault))
		return 0;
	found = replicator_status(c->world, c->vault.id, &status, e);
	if (found < 0)
		return -1;
	if (found > 0 && json_array_append_new(rows, usage("Seconds", "ReplicationLag",
	    "Age of the oldest recovery point that the copy lacks", status.lag_us / 1000000)) != 0)
		return err_nomem(e);
	return add_copy_size(c, rows, e);
}

int vault_usages(struct api_call *c, struct err *e)
{
	struct resource_query items = { .type = TYPE_ITEM, .parent = c->vault.id };
	struct job_query of_vault = { .vault = c->vault.id };
	auto_conn struct db_conn *conn = NULL;
	int64_t protected = 0, jobs = 0;
	auto_json json_t *rows = NULL;

	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    resource_count(conn, &items, &protected, e) != 0 ||
	    job_list(conn, &of_vault, count_job, &jobs, e) < 0)
		return -1;
	db_rollback(&conn);
	/* Servers with the backup agent cannot register here: there are none. */
	rows = json_pack("[o, o, o]", usage("Count", "ProtectedItemCount",
	    "Backup items/Azure virtual machine backup", protected),
	    usage("Count", "JobsCount", "Jobs", jobs), usage("Count", "MABContainersCount",
	    "Backup management servers", 0));
	if (rows == NULL)
		return err_nomem(e);
	return add_copy(c, rows, e) != 0 ? -1 : api_list(c, TAKE(rows), NULL, e);
}

/* In Azure this is about Site Recovery, whose servers and plans there are none of here; what is
 * replicated here is the vault's points. */
static json_t *replication_json(const struct replication_status *s, int64_t items)
{
	return json_pack("{s:{s:i, s:i, s:i, s:i, s:i, s:i}, s:{s:I, s:i, s:i}, s:I, s:i, s:i, s:i}",
	    "monitoringSummary", "unHealthyVmCount", 0, "unHealthyProviderCount", 0, "eventsCount",
	    s->last_error[0] != '\0' ? 1 : 0, "deprecatedProviderCount", 0,
	    "supportedProviderCount", 0, "unsupportedProviderCount", 0, "jobsSummary", "failedJobs",
	    (json_int_t)s->failures, "suspendedJobs", 0, "inProgressJobs", s->is_active ? 1 : 0,
	    "protectedItemCount", (json_int_t)items, "recoveryPlanCount", 0,
	    "registeredServersCount", 0, "recoveryServicesProviderAuthType", 0);
}

int vault_replication_usages(struct api_call *c, struct err *e)
{
	struct resource_query q = { .type = TYPE_ITEM, .parent = c->vault.id };
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *rows = json_array();
	struct replication_status status;
	int64_t items;
	int found = replicator_status(c->world, c->vault.id, &status, e);

	if (found < 0 || db_read_begin(c->world->db, &conn, e) != 0 ||
	    resource_count(conn, &q, &items, e) != 0)
		return -1;
	if (rows == NULL || (found > 0 &&
	    json_array_append_new(rows, replication_json(&status, items)) != 0))
		return err_nomem(e);
	return api_list(c, TAKE(rows), NULL, e);
}

static int answer_extended(struct api_call *c, const json_t *info, struct err *e)
{
	const char *id = arena_fmt(&c->arena, "%s/extendedInformation/" EXTENDED_NAME, c->vault.id);

	if (id == NULL)
		return err_nomem(e);
	return api_json(c, 200, json_pack("{s:s, s:s, s:O, s:s, s:s}", "name", EXTENDED_NAME,
	    "etag", jstr(info, "etag", ""), "properties", jat(info, "properties"), "id", id, "type",
	    EXTENDED_TYPE), e);
}

int vault_extended_get(struct api_call *c, struct err *e)
{
	const json_t *info = jat(c->vault.body, "internal.extendedInfo");

	if (info != NULL)
		return answer_extended(c, info, e);
	/* The form of error that clients of this call know. */
	http_res_header(c->res, "x-ms-failure-cause", "service");
	return api_json(c, 404, json_pack("{s:s, s:{s:s, s:s}, s:n}", "ErrorCode",
	    "ResourceExtendedInfoNotFound", "Message", "Language", "en-US", "Value", "", "Values"),
	    e);
}

/* PATCH changes what it names, PUT says all. */
int vault_extended_put(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "integrityKey", "encryptionKey",
		"encryptionKeyThumbprint", "algorithm" };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	auto_json json_t *props = NULL, *info = NULL;
	struct place root = { .at = c->body }, p;
	char etag[GUID_SIZE];
	json_t *old;

	if (place_need_enter(&root, "properties", &p, e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, c->vault.id, &vault, e) != 0)
		return -1;
	old = jat(vault.body, "internal.extendedInfo.properties");
	props = old != NULL && strcmp(c->http->method, "PATCH") == 0 ? json_deep_copy(old) :
	    json_object();
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *text = NULL;
		int r = place_text(&p, keys[i], 4096, &text, e);

		if (r < 0 || (r > 0 && jset(props, keys[i], json_string(text), e) != 0))
			return -1;
	}
	info = json_pack("{s:s, s:O}", "etag", guid_new(etag), "properties", props);
	if (info == NULL)
		return err_nomem(e);
	if (jset(jat(vault.body, "internal"), "extendedInfo", json_incref(info), e) != 0 ||
	    resource_put(conn, &vault, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	replicator_wake(c->world, c->vault.id);
	return answer_extended(c, info, e);
}

int vault_name_available(struct api_call *c, struct err *e)
{
	static const char *const types[] = { TYPE_VAULT, NULL };
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 };
	struct place root = { .at = c->body };
	const char *name, *type = NULL, *location, *id;
	int found;

	if (api_location(c, c->param[2], &location, e) != 0 ||
	    jneed_str(c->body, "name", &name, e) != 0 ||
	    place_need_word(&root, "type", types, &type, e) != 0)
		return -1;
	id = arena_fmt(&c->arena, "%s/providers/" TYPE_VAULT "/%s", api_group_id(c), name);
	if (id == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &vault, e);
	if (found < 0)
		return -1;
	if (found == 0)
		return api_json(c, 200, json_pack("{s:b}", "nameAvailable", 1), e);
	return api_json(c, 200, json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason",
	    "AlreadyExists", "message", "Resource already exists with the same name."), e);
}
