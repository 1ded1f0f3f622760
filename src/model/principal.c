/* principal.c - see principal.h. */
#include "model/principal.h"

#include <stdio.h>

#include "base/arena.h"

int principal_put(struct db_conn *c, const struct principal *p, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *key = arena_lower(&a, str_c(p->client_id));

	if (key == NULL)
		return err_nomem(e);
	return db_exec(c, e,
	    "INSERT INTO principal (client_id, object_id, name, role)"
	    " VALUES ($1, $2, $3, $4) ON CONFLICT (client_id) DO UPDATE SET"
	    " object_id = excluded.object_id, name = excluded.name, role = excluded.role",
	    "ssss", key, p->object_id, p->name, p->role) < 0 ? -1 : 0;
}

int principal_delete(struct db_conn *c, const char *client_id, struct err *e)
{
	if (db_exec(c, e, "DELETE FROM credential WHERE client_id = $1", "s", client_id) < 0 ||
	    db_exec(c, e, "DELETE FROM role_assignment WHERE object_id IN"
	    " (SELECT lower(object_id) FROM principal WHERE client_id = $1)", "s", client_id) < 0)
		return -1;
	return db_exec(c, e, "DELETE FROM principal WHERE client_id = $1", "s", client_id);
}

static int read_text(struct db_stmt *q, unsigned col, char *ret, size_t size, struct err *e)
{
	int n = snprintf(ret, size, "%s", db_col_text(q, col));

	return n >= 0 && (size_t)n < size ? 0
	    : err_set(e, ERR_CORRUPT, "reading a principal: column %u is too long", col);
}

static int read_principal(struct db_stmt *q, struct principal *ret, struct err *e)
{
	struct principal p = { 0 };

	if (read_text(q, 0, p.client_id, sizeof(p.client_id), e) != 0 ||
	    read_text(q, 1, p.object_id, sizeof(p.object_id), e) != 0 ||
	    read_text(q, 2, p.name, sizeof(p.name), e) != 0 ||
	    read_text(q, 3, p.role, sizeof(p.role), e) != 0)
		return -1;
	*ret = p;
	return 1;
}

int principal_get(struct db_conn *c, const char *client_id, struct principal *ret, struct err *e)
{
	auto_arena struct arena a = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	const char *key = arena_lower(&a, str_c(client_id));
	int rc;

	if (key == NULL)
		return err_nomem(e);
	if (db_prepare(c, "SELECT client_id, object_id, name, role FROM principal"
	    " WHERE client_id = $1", &q, e) != 0 || db_bind_text(&q, 1, key, e) != 0)
		return -1;
	rc = db_step(&q, e);
	return rc <= 0 ? rc : read_principal(&q, ret, e);
}

int principal_list(struct db_conn *c, principal_fn *fn, void *arg, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (db_prepare(c, "SELECT client_id, object_id, name, role FROM principal"
	    " ORDER BY client_id", &q, e) != 0)
		return -1;
	while ((rc = db_step(&q, e)) > 0) {
		struct principal p;

		if (read_principal(&q, &p, e) < 0)
			return -1;
		rc = fn(arg, &p, e);
		if (rc != 0)
			return rc;
	}
	return rc;
}

int fact_put(struct db_conn *c, const char *key, const char *value, struct err *e)
{
	return db_exec(c, e, "INSERT INTO fact (key, value) VALUES ($1, $2)"
	    " ON CONFLICT (key) DO UPDATE SET value = excluded.value", "ss", key, value) < 0 ? -1 : 0;
}

int fact_get(struct db_conn *c, const char *key, char **ret, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	char *z;
	int rc;

	if (db_prepare(c, "SELECT value FROM fact WHERE key = $1", &q, e) != 0 ||
	    db_bind_text(&q, 1, key, e) != 0)
		return -1;
	rc = db_step(&q, e);
	if (rc <= 0)
		return rc;
	z = strdup(db_col_text(&q, 0));
	if (z == NULL)
		return err_nomem(e);
	*ret = z;
	return 1;
}

int fact_id(struct db_conn *c, const char *key, char ret[40], struct err *e)
{
	auto_free char *value = NULL;
	int found = fact_get(c, key, &value, e);

	if (found < 0)
		return -1;
	if (found == 0 || strlen(value) >= 40)
		return err_set(e, ERR_CORRUPT, "the database does not say which %s it is for", key);
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}
