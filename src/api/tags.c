/* tags.c - the tags of a group or resource as a resource of their own (Microsoft.Resources/tags), and
 * the names in use.  REST reference: Resource Management, Tags. */
#include "api/authorize.h"
#include "api/fields.h"
#include "api/group.h"
#include "api/rows.h"

#define TYPE_TAGS "Microsoft.Resources/tags"
#define TAG_OF_DISK "holdfast:path"	/* the server's to say */

/* The row whose tags they are. */
static int find(struct api_call *c, struct db_conn *conn, struct resource *ret, struct err *e)
{
	struct arm_id id;
	const char *canonical;

	if (arm_id_parse(str_c(c->scope), &id, e) != 0)
		return -1;
	canonical = arm_id_canonical(&c->arena, &id);
	if (canonical == NULL)
		return err_nomem(e);
	if (api_find_in(c, conn, canonical, ret, e) != 0)
		return -1;
	if (strcmp(ret->type, TYPE_GROUP) != 0 && !listing_is_top_level(ret->type))
		return err_code(e, ERR_INVALID, "TagsNotSupportedForResource",
		    "'%s' has no tags: groups have, and resources directly in them.", ret->id);
	return 0;
}

static json_t *tags_json(struct api_call *c, const struct resource *r)
{
	const char *id = arena_fmt(&c->arena, "%s/providers/" TYPE_TAGS "/default", r->id);
	auto_json json_t *tags = json_deep_copy(jat(r->body, "tags"));

	if (tags == NULL)
		tags = json_object();
	return id == NULL ? NULL : json_pack("{s:s, s:s, s:s, s:{s:O}}", "id", id, "name", "default",
	    "type", TYPE_TAGS, "properties", "tags", tags);
}

static int tags_get(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };

	if (db_read_begin(c->world->db, &conn, e) != 0 || find(c, conn, &r, e) != 0)
		return -1;
	return api_json(c, 200, tags_json(c, &r), e);
}

enum tags_change { TAGS_REPLACE, TAGS_MERGE, TAGS_DELETE };

/* What becomes of `old` (NULL: none), new reference; NULL out of memory. */
static json_t *changed(const json_t *old, json_t *given, enum tags_change how)
{
	auto_json json_t *out = how == TAGS_REPLACE || old == NULL ? json_object() :
	    json_deep_copy(old);
	const char *name;
	json_t *value;

	json_object_foreach(given, name, value)
		if (how != TAGS_DELETE && json_object_set(out, name, value) != 0)
			return NULL;
		else if (how == TAGS_DELETE && json_equal(json_object_get(out, name), value))
			(void)json_object_del(out, name);
	(void)json_object_del(out, TAG_OF_DISK);
	return TAKE(out);
}

static int apply(struct api_call *c, json_t *given, enum tags_change how, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource r = { 0 };
	auto_json json_t *whole = NULL;
	json_t *kept, *now;

	if (db_write_begin(c->world->db, &conn, e) != 0 || find(c, conn, &r, e) != 0)
		return -1;
	whole = json_pack("{s:o}", "tags", changed(jat(r.body, "tags"), given, how));
	if (whole == NULL)
		return err_nomem(e);
	if (fields_tags(whole, &now, e) < 0)
		return -1;
	kept = json_object_get(jat(r.body, "tags"), TAG_OF_DISK);
	if (kept != NULL && json_object_set(now, TAG_OF_DISK, kept) != 0)
		return err_nomem(e);
	if (jset(r.body, "tags", json_incref(now), e) != 0 ||
	    resource_put(conn, &r, c->now_us, e) != 0 || db_commit(&conn, e) != 0)
		return -1;
	return api_json(c, 200, tags_json(c, &r), e);
}

static int given_tags(struct api_call *c, json_t **ret, struct err *e)
{
	json_t *props = NULL;
	int got;

	if (jget_obj(c->body, "properties", &props, e) < 0)
		return -1;
	got = fields_tags(props, ret, e);
	if (got < 0)
		return err_in(e, "properties");
	return got > 0 ? 0 : err_code(e, ERR_INVALID, "InvalidRequestContent",
	    "properties.tags: an object is expected");
}

