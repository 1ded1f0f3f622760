/* conn.h - inside src/db: one connection, its statements, and the schema. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <sqlite3.h>

#include "db/db.h"

/* One prepared text.  `used` while a struct db_stmt refers to it. */
struct db_entry {
	struct db_entry *next;
	sqlite3_stmt *stmt;
	char *sql;		/* owned */
	bool used;
	bool kept;		/* stays in the cache when it is no longer used */
};

struct db_conn {
	struct db *db;
	sqlite3 *handle;
	bool is_writer;
	struct db_conn *next;		/* in the pool's list of idle connections */
	struct db_entry *entries;	/* touched only by the holder of the transaction */
	unsigned kept_count;
	/* Counts transactions.  A statement that outlives its transaction must not touch a
	 * connection that somebody else holds by then, and tells by this that it did. */
	_Atomic uint64_t turn;
};

/* Fill `e` from the connection's last error. */
int db_fail(const struct db_conn *c, int rc, struct err *e, const char *what);
int db_run(struct db_conn *c, const char *sql, struct err *e);	/* no rows, no parameters */

void db_entries_idle(struct db_conn *c);	/* at the end of a transaction */
void db_entries_free(struct db_conn *c);

must_check int db_migrate(struct db_conn *c, struct err *e);	/* the schema, up to date */

#endif
