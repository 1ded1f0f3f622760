/* migrations.c - the schema, as the steps that lead to it.
 *
 * Entry N (from 1) brings a database from version N-1 to N.  An entry that
 * was released is never edited.  Columns named *_key hold the lower-cased
 * text that look-ups compare with; the column beside keeps the casing given. */
#include "db/conn.h"

static const char *const migrations[] = {
	/* 1 */
	"CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
	"CREATE TABLE principal ("
	" client_id TEXT PRIMARY KEY, object_id TEXT NOT NULL, name TEXT NOT NULL,"
	" role TEXT NOT NULL, secret TEXT NOT NULL);"
	"CREATE TABLE resource ("
	" key TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, type_key TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" subscription TEXT NOT NULL, subscription_key TEXT NOT NULL,"
	" grp TEXT NOT NULL, grp_key TEXT NOT NULL,"
	" location TEXT NOT NULL,"
	" parent TEXT NOT NULL, parent_key TEXT NOT NULL,"
	" ref TEXT NOT NULL, ref_key TEXT NOT NULL,"
	" sort BIGINT NOT NULL, version BIGINT NOT NULL,"
	" created_us BIGINT NOT NULL, changed_us BIGINT NOT NULL, body TEXT NOT NULL);"
	"CREATE INDEX resource_by_group ON resource (subscription_key, grp_key, type_key, key);"
	"CREATE INDEX resource_by_type ON resource (type_key, subscription_key, location, key);"
	"CREATE INDEX resource_by_parent ON resource (parent_key, type_key, sort, key);"
	"CREATE INDEX resource_by_ref ON resource (ref_key, type_key, key);"
	"CREATE TABLE operation ("
	" key TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, vault TEXT NOT NULL,"
	" scope TEXT NOT NULL, status TEXT NOT NULL,"
	" start_us BIGINT NOT NULL, end_us BIGINT NOT NULL,"
	" error_code TEXT, error_message TEXT, job_id TEXT, result TEXT);"
	"CREATE TABLE job ("
	" id TEXT PRIMARY KEY, kind TEXT NOT NULL,"
	" vault TEXT NOT NULL, vault_key TEXT NOT NULL,"
	" item TEXT NOT NULL, item_key TEXT NOT NULL,"
	" operation TEXT NOT NULL, status TEXT NOT NULL,"
	" friendly_name TEXT NOT NULL, container_name TEXT NOT NULL, activity_id TEXT NOT NULL,"
	" cancellable INTEGER NOT NULL,"
	" operation_id TEXT, operation_ends_with_job INTEGER NOT NULL,"
	/* step: the next to run, or with undoing=1 the next to undo; '' when there is none */
	" step TEXT NOT NULL, undoing INTEGER NOT NULL,"
	" cause_kind INTEGER NOT NULL, cause_code TEXT, cause_message TEXT,"
	" lease_holder TEXT NOT NULL, lease_end_us BIGINT NOT NULL,"
	" start_us BIGINT NOT NULL, end_us BIGINT NOT NULL,"
	" done BIGINT NOT NULL, total BIGINT NOT NULL,"
	" args TEXT NOT NULL, state TEXT NOT NULL, tasks TEXT NOT NULL,"
	" bag TEXT NOT NULL, internal_bag TEXT NOT NULL, errors TEXT NOT NULL);"
	"CREATE INDEX job_by_vault ON job (vault_key, start_us, id);"
	"CREATE INDEX job_by_item ON job (item_key, end_us);"
	"CREATE INDEX job_open ON job (end_us, lease_end_us);",
	/* 2: a principal has several credentials; the one it had gets the client id as its own */
	"CREATE TABLE credential ("
	" client_id TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,"
	" created_us BIGINT NOT NULL, expires_us BIGINT NOT NULL,"
	" hint TEXT NOT NULL, secret TEXT NOT NULL, x5t TEXT NOT NULL, x5t_s256 TEXT NOT NULL,"
	" modulus TEXT NOT NULL, exponent TEXT NOT NULL,"
	" issuer TEXT NOT NULL, subject TEXT NOT NULL, audience TEXT NOT NULL,"
	" PRIMARY KEY (client_id, id));"
	"CREATE UNIQUE INDEX credential_by_subject ON credential (issuer, subject)"
	" WHERE kind = 'federated';"
	"INSERT INTO credential SELECT client_id, client_id, 'secret', 0, 0, '', secret, '', '', '',"
	" '', '', '', '' FROM principal;"
	"ALTER TABLE principal DROP COLUMN secret;",
	/* 3 */
	"CREATE TABLE role_assignment ("
	" name TEXT PRIMARY KEY, object_id TEXT NOT NULL, role TEXT NOT NULL,"
	" scope TEXT NOT NULL, scope_key TEXT NOT NULL,"
	" created_us BIGINT NOT NULL, created_by TEXT NOT NULL);"
	"CREATE UNIQUE INDEX role_assignment_by_principal"
	" ON role_assignment (object_id, scope_key, role);"
	"CREATE INDEX role_assignment_by_scope ON role_assignment (scope_key);",
	/* 4 */
	"ALTER TABLE job ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;",
};

static int read_version(struct db_conn *c, int *ret, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(c->handle, "PRAGMA user_version", -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(s, 0);
	(void)sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 0 : db_fail(c, rc, e, "reading the schema version");
}

static int apply_from(struct db_conn *c, int version, struct err *e)
{
	char pragma[64];

	for (size_t i = (size_t)version; i < ARRAY_LEN(migrations); i++)
		if (db_run(c, migrations[i], e) != 0)
			return err_set(e, e->kind, "schema version %zu: %s", i + 1,
			    sqlite3_errmsg(c->handle));
	(void)sqlite3_snprintf((int)sizeof(pragma), pragma, "PRAGMA user_version=%d",
	    (int)ARRAY_LEN(migrations));
	return db_run(c, pragma, e);
}

/* Inside a transaction, so that two programs that start at once do it once. */
static int migrate_locked(struct db_conn *c, struct err *e)
{
	int version = 0;

	if (read_version(c, &version, e) != 0)
		return -1;
	if (version > (int)ARRAY_LEN(migrations))
		return err_set(e, ERR_INVALID, "its schema has version %d, but this program knows "
		    "versions up to %d: it was written by a newer one", version,
		    (int)ARRAY_LEN(migrations));
	return version == (int)ARRAY_LEN(migrations) ? 0 : apply_from(c, version, e);
}

int db_migrate(struct db_conn *c, struct err *e)
{
	if (db_run(c, "BEGIN IMMEDIATE", e) != 0)
		return -1;
	if (migrate_locked(c, e) != 0) {
		(void)sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	return db_run(c, "COMMIT", e);
}
