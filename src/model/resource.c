/* resource.c - rows of the table `resource`.  See resource.h. */
#include "model/resource.h"

#include "base/arena.h"
#include "base/buf.h"
#include "model/assignment.h"
#include "model/row.h"

void resource_done(struct resource *r)
{
	free(r->id);
	free(r->type);
	free(r->name);
	free(r->subscription);
	free(r->group);
	free(r->location);
	free(r->parent);
	free(r->ref);
	json_decref(r->body);
	*r = (struct resource){ 0 };
}

static char *copy(struct str s)
{
	return strndup(s.p, s.n);
}

/* The segment after "/word/" in the id's first levels; empty if it is not there. */
static struct str segment_after(const char *id, struct str word)
{
	const char *p = id;

	while (*p == '/') {
		struct str seg = { p + 1, strcspn(p + 1, "/") };

		p = seg.p + seg.n;
		if (str_ieq(seg, word) && *p == '/')
			return (struct str){ p + 1, strcspn(p + 1, "/") };
		if (str_ieq(seg, STR("providers")))
			break;
	}
	return (struct str){ "", 0 };
}

static int init_texts(struct resource *x, const char *type, const char *id, const char *location,
    const char *parent, struct err *e)
{
	const char *slash = strrchr(id, '/');

	if (slash == NULL || slash[1] == '\0')
		return err_set(e, ERR_BUG, "'%s' is not a resource id", id);
	x->id = strdup(id);
	x->type = strdup(type);
	x->name = strdup(slash + 1);
	x->subscription = copy(segment_after(id, STR("subscriptions")));
	x->group = copy(segment_after(id, STR("resourceGroups")));
	x->location = strdup(location != NULL ? location : "");
	x->parent = strdup(parent != NULL ? parent : "");
	x->ref = strdup("");
	if (x->id == NULL || x->type == NULL || x->name == NULL || x->subscription == NULL ||
	    x->group == NULL || x->location == NULL || x->parent == NULL || x->ref == NULL)
		return err_nomem(e);
	return 0;
}

int resource_init(struct resource *ret, const char *type, const char *id, const char *location,
    const char *parent, json_t *body, struct err *e)
{
	auto_resource struct resource x = { .body = body };

	if (body == NULL)
		return err_nomem(e);
	if (init_texts(&x, type, id, location, parent, e) != 0)
		return -1;
	*ret = x;
	x = (struct resource){ 0 };
	return 0;
}

int resource_set(char **field, const char *value, struct err *e)
{
	char *z = strdup(value != NULL ? value : "");

	if (z == NULL)
		return err_nomem(e);
	free(*field);
	*field = z;
	return 0;
}

static bool take_text(struct db_stmt *q, unsigned col, char **ret)
{
	const char *z = db_col_text(q, col);

	*ret = strdup(z != NULL ? z : "");
	return *ret != NULL;
}

int resource_read_row(struct db_stmt *q, struct resource *ret, struct err *e)
{
	auto_resource struct resource x = { 0 };
	unsigned col = 8;

	if (!take_text(q, 0, &x.id) || !take_text(q, 1, &x.type) || !take_text(q, 2, &x.name) ||
	    !take_text(q, 3, &x.subscription) || !take_text(q, 4, &x.group) ||
	    !take_text(q, 5, &x.location) || !take_text(q, 6, &x.parent) ||
	    !take_text(q, 7, &x.ref))
		return err_nomem(e);
	x.sort = db_col_int(q, col++);
	x.version = db_col_int(q, col++);
	x.created_us = db_col_int(q, col++);
	x.changed_us = db_col_int(q, col++);
	if (jparse(str_c(db_col_text(q, col)), &x.body, e) != 0)
		return err_in(e, "reading the document of '%s'", x.id);
	*ret = x;
	x = (struct resource){ 0 };
	return 0;
}

static char *lower(struct arena *a, const char *z)
{
	return arena_lower(a, str_c(z));
}

int resource_get(struct db_conn *c, const char *id, struct resource *ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	const char *key = lower(&a, id);
	int rc;

	if (key == NULL)
		return err_nomem(e);
	if (db_prepare(c, "SELECT " RESOURCE_COLUMNS " FROM resource WHERE key = $1", &q, e) != 0 ||
	    db_bind_text(&q, 1, key, e) != 0)
		return -1;
	rc = db_step(&q, e);
	if (rc > 0 && resource_read_row(&q, ret, e) != 0)
		return -1;
	return rc;
}

