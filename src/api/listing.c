/* listing.c - lists of groups and of resources of every type.  See group.h. */
#include "api/group.h"
#include "api/rows.h"

struct listing {
	struct api_rows rows;
	bool groups;
	const char *type, *name, *tag_name, *tag_value;	/* NULL: any */
};

bool listing_is_top_level(const char *type)
{
	const char *slash = strchr(type, '/');

	return slash != NULL && strchr(slash + 1, '/') == NULL && strcmp(type, TYPE_GROUP) != 0 &&
	    strcmp(type, TYPE_DEPLOYMENT) != 0;
}

static bool wanted(const struct listing *l, const struct resource *r)
{
	const json_t *tags = jat(r->body, "tags");
	const char *value;

	if (!l->groups && !listing_is_top_level(r->type))
		return false;
	if (l->name != NULL && !str_ieq(str_c(l->name), str_c(r->name)))
		return false;
	if (l->tag_name == NULL)
		return true;
	value = json_string_value(json_object_get(tags, l->tag_name));
	return value != NULL && (l->tag_value == NULL || strcmp(value, l->tag_value) == 0);
}

static json_t *short_json(const struct resource *r)
{
	auto_json json_t *out = api_resource_json(r);

	if (out != NULL)
		(void)json_object_del(out, "properties");
	return TAKE(out);
}

static int add(void *arg, struct resource *r, struct err *e)
{
	struct listing *l = arg;

	if (!wanted(l, r))
		return 0;
	return api_rows_add(&l->rows, r, l->groups ? api_resource_json(r) : short_json(r), e);
}

/* ARM's own filter errors have another code than the backup service's. */
static int read_filter(struct api_call *c, const char *const *keys, struct arm_filter *ret,
    struct err *e)
{
	if (arm_filter_parse(&c->arena, arm_query_get(&c->query, "$filter"), keys, ret, e) == 0)
		return 0;
	if (e->kind == ERR_INVALID)
		e->code = "InvalidFilterInQueryString";
	return -1;
}

static int run(struct api_call *c, struct listing *l, struct resource_query *q, struct err *e)
{
	auto_conn struct db_conn *conn = NULL;
	int r = -1;

	q->subscription = c->world->subscription;
	if (api_rows_init(&l->rows, c, e) == 0 && api_cursor(c, &q->after, e) == 0 &&
	    db_read_begin(c->world->db, &conn, e) == 0 && resource_list(conn, q, add, l, e) >= 0)
		r = api_rows_answer(&l->rows, e);
	api_rows_done(&l->rows);
	return r;
}

int listing_groups(struct api_call *c, struct err *e)
{
	static const char *const keys[] = { "tagName", "tagValue", "name", NULL };
	struct listing l = { .groups = true };
	struct resource_query q = { .type = TYPE_GROUP };
	struct arm_filter f;

	if (read_filter(c, keys, &f, e) != 0)
		return -1;
	l.name = arm_filter_get(&f, "name");
	l.tag_name = arm_filter_get(&f, "tagName");
	l.tag_value = arm_filter_get(&f, "tagValue");
	return run(c, &l, &q, e);
}

int listing_resources(struct api_call *c, const char *group, struct err *e)
{
	static const char *const keys[] = { "resourceType", "resourceGroup", "name", "location",
		"tagName", "tagValue", NULL };
	struct listing l = { 0 };
	struct resource_query q = { 0 };
	struct arm_filter f;

	if (read_filter(c, keys, &f, e) != 0)
		return -1;
	l.name = arm_filter_get(&f, "name");
	l.tag_name = arm_filter_get(&f, "tagName");
	l.tag_value = arm_filter_get(&f, "tagValue");
	q.type = arm_filter_get(&f, "resourceType");
	q.location = arm_filter_get(&f, "location");
	q.group = arm_filter_get(&f, "resourceGroup");
	if (group != NULL && q.group != NULL && !str_ieq(str_c(group), str_c(q.group)))
		return api_list(c, json_array(), NULL, e);
	if (group != NULL)
		q.group = group;
	return run(c, &l, &q, e);
}
