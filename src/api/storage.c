/* storage.c - Microsoft.Storage/storageAccounts.  An account is a directory of
 * its region; blob_api.c serves what is in it. */
#include "api/storage.h"

#include <errno.h>
#include <stdio.h>

#include "api/compute.h"
#include "api/fields.h"
#include "api/group.h"
#include "base/codec.h"
#include "base/failpoint.h"
#include "base/fs.h"
#include "base/log.h"
#include "blob/blob.h"

/* The first segments of other routes: an account of that name could not be reached. */
bool storage_name_reserved(const char *name)
{
	static const char *const words[] = { "subscriptions", "providers", "tenants", "metadata",
		"adfs", "health", "common", "organizations", "consumers", NULL };

	for (const char *const *w = words; *w != NULL; w++)
		if (str_ieq(str_c(*w), str_c(name)))
			return true;
	return false;
}

struct by_name {
	const char *name;
	struct resource *ret;
};

static int take_named(void *arg, struct resource *r, struct err *e)
{
	struct by_name *want = arg;

	(void)e;
	if (!str_ieq(str_c(r->name), str_c(want->name)))
		return 0;
	*want->ret = *r;
	*r = (struct resource){ 0 };
	return 1;
}

int storage_find(struct db_conn *conn, const char *name, struct resource *ret, struct err *e)
{
	struct resource_query q = { .type = TYPE_ACCOUNT };
	struct by_name want = { name, ret };

	return resource_list(conn, &q, take_named, &want, e);
}

int storage_dir(struct api_call *c, const struct resource *account, const char **ret,
    struct err *e)
{
	return world_account_dir(c->world, account->location, account->name, &c->arena, ret, e);
}

/* Give the directory a name that no account has: its own is free at once. */
static int put_aside(struct api_call *c, const char *dir, const char **ret, struct err *e)
{
	uint8_t id[4];
	char hex[HEX_SIZE(sizeof(id))];
	const char *aside;

	random_bytes(id, sizeof(id));
	aside = arena_fmt(&c->arena, "%s-%s" WORLD_REMOVED, dir, hex_encode(id, sizeof(id), hex));
	if (aside == NULL)
		return err_nomem(e);
	if (rename(dir, aside) != 0)
		return err_sys(e, errno, "renaming '%s' to '%s'", dir, aside);
	*ret = aside;
	return 0;
}