static int tags_put(struct api_call *c, struct err *e)
{
	json_t *tags;

	return given_tags(c, &tags, e) != 0 ? -1 : apply(c, tags, TAGS_REPLACE, e);
}

static int tags_patch(struct api_call *c, struct err *e)
{
	static const char *const words[] = { "Replace", "Merge", "Delete" };
	const char *word;
	json_t *tags;

	if (jneed_str(c->body, "operation", &word, e) != 0 || given_tags(c, &tags, e) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(str_c(word), str_c(words[i])))
			return apply(c, tags, (enum tags_change)i, e);
	return err_code(e, ERR_INVALID, "InvalidTagPatchOperation",
	    "operation: '%.40s' is none of Replace, Merge and Delete", word);
}

static int tags_delete(struct api_call *c, struct err *e)
{
	auto_json json_t *none = json_object();

	return none == NULL ? err_nomem(e) : apply(c, none, TAGS_REPLACE, e);
}

/* {name: {value: number of uses}} over what the caller may read */
struct count {
	struct api_call *c;
	json_t *names;
};

static int count_one(json_t *names, const char *name, const char *value)
{
	json_t *values = json_object_get(names, name);

	if (values == NULL && json_object_set_new(names, name, values = json_object()) != 0)
		return -1;
	return json_object_set_new(values, value,
	    json_integer(json_integer_value(json_object_get(values, value)) + 1));
}

static int count(void *arg, struct resource *r, struct err *e)
{
	struct count *n = arg;
	json_t *value;
	const char *name;

	if ((strcmp(r->type, TYPE_GROUP) != 0 && !listing_is_top_level(r->type)) ||
	    !authorize_reads(n->c, r))
		return 0;
	json_object_foreach(jat(r->body, "tags"), name, value)
		if (json_is_string(value) && count_one(n->names, name, json_string_value(value)) != 0)
			return err_nomem(e);
	return 0;
}

static json_t *total(json_int_t n)
{
	return json_pack("{s:s, s:I}", "type", "Total", "value", n);
}

static json_t *name_json(struct api_call *c, const char *name, json_t *values)
{
	const char *id = arena_fmt(&c->arena, "/subscriptions/%s/tagNames/%s", c->world->subscription,
	    name), *value;
	auto_json json_t *list = json_array();
	json_int_t sum = 0;
	json_t *uses;

	json_object_foreach(values, value, uses) {
		const char *value_id = arena_fmt(&c->arena, "%s/tagValues/%s", id, value);

		sum += json_integer_value(uses);
		if (value_id == NULL || json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "id",
		    value_id, "tagValue", value, "count", total(json_integer_value(uses)))) != 0)
			return NULL;
	}
	return id == NULL ? NULL : json_pack("{s:s, s:s, s:o, s:O}", "id", id, "tagName", name, "count",
	    total(sum), "values", list);
}

static int names_list(struct api_call *c, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	auto_json json_t *names = json_object(), *rows = json_array();
	struct resource_query q = { .subscription = c->world->subscription };
	struct count n = { c, names };
	const char *name;
	json_t *values;

	if (names == NULL || rows == NULL)
		return err_nomem(e);
	if (db_read_begin(c->world->db, &conn, e) != 0 || resource_list(conn, &q, count, &n, e) < 0)
		return -1;
	json_object_foreach(names, name, values)
		if (json_array_append_new(rows, name_json(c, name, values)) != 0)
			return err_nomem(e);
	return api_rows_page(c, api_rows_by_id(rows), e);
}

#define TAGS "{scope*}/providers/" TYPE_TAGS "/default"

const struct api_route tags_routes[] = {
	{ "GET", "subscriptions/{sub}/tagNames", names_list, API_FILTERED,
	    "Microsoft.Resources/subscriptions/tagNames/read" },
	{ "GET", TAGS, tags_get, 0, TYPE_TAGS "/read" },
	{ "PUT", TAGS, tags_put, API_BODY, TYPE_TAGS "/write" },
	{ "PATCH", TAGS, tags_patch, API_BODY, TYPE_TAGS "/write" },
	{ "DELETE", TAGS, tags_delete, 0, TYPE_TAGS "/delete" },
	{ 0 },
};
