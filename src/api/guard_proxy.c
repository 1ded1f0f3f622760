/* guard_proxy.c - which resource guard a vault is assigned to, and security PINs. */
#include "api/fields.h"
#include "api/place.h"
#include "api/vault_config.h"
#include "base/codec.h"

#define UNLOCK_US (10 * 60 * INT64_C(1000000))
#define PIN_US (5 * 60 * INT64_C(1000000))
#define TICKS_TO_1970 INT64_C(621355968000000000)	/* of 100 ns, since the year 1 */

static const char *guard_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/backupResourceGuardProxies/%s", c->vault.id, c->param[3]);
}

static int add_row(void *arg, struct resource *r, struct err *e)
{
	return json_array_append_new(arg, api_resource_json(r)) != 0 ? err_nomem(e) : 0;
}

int guard_list(struct api_call *c, struct err *e)
{
	struct resource_query q = { .type = TYPE_GUARD_PROXY, .parent = c->vault.id };
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *rows = json_array();

	if (rows == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0 ||
	    resource_list(conn, &q, add_row, rows, e) < 0)
		return -1;
	return api_list(c, TAKE(rows), NULL, e);
}

int guard_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };
	const char *id = guard_id(c);

	if (id == NULL)
		return err_nomem(e);
	return api_find(c, id, &r, e) != 0 ? -1 : api_json(c, 200, api_resource_json(&r), e);
}

static int read_guard(struct api_call *c, const char **ret_guard, const char **ret_text,
    struct err *e)
{
	struct place root = { .at = c->body }, p;
	struct arm_id a;
	int r;

	if (place_need_enter(&root, "properties", &p, e) != 0)
		return place_refuse(e);
	r = place_text(&p, "resourceGuardResourceId", 400, ret_guard, e);
	if (r == 0)
		(void)place_missing(&p, "resourceGuardResourceId", e);
	if (r <= 0 || place_text(&p, "description", 1024, ret_text, e) < 0)
		return place_refuse(e);
	if (arm_id_parse(str_c(*ret_guard), &a, e) == 0 &&
	    arm_id_is(&a, "Microsoft.DataProtection/resourceGuards"))
		return 0;
	(void)place_wrong(&p, "resourceGuardResourceId", e,
	    "'%.200s' is not the id of a resource guard", *ret_guard);
	return place_refuse(e);
}

/* Clients name it VaultProxy. */
int guard_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	const char *id = guard_id(c), *guard = NULL, *text = "";
	char when[TIME_TEXT_MAX];
	json_t *body;

	if (id == NULL)
		return err_nomem(e);
	if (!fields_name_valid(c->param[3], 80, "-"))
		return err_code(e, ERR_INVALID, "BMSUserErrorInvalidInput",
		    "Input provided for the call is invalid: resource guard proxy '%.90s': 1 to "
		    "80 letters, digits, '-' and '_' are allowed, the first no '-'", c->param[3]);
	if (read_guard(c, &guard, &text, e) != 0)
		return -1;
	body = json_pack("{s:{s:s, s:[], s:s, s:s}}", "properties", "resourceGuardResourceId",
	    guard, "resourceGuardOperationDetails", "lastUpdatedTime", time_iso(c->now_us, when),
	    "description", text);
	if (resource_init(&r, TYPE_GUARD_PROXY, id, "", c->vault.id, body, e) != 0 ||
	    db_write_begin(c->world->db, &conn, e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, api_resource_json(&r), e);
}

int guard_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	const char *id = guard_id(c);
	int removed;

	if (id == NULL)
		return err_nomem(e);
	if (db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	removed = resource_delete(conn, id, e);
	if (removed < 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, removed > 0 ? 200 : 204);
}

int guard_unlock_delete(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };
	const char *id = guard_id(c);
	char when[TIME_TEXT_MAX];

	if (id == NULL)
		return err_nomem(e);
	if (api_find(c, id, &r, e) != 0)
		return -1;
	return api_json(c, 200, json_pack("{s:s}", "unlockDeleteExpiryTime",
	    time_iso(c->now_us + UNLOCK_US, when)), e);
}

int security_pin(struct api_call *c, struct err *e)
{
	const char *pin = arena_fmt(&c->arena, "%06u", (unsigned)(random_u64() % 1000000));

	if (pin == NULL)
		return err_nomem(e);
	return api_json(c, 200, json_pack("{s:s, s:I, s:s}", "token", pin, "expiryTimeInUtcTicks",
	    (json_int_t)((c->now_us + PIN_US) * 10 + TICKS_TO_1970), "securityPIN", pin), e);
}