int storage_remove_dir(struct api_call *c, const struct resource *account, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource now = { 0 };
	const char *dir, *aside;
	int found;

	/* Nobody makes an account of that name while we hold the writer. */
	if (db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = storage_find(conn, account->name, &now, e);
	if (found < 0)
		return -1;
	if (found > 0 && str_ieq(str_c(now.location), str_c(account->location)))
		return 0;
	if (storage_dir(c, account, &dir, e) != 0 || put_aside(c, dir, &aside, e) != 0)
		return -1;
	db_rollback(&conn);
	return fs_remove_tree(aside, e) != 0 ? -1 : fs_sync_parent(aside, e);
}

static void files_left(const struct resource *account, const struct err *why)
{
	log_event(LOG_WARN, "files-left", "id", account->id, "error", why->msg, NULL);
}

static const char *account_id(struct api_call *c)
{
	return arena_fmt(
	    &c->arena, "%s/providers/" TYPE_ACCOUNT "/%s", api_group_id(c), c->param[2]);
}

static int check_name(const char *name, struct err *e)
{
	if (!blob_account_name_valid(str_c(name)))
		return err_code(e, ERR_INVALID, "AccountNameInvalid",
		    "%.60s is not a valid storage account name. Storage account name must be "
		    "between 3 and 24 characters in length and use numbers and lower-case letters "
		    "only.", name);
	if (storage_name_reserved(name))
		return err_code(e, ERR_INVALID, "AccountNameInvalid",
		    "%.60s is not a valid storage account name. The name is reserved.", name);
	return 0;
}

/* 1 and *ret the account of this id, 0 the name is free, -1. */
static int find_own(struct api_call *c, struct db_conn *conn, struct resource *ret, struct err *e)
{
	const char *id = account_id(c);
	int found = id != NULL ? storage_find(conn, c->param[2], ret, e) : err_nomem(e);

	if (found > 0 && !arm_id_same(str_c(ret->id), str_c(id)))
		return err_code(e, ERR_CONFLICT, "StorageAccountAlreadyTaken",
		    "The storage account named %s is already taken.", c->param[2]);
	return found;
}

/* A new account starts empty: what an earlier one of that name may have left goes to *ret_left. */
static int make_dir(struct api_call *c, const struct resource *r, bool is_new,
    const char **ret_left, struct err *e)
{
	const char *dir;

	if (storage_dir(c, r, &dir, e) != 0)
		return -1;
	if (is_new && rmdir(dir) != 0 && put_aside(c, dir, ret_left, e) != 0)
		return -1;
	return fs_mkdirs(dir, 0700, e);
}

static int account_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource old = { 0 }, r = { 0 };
	const char *location, *left = NULL;
	json_t *body = NULL;
	struct err why;
	int found;

	if (check_name(c->param[2], e) != 0 || fields_location(c, &location, e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = find_own(c, conn, &old, e);
	if (found < 0 || (found > 0 && fields_same_location(&old, location, e) != 0) ||
	    storage_document(c, found > 0 ? &old : NULL, true, location, &body, e) != 0 ||
	    resource_init(&r, TYPE_ACCOUNT, found > 0 ? old.id : account_id(c), location,
	    api_group_id(c), body, e) != 0 ||
	    make_dir(c, &r, found == 0, &left, e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	if (left != NULL && fs_remove_tree(left, &why) != 0)
		files_left(&r, &why);
	return api_json(c, 200, storage_json(c, &r), e);
}

static int account_patch(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	json_t *body = NULL;

	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, account_id(c), &r, e) != 0 ||
	    storage_document(c, &r, false, r.location, &body, e) != 0)
		return -1;
	json_decref(r.body);
	r.body = body;
	if (resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, storage_json(c, &r), e);
}

static int account_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (api_find(c, account_id(c), &r, e) != 0)
		return -1;
	return api_json(c, 200, storage_json(c, &r), e);
}

static int account_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	struct err why;
	int found = api_delete_begin(c, account_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	if (group_check_jobs(c, conn, r.id, e) != 0 || resource_delete(conn, r.id, e) < 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	/* The row first: without it nobody reaches what may be left of the directory. */
	if (failpoint("account/remove", &why) != 0 || storage_remove_dir(c, &r, &why) != 0)
		files_left(&r, &why);
	return api_empty(c, 200);
}

static int list_group(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_ACCOUNT, true, storage_json, e);
}

static int list_all(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_ACCOUNT, false, storage_json, e);
}

static int answer_keys(struct api_call *c, const struct resource *r, struct err *e)
{
	const json_t *keys = jat(r->body, "internal.keys");
	auto_json json_t *shown = json_array();

	for (size_t i = 0; i < json_array_size(keys); i++) {
		const char *name = arena_fmt(&c->arena, "key%zu", i + 1);
		const char *path = arena_fmt(&c->arena, "properties.keyCreationTime.key%zu", i + 1);

		if (name == NULL || path == NULL || json_array_append_new(shown,
		    json_pack("{s:s*, s:s, s:O, s:s}", "creationTime", jstr(r->body, path, NULL),
		    "keyName", name, "value", json_array_get(keys, i), "permissions", "FULL")) != 0)
			return err_nomem(e);
	}
	return api_json(c, 200, json_pack("{s:O}", "keys", shown), e);
}

static int list_keys(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	if (api_find(c, account_id(c), &r, e) != 0)
		return -1;
	return answer_keys(c, &r, e);
}