static const char put_sql[] =
	"INSERT INTO resource (key, id, type, type_key, name, subscription, subscription_key, grp,"
	" grp_key, location, parent, parent_key, ref, ref_key, sort, version, created_us,"
	" changed_us, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	" $15, 1, $16, $16, $17) ON CONFLICT (key) DO UPDATE SET"
	" location = excluded.location, parent = excluded.parent, parent_key = excluded.parent_key,"
	" ref = excluded.ref, ref_key = excluded.ref_key, sort = excluded.sort,"
	" version = resource.version + 1, changed_us = excluded.changed_us, body = excluded.body"
	" RETURNING id, name, version, created_us";

static int bind_row(struct db_stmt *q, struct arena *a, const struct resource *r, int64_t now_us,
    const char *body, struct err *e)
{
	const char *text[] = { lower(a, r->id), r->id, r->type, lower(a, r->type), r->name,
		r->subscription, lower(a, r->subscription), r->group, lower(a, r->group),
		lower(a, r->location), r->parent, lower(a, r->parent), r->ref, lower(a, r->ref) };

	for (unsigned i = 0; i < ARRAY_LEN(text); i++) {
		if (text[i] == NULL)
			return err_nomem(e);
		if (db_bind_text(q, i + 1, text[i], e) != 0)
			return -1;
	}
	if (db_bind_int(q, 15, r->sort, e) != 0 || db_bind_int(q, 16, now_us, e) != 0)
		return -1;
	return db_bind_text(q, 17, body, e);
}

/* The casing given at creation is kept: what the row says goes back into *r. */
static int adopt(struct db_stmt *q, struct resource *r, int64_t now_us, struct err *e)
{
	if (resource_set(&r->id, db_col_text(q, 0), e) != 0 ||
	    resource_set(&r->name, db_col_text(q, 1), e) != 0)
		return -1;
	r->version = db_col_int(q, 2);
	r->created_us = db_col_int(q, 3);
	r->changed_us = now_us;
	return 0;
}

/* What a resource lives in may have been deleted since the caller looked. */
static int check_parent(struct db_conn *c, struct arena *a, const struct resource *r, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	const char *key = lower(a, r->parent);
	int found;

	if (r->parent[0] == '\0')
		return 0;
	if (key == NULL)
		return err_nomem(e);
	if (db_prepare(c, "SELECT 1 FROM resource WHERE key = $1", &q, e) != 0 ||
	    db_bind_text(&q, 1, key, e) != 0)
		return -1;
	found = db_step(&q, e);
	if (found == 0)
		return err_http(e, ERR_NOT_FOUND, 404, "ParentResourceNotFound",
		    "Can not perform requested operation on nested resource. Parent resource '%s' not "
		    "found.", r->parent);
	return found < 0 ? -1 : 0;
}

int resource_put(struct db_conn *c, struct resource *r, int64_t now_us, struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_buf struct buf body = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (jdump(r->body, &body, e) != 0)
		return err_in(e, "writing the document of '%s'", r->id);
	if (check_parent(c, &a, r, e) != 0)
		return -1;
	if (db_prepare(c, put_sql, &q, e) != 0 ||
	    bind_row(&q, &a, r, now_us, body.p, e) != 0)
		return -1;
	rc = db_step(&q, e);
	if (rc <= 0)
		return rc < 0 ? -1 : err_set(e, ERR_BUG, "writing '%s': no row", r->id);
	return adopt(&q, r, now_us, e);
}

int resource_delete(struct db_conn *c, const char *id, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *key = lower(&a, id);

	if (key == NULL)
		return err_nomem(e);
	if (assignment_forget(c, key, e) != 0)
		return -1;
	return db_exec(c, e, "DELETE FROM resource WHERE key = $1", "s", key);
}

int resource_delete_tree(struct db_conn *c, const char *id, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *key = lower(&a, id);

	if (key == NULL)
		return err_nomem(e);
	if (assignment_forget(c, key, e) != 0)
		return -1;
	/* '0' is the character after '/': the range holds exactly the keys that start "<id>/". */
	return db_exec(c, e, "DELETE FROM resource WHERE key = $1 OR"
	    " (key > ($1 || '/') AND key < ($1 || '0'))", "s", key);
}

char *resource_cursor(const struct resource *r)
{
	auto_arena struct arena a = { 0 };
	const char *z = arena_fmt(&a, "%lld|%s", (long long)r->sort, lower(&a, r->id));

	return z != NULL ? strdup(z) : NULL;
}
