/* security_group.c - Microsoft.Network/networkSecurityGroups: records, for nothing here filters packets.
 * See network.h. */
#include "api/network.h"

#include "api/authorize.h"
#include "api/compute.h"
#include "api/fields.h"
#include "base/codec.h"

#define RULES "properties.securityRules"
#define PRIORITY_MIN 100
#define PRIORITY_MAX 4096

static const char *group_id(struct api_call *c)
{
	return arena_fmt(&c->arena, "%s/providers/" TYPE_NSG "/%s", api_group_id(c), c->param[2]);
}

static json_t *rules_json(struct api_call *c, const struct resource *r)
{
	const json_t *list = jat(r->body, RULES);
	auto_json json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		const char *name = jstr(one, "name", "");
		const char *id = arena_fmt(&c->arena, "%s/securityRules/%s", r->id, name);
		auto_json json_t *props = json_copy(jat(one, "properties"));

		if (props == NULL || id == NULL ||
		    json_object_set_new(props, "provisioningState", json_string("Succeeded")) != 0 ||
		    json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:O}", "id", id, "name",
		    name, "type", TYPE_NSG "/securityRules", "properties", props)) != 0)
			return NULL;
	}
	return TAKE(out);
}

static json_t *render(struct api_call *c, const struct resource *r)
{
	auto_json json_t *out = api_resource_json(r), *props = json_copy(jat(out, "properties"));

	if (props == NULL ||
	    json_object_set_new(props, "provisioningState", json_string("Succeeded")) != 0 ||
	    json_object_set_new(props, "securityRules", rules_json(c, r)) != 0 ||
	    json_object_set(out, "properties", props) != 0)
		return NULL;
	return TAKE(out);
}

/* The member of a rule's properties must be one of `words`; clients' casing is kept. */
static int check_word(const json_t *props, const char *member, const char *const *words,
    struct err *e)
{
	const char *given;

	if (jneed_str(props, member, &given, e) != 0)
		return -1;
	for (const char *const *w = words; *w != NULL; w++)
		if (str_ieq(str_c(*w), str_c(given)))
			return 0;
	return err_code(e, ERR_INVALID, "SecurityRuleInvalid", "%s: '%.40s' is not one of its values",
	    member, given);
}

static int check_rule(const json_t *rule, struct err *e)
{
	static const char *const access[] = { "Allow", "Deny", NULL };
	static const char *const direction[] = { "Inbound", "Outbound", NULL };
	static const char *const protocol[] = { "*", "Ah", "Esp", "Icmp", "Tcp", "Udp", NULL };
	const char *name;
	json_t *props = NULL;
	int64_t priority = 0;

	if (!json_is_object(rule))
		return err_code(e, ERR_INVALID, "InvalidRequestFormat", "an object is expected");
	if (jneed_str(rule, "name", &name, e) != 0)
		return -1;
	if (!fields_name_valid(name, 80, "-."))
		return err_code(e, ERR_INVALID, "InvalidResourceName",
		    "resource name '%.80s' is invalid: 1 to 80 letters, digits, '_', '-' and '.'",
		    name);
	if (jget_obj(rule, "properties", &props, e) < 0)
		return -1;
	if (props == NULL)
		return err_code(e, ERR_INVALID, "InvalidRequestFormat", "properties is missing");
	if (jget_int(props, "priority", &priority, e) < 0 ||
	    check_word(props, "access", access, e) != 0 ||
	    check_word(props, "direction", direction, e) != 0 ||
	    check_word(props, "protocol", protocol, e) != 0)
		return err_in(e, "properties");
	if (priority < PRIORITY_MIN || priority > PRIORITY_MAX)
		return err_code(e, ERR_INVALID, "SecurityRuleInvalidPriority",
		    "properties.priority: %lld is not within %d and %d", (long long)priority,
		    PRIORITY_MIN, PRIORITY_MAX);
	return 0;
}

/* Two rules of one direction cannot share a priority, nor any two a name. */
static int check_pair(const json_t *a, const json_t *b, struct err *e)
{
	const char *one = jstr(a, "name", ""), *other = jstr(b, "name", "");

	if (str_ieq(str_c(one), str_c(other)))
		return err_code(e, ERR_INVALID, "InvalidRequestFormat",
		    "name: '%s' is given twice", other);
	if (json_integer_value(jat(a, "properties.priority")) !=
	    json_integer_value(jat(b, "properties.priority")) ||
	    !str_ieq(str_c(jstr(a, "properties.direction", "")),
	    str_c(jstr(b, "properties.direction", ""))))
		return 0;
	return err_code(e, ERR_INVALID, "SecurityRuleConflict",
	    "Security rules %s and %s have the same priority and direction", one, other);
}

static int check_rules(const json_t *list, struct err *e)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *rule = json_array_get(list, i);

		if (check_rule(rule, e) != 0)
			return err_in(e, RULES "[%zu]", i);
		for (size_t k = 0; k < i; k++)
			if (check_pair(json_array_get(list, k), rule, e) != 0)
				return err_in(e, RULES "[%zu]", i);
	}
	return 0;
}

static int make_document(struct api_call *c, const struct resource *old, json_t **ret,
    struct err *e)
{
	const char *guid = old != NULL ? jstr(old->body, "properties.resourceGuid", NULL) : NULL;
	auto_json json_t *props = NULL, *rules = NULL;
	json_t *tags = NULL, *given = NULL, *given_props = NULL, *doc;
	char fresh[GUID_SIZE];

