/* db.h - the control plane's database: SQL with one text for every engine.
 *
 * Parameters are written $1, $2, … and bound by name, because SQLite numbers
 * such names by first appearance.  SQLite in WAL mode, synchronous=FULL.
 * There is exactly one writer connection, which alone checkpoints; a write
 * transaction waits its turn for it.  Readers take a connection from a pool
 * and see one snapshot from begin to end.
 *
 * Lock order: a thread holds at most one connection at a time. */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/base.h"

struct db;
struct db_conn;	/* one open transaction */

/* Open or create the database at `path` and bring its schema up to date. */
must_check int db_open(const char *path, struct db **ret, struct err *e);
void db_close(struct db *db);

must_check int db_read_begin(struct db *db, struct db_conn **ret, struct err *e);
must_check int db_write_begin(struct db *db, struct db_conn **ret, struct err *e);

/* Makes the transaction durable and sets *c to NULL, also on failure (the
 * transaction is then rolled back).  For a read transaction it only ends it. */
must_check int db_commit(struct db_conn **c, struct err *e);

/* Ends the transaction without effect; NULL is fine.  For auto_conn. */
void db_rollback(struct db_conn **c);
#define auto_conn cleanup_with(db_rollback)

/* A prepared statement inside a transaction (cached by text). */
struct db_stmt {
	struct db_conn *conn;
	void *impl;
	uint64_t turn;	/* which of the connection's transactions it belongs to */
};
void db_stmt_done(struct db_stmt *q);
#define auto_stmt cleanup_with(db_stmt_done)

must_check int db_prepare(struct db_conn *c, const char *sql, struct db_stmt *ret, struct err *e);

/* Bound text is borrowed until the statement is done. */
must_check int db_bind_str(struct db_stmt *q, unsigned n, struct str v, struct err *e);
must_check int db_bind_text(struct db_stmt *q, unsigned n, const char *v, struct err *e); /* NULL: null */
must_check int db_bind_int(struct db_stmt *q, unsigned n, int64_t v, struct err *e);
must_check int db_bind_real(struct db_stmt *q, unsigned n, double v, struct err *e);
must_check int db_bind_null(struct db_stmt *q, unsigned n, struct err *e);

/* 1: a row is ready.  0: no more.  -1: failed (ERR_CONFLICT for a unique or
 * primary key violation, ERR_NO_SPACE for a full disk). */
must_check int db_step(struct db_stmt *q, struct err *e);

/* Columns count from 0; text is borrowed until the next step, NULL if null. */
const char *db_col_text(struct db_stmt *q, unsigned col);
int64_t db_col_int(struct db_stmt *q, unsigned col);
double db_col_real(struct db_stmt *q, unsigned col);
bool db_col_null(struct db_stmt *q, unsigned col);

/* Run one statement that returns no rows, binding `args` by a format string:
 * 's' const char * (NULL is null), 'i' int64_t, 'r' double.  The number of
 * rows it changed, or -1. */
must_check int db_exec(struct db_conn *c, struct err *e, const char *sql, const char *types, ...);

#endif