static int regenerate_key(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	char when[TIME_TEXT_MAX];
	const char *name;
	size_t index;

	if (jneed_str(c->body, "keyName", &name, e) != 0)
		return -1;
	index = str_ieq(str_c(name), STR("key1")) ? 0 : 1;
	if (index == 1 && !str_ieq(str_c(name), STR("key2")))
		return err_code(e, ERR_INVALID, "InvalidValuesForRequestParameters",
		    "Values for request parameters are invalid: keyName '%.60s'.", name);
	if (db_write_begin(c->world->db, &conn, e) != 0 ||
	    api_find_in(c, conn, account_id(c), &r, e) != 0 ||
	    storage_new_key(r.body, index, e) != 0 ||
	    jset(jat(r.body, "properties.keyCreationTime"), index == 0 ? "key1" : "key2",
		json_string(time_iso(c->now_us, when)), e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return answer_keys(c, &r, e);
}

static int check_availability(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	const char *name, *type, *text;
	struct err why;
	int found;

	if (jneed_str(c->body, "name", &name, e) != 0 || jneed_str(c->body, "type", &type, e) != 0)
		return -1;
	if (!str_ieq(str_c(type), STR(TYPE_ACCOUNT)))
		return err_set(e, ERR_INVALID, "type: '%.100s' is not " TYPE_ACCOUNT, type);
	if (check_name(name, &why) != 0)
		return api_json(c, 200, json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason",
		    "AccountNameInvalid", "message", why.msg), e);
	if (db_read_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = storage_find(conn, name, &r, e);
	if (found < 0)
		return -1;
	if (found == 0)
		return api_json(c, 200, json_pack("{s:b}", "nameAvailable", 1), e);
	text = arena_fmt(&c->arena, "The storage account named %s is already taken.", name);
	return api_json(c, 200, json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason",
	    "AlreadyExists", "message", text), e);
}

/* Clients look for the account there first and go on when it is not found. */
static int classic_get(struct api_call *c, struct err *e)
{
	const char *id =
	    arena_fmt(&c->arena, "%s/providers/Microsoft.ClassicStorage/storageAccounts/%s",
		api_group_id(c), c->param[2]);

	return id == NULL ? err_nomem(e) : api_not_found(id, e);
}

#define SUB "subscriptions/{sub}/"
#define GROUP SUB "resourceGroups/{rg}/"
#define ACCOUNTS "providers/" TYPE_ACCOUNT
#define ACCOUNT GROUP ACCOUNTS "/{account}"

const struct api_route storage_routes[] = {
	{ "GET", ACCOUNT, account_get, API_GROUP, TYPE_ACCOUNT "/read" },
	{ "PUT", ACCOUNT, account_put, API_GROUP | API_BODY, TYPE_ACCOUNT "/write" },
	{ "PATCH", ACCOUNT, account_patch, API_GROUP | API_BODY, TYPE_ACCOUNT "/write" },
	{ "DELETE", ACCOUNT, account_delete, API_GROUP, TYPE_ACCOUNT "/delete" },
	{ "POST", ACCOUNT "/listKeys", list_keys, API_GROUP, TYPE_ACCOUNT "/listKeys/action" },
	{ "POST", ACCOUNT "/regenerateKey", regenerate_key, API_GROUP | API_BODY,
	    TYPE_ACCOUNT "/regenerateKey/action" },
	{ "GET", GROUP ACCOUNTS, list_group, API_GROUP | API_FILTERED, TYPE_ACCOUNT "/read" },
	{ "GET", SUB ACCOUNTS, list_all, API_FILTERED, TYPE_ACCOUNT "/read" },
	{ "POST", SUB "providers/Microsoft.Storage/checkNameAvailability", check_availability,
	    API_BODY, "Microsoft.Storage/checknameavailability/read" },
	{ "GET", GROUP "providers/Microsoft.ClassicStorage/storageAccounts/{account}", classic_get,
	    API_GROUP, "Microsoft.ClassicStorage/storageAccounts/read" },
	{ 0 },
};