	if (fields_tags(c->body, &tags, e) < 0 ||
	    jget_obj(c->body, "properties", &given_props, e) < 0 ||
	    jget_arr(c->body, RULES, &given, e) < 0 || check_rules(given, e) != 0)
		return -1;
	rules = given != NULL ? json_deep_copy(given) : json_array();
	for (size_t i = 0; i < json_array_size(rules); i++)
		(void)json_object_del(jat(json_array_get(rules, i), "properties"), "provisioningState");
	props = json_pack("{s:O, s:s}", "securityRules", rules, "resourceGuid",
	    guid != NULL ? guid : guid_new(fresh));
	doc = props != NULL ? json_pack("{s:O*, s:O}", "tags", tags, "properties", props) : NULL;
	if (doc == NULL)
		return err_nomem(e);
	*ret = doc;
	return 0;
}

int security_group_put(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource old = { 0 }, r = { 0 };
	const char *location, *id = group_id(c);
	json_t *body = NULL;
	int found;

	if (id == NULL)
		return err_nomem(e);
	if (!fields_name_valid(c->param[2], 80, "-."))
		return err_code(e, ERR_INVALID, "InvalidResourceName",
		    "Resource name '%.80s' is invalid: 1 to 80 letters, digits, '_', '-' and '.'",
		    c->param[2]);
	if (fields_location(c, &location, e) != 0 || db_write_begin(c->world->db, &conn, e) != 0)
		return -1;
	found = resource_get(conn, id, &old, e);
	if (found < 0 || (found > 0 && fields_same_location(&old, location, e) != 0) ||
	    make_document(c, found > 0 ? &old : NULL, &body, e) != 0 ||
	    resource_init(&r, TYPE_NSG, found > 0 ? old.id : id, location, api_group_id(c), body,
	    e) != 0 || resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, found > 0 ? 200 : 201, render(c, &r), e);
}

int security_group_get(struct api_call *c, struct err *e)
{
	auto_resource struct resource r = { 0 };

	return api_find(c, group_id(c), &r, e) != 0 ? -1 : api_json(c, 200, render(c, &r), e);
}

int security_group_patch(struct api_call *c, struct err *e)
{
	return network_patch_tags(c, group_id(c), render, e);
}

struct user_search {
	const char *id;
	char *user;	/* owned */
};

static bool names(const json_t *doc, const char *id)
{
	return arm_id_same(str_c(jstr(doc, "properties.networkSecurityGroup.id", "")), str_c(id));
}

/* The group is named by the interface, the network or one of its subnets. */
static int uses(void *arg, struct resource *r, struct err *e)
{
	struct user_search *s = arg;
	const json_t *subnets = jat(r->body, "properties.subnets");
	bool used = names(r->body, s->id);

	for (size_t i = 0; !used && i < json_array_size(subnets); i++)
		used = names(json_array_get(subnets, i), s->id);
	if (!used)
		return 0;
	s->user = strdup(r->id);
	return s->user != NULL ? 1 : err_nomem(e);
}

static int check_unused(struct db_conn *conn, const struct resource *r, struct err *e)
{
	struct resource_query nics = { .type = TYPE_NIC }, networks = { .type = TYPE_VNET };
	struct user_search s = { r->id, NULL };
	int found = resource_list(conn, &nics, uses, &s, e);

	if (found == 0)
		found = resource_list(conn, &networks, uses, &s, e);
	if (found > 0)
		(void)err_code(e, ERR_INVALID, "InUseNetworkSecurityGroupCannotBeDeleted",
		    "Network security group %s cannot be deleted because it is in use by %s.", r->id,
		    s.user);
	free(s.user);
	return found == 0 ? 0 : -1;
}

int security_group_delete(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	int found = api_delete_begin(c, group_id(c), &conn, &r, e);

	if (found <= 0)
		return found;
	if (check_unused(conn, &r, e) != 0 || resource_delete(conn, r.id, e) < 0 ||
	    db_commit(&conn, e) != 0)
		return -1;
	return api_empty(c, 200);
}

int security_group_list(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_NSG, true, render, e);
}

int security_group_list_all(struct api_call *c, struct err *e)
{
	return api_list_type(c, TYPE_NSG, false, render, e);
}

int security_group_check_named(struct api_call *c, struct db_conn *conn, const char *user,
    const char *location, const json_t *props, struct err *e)
{
	auto_resource struct resource r = { 0 };
	const char *given = NULL;
	struct arm_id id;
	int found;

	found = jget_str(props, "networkSecurityGroup.id", &given, e);
	if (found <= 0)
		return found;
	if (arm_id_parse(str_c(given), &id, e) != 0)
		return err_in(e, "networkSecurityGroup.id");
	if (!arm_id_is(&id, TYPE_NSG))
		return err_code(e, ERR_INVALID, "LinkedInvalidPropertyId",
		    "networkSecurityGroup.id: '%.250s' is not the id of a network security group",
		    given);
	found = resource_get(conn, given, &r, e);
	if (found < 0)
		return -1;
	if (found == 0 || !str_ieq(str_c(r.location), str_c(location)))
		return err_code(e, ERR_INVALID, "InvalidResourceReference",
		    "Resource %.150s referenced by resource %.150s was not found. Please make sure "
		    "that the referenced resource exists, and that both resources are in the same "
		    "region.", given, user);
	return authorize_linked(c, TYPE_NSG "/join/action", r.id, e);
}
