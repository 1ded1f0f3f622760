/* vault_identity.c - see vault_identity.h. */
#include "api/vault_identity.h"

#include "base/codec.h"

#define ASSIGNED_MAX 64

static int add_assigned(const struct place *p, const char *id, const json_t *old, json_t *out,
    struct err *e)
{
	json_t *kept = json_object_get(old, id);
	char principal[GUID_SIZE], client[GUID_SIZE];
	struct arm_id a;

	if (arm_id_parse(str_c(id), &a, e) != 0 ||
	    !arm_id_is(&a, "Microsoft.ManagedIdentity/userAssignedIdentities"))
		return place_wrong(p, "userAssignedIdentities", e,
		    "'%.200s' is not the id of a user-assigned identity", id);
	if (kept != NULL)
		return json_object_set(out, id, kept) != 0 ? err_nomem(e) : 0;
	return jset(out, id, json_pack("{s:s, s:s}", "principalId", guid_new(principal), "clientId",
	    guid_new(client)), e);
}

/* A null value takes that identity away; others that are assigned stay unless `replace`. */
static int read_assigned(const struct place *p, const json_t *old, bool replace, json_t **ret,
    struct err *e)
{
	auto_json json_t *out = replace || old == NULL ? json_object() :
	    json_copy((json_t *)(uintptr_t)old);
	json_t *given = NULL, *value;
	const char *id;
	int r = jget_obj(p->at, "userAssignedIdentities", &given, e);

	if (out == NULL)
		return err_nomem(e);
	if (r < 0)
		return place_wrong(p, "userAssignedIdentities", e, "expected an object");
	json_object_foreach(given, id, value) {
		if (json_is_null(value) && json_object_get(old, id) != NULL)
			(void)json_object_del(out, id);
		else if (add_assigned(p, id, old, out, e) != 0)
			return -1;
	}
	if (json_object_size(out) > ASSIGNED_MAX)
		return place_wrong(p, "userAssignedIdentities", e, "more than %d are given",
		    ASSIGNED_MAX);
	*ret = TAKE(out);
	return 0;
}

int vault_identity_apply(struct api_call *c, struct resource *vault, const struct place *root,
    bool replace, struct err *e)
{
	static const char *const types[] = { "None", "SystemAssigned", "UserAssigned",
		"SystemAssigned, UserAssigned", NULL };
	const json_t *old = jat(vault->body, "identity");
	auto_json json_t *assigned = NULL, *out = NULL;
	const char *type = NULL;
	char guid[GUID_SIZE];
	struct place p;
	int r = place_enter(root, "identity", &p, e);

	if (r < 0)
		return -1;
	if (r == 0) {
		if (replace)
			(void)json_object_del(vault->body, "identity");
		return 0;
	}
	if (place_need_word(&p, "type", types, &type, e) != 0)
		return -1;
	out = json_pack("{s:s}", "type", type);
	if (strncmp(type, "System", 6) == 0 &&
	    (jset(out, "principalId", json_string(jstr(old, "principalId", guid_new(guid))),
	    e) != 0 || jset(out, "tenantId", json_string(c->world->tenant), e) != 0))
		return -1;
	if (strstr(type, "UserAssigned") != NULL) {
		if (read_assigned(&p, jat(old, "userAssignedIdentities"), replace, &assigned,
		    e) != 0)
			return -1;
		if (json_object_size(assigned) == 0)
			return place_wrong(&p, "userAssignedIdentities", e,
			    "at least one is required with type '%s'", type);
		if (jset(out, "userAssignedIdentities", TAKE(assigned), e) != 0)
			return -1;
	}
	return jset(vault->body, "identity", TAKE(out), e);
}
