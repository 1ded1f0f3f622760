/* stmt.c - statements: cached by text, bound by name. */
#include "db/conn.h"

#include <stdarg.h>
#include <stdio.h>

#define KEPT_MAX 96	/* texts a connection keeps prepared */

static void entry_free(struct db_entry *x)
{
	(void)sqlite3_finalize(x->stmt);
	free(x->sql);
	free(x);
}

static void entry_idle(struct db_entry *x)
{
	(void)sqlite3_reset(x->stmt);
	(void)sqlite3_clear_bindings(x->stmt);
	x->used = false;
}

static void entry_drop(struct db_conn *c, struct db_entry *x)
{
	struct db_entry **at = &c->entries;

	while (*at != NULL && *at != x)
		at = &(*at)->next;
	if (*at != NULL)
		*at = x->next;
	entry_free(x);
}

void db_entries_idle(struct db_conn *c)
{
	struct db_entry *x = c->entries;

	while (x != NULL) {
		struct db_entry *next = x->next;

		if (x->used && x->kept)
			entry_idle(x);
		else if (x->used)
			entry_drop(c, x);
		x = next;
	}
}

void db_entries_free(struct db_conn *c)
{
	while (c->entries != NULL) {
		struct db_entry *x = c->entries;

		c->entries = x->next;
		entry_free(x);
	}
}

static struct db_entry *entry_find(struct db_conn *c, const char *sql)
{
	for (struct db_entry *x = c->entries; x != NULL; x = x->next)
		if (!x->used && strcmp(x->sql, sql) == 0)
			return x;
	return NULL;
}

static struct db_entry *entry_new(struct db_conn *c, const char *sql, struct err *e)
{
	struct db_entry *x = calloc(1, sizeof(*x));
	int rc;

	if (x == NULL || (x->sql = strdup(sql)) == NULL) {
		free(x);
		(void)err_nomem(e);
		return NULL;
	}
	rc = sqlite3_prepare_v3(c->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &x->stmt, NULL);
	if (rc != SQLITE_OK) {
		(void)db_fail(c, rc, e, "preparing a statement");
		entry_free(x);
		return NULL;
	}
	x->kept = c->kept_count < KEPT_MAX;
	if (x->kept)
		c->kept_count++;
	x->next = c->entries;
	c->entries = x;
	return x;
}

int db_prepare(struct db_conn *c, const char *sql, struct db_stmt *ret, struct err *e)
{
	struct db_entry *x = entry_find(c, sql);

	if (x == NULL)
		x = entry_new(c, sql, e);
	if (x == NULL)
		return -1;
	x->used = true;
	*ret = (struct db_stmt){ .conn = c, .impl = x, .turn = c->turn };
	return 0;
}

void db_stmt_done(struct db_stmt *q)
{
	struct db_entry *x = q->impl;

	if (x != NULL && q->turn == q->conn->turn) {
		if (x->kept)
			entry_idle(x);
		else
			entry_drop(q->conn, x);
	}
	*q = (struct db_stmt){ 0 };
}

/* The SQLite statement, or NULL if there is none or its transaction is over. */
static sqlite3_stmt *live(const struct db_stmt *q)
{
	const struct db_entry *x = q->impl;

	return x != NULL && q->turn == q->conn->turn ? x->stmt : NULL;
}

static int dead(struct err *e)
{
	return err_set(e, ERR_BUG, "a statement is used after the end of its transaction");
}

static int place(const struct db_stmt *q, unsigned n, sqlite3_stmt **ret, struct err *e)
{
	sqlite3_stmt *s = live(q);
	char name[16];
	int at;

	if (s == NULL)
		return dead(e);
	(void)snprintf(name, sizeof(name), "$%u", n);
	at = sqlite3_bind_parameter_index(s, name);
	if (at == 0)
		return err_set(e, ERR_BUG, "binding %s: the statement has no such parameter", name);
	*ret = s;
	return at;
}

static int bound(const struct db_stmt *q, int rc, struct err *e)
{
	return rc == SQLITE_OK ? 0 : db_fail(q->conn, rc, e, "binding a value");
}

int db_bind_str(struct db_stmt *q, unsigned n, struct str v, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int at = place(q, n, &s, e);

	if (at < 0)
		return -1;
	return bound(q, sqlite3_bind_text64(s, at, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8), e);
}

int db_bind_text(struct db_stmt *q, unsigned n, const char *v, struct err *e)
{
	return v == NULL ? db_bind_null(q, n, e) : db_bind_str(q, n, str_c(v), e);
}

int db_bind_int(struct db_stmt *q, unsigned n, int64_t v, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int at = place(q, n, &s, e);

	return at < 0 ? -1 : bound(q, sqlite3_bind_int64(s, at, v), e);
}

int db_bind_real(struct db_stmt *q, unsigned n, double v, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int at = place(q, n, &s, e);

	return at < 0 ? -1 : bound(q, sqlite3_bind_double(s, at, v), e);
}

int db_bind_null(struct db_stmt *q, unsigned n, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int at = place(q, n, &s, e);

	return at < 0 ? -1 : bound(q, sqlite3_bind_null(s, at), e);
}

int db_step(struct db_stmt *q, struct err *e)
{
	sqlite3_stmt *s = live(q);
	int rc;

	if (s == NULL)
		return dead(e);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return db_fail(q->conn, rc, e, "running a statement");
}

const char *db_col_text(struct db_stmt *q, unsigned col)
{
	sqlite3_stmt *s = live(q);

	return s == NULL ? NULL : (const char *)sqlite3_column_text(s, (int)col);
}

int64_t db_col_int(struct db_stmt *q, unsigned col)
{
	sqlite3_stmt *s = live(q);

	return s == NULL ? 0 : sqlite3_column_int64(s, (int)col);
}

double db_col_real(struct db_stmt *q, unsigned col)
{
	sqlite3_stmt *s = live(q);

	return s == NULL ? 0 : sqlite3_column_double(s, (int)col);
}

bool db_col_null(struct db_stmt *q, unsigned col)
{
	sqlite3_stmt *s = live(q);

	return s == NULL || sqlite3_column_type(s, (int)col) == SQLITE_NULL;
}

static int bind_args(struct db_stmt *q, const char *types, va_list ap, struct err *e)
{
	for (unsigned i = 0; types[i] != '\0'; i++) {
		int rc;

		switch (types[i]) {
		case 's':
			rc = db_bind_text(q, i + 1, va_arg(ap, const char *), e);
			break;
		case 'i':
			rc = db_bind_int(q, i + 1, va_arg(ap, int64_t), e);
			break;
		case 'r':
			rc = db_bind_real(q, i + 1, va_arg(ap, double), e);
			break;
		default:
			rc = err_set(e, ERR_BUG, "binding arguments: no type '%c'", types[i]);
			break;
		}
		if (rc != 0)
			return -1;
	}
	return 0;
}

int db_exec(struct db_conn *c, struct err *e, const char *sql, const char *types, ...)
{
	auto_stmt struct db_stmt q = { 0 };
	va_list ap;
	int rc;

	if (db_prepare(c, sql, &q, e) != 0)
		return -1;
	va_start(ap, types);
	rc = bind_args(&q, types, ap, e);
	va_end(ap);
	if (rc != 0)
		return -1;
	do
		rc = db_step(&q, e);
	while (rc > 0);
	return rc < 0 ? -1 : sqlite3_changes(c->handle);
}
