/* sqlite.c - connections to the SQLite file: one writer, a pool of readers. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "db/conn.h"

#define READERS_MAX 16
#define BUSY_MS 10000	/* other processes, such as the command line, write too */

struct db {
	char *path;			/* owned */
	pthread_mutex_t writing;	/* held from db_write_begin() to its end */
	struct db_conn *writer;
	pthread_mutex_t mu;		/* guards the three below */
	pthread_cond_t freed;
	struct db_conn *idle;
	unsigned open_count;
};

static bool disk_is_full(const struct db_conn *c, int rc)
{
	if ((rc & 0xff) == SQLITE_FULL)
		return true;
	if ((rc & 0xff) != SQLITE_IOERR || c->handle == NULL)
		return false;
	rc = sqlite3_system_errno(c->handle);
	return rc == ENOSPC || rc == EDQUOT;
}

static enum err_kind kind_of(const struct db_conn *c, int rc)
{
	if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE)
		return ERR_CONFLICT;
	if (disk_is_full(c, rc))
		return ERR_NO_SPACE;
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return ERR_INVALID;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_READONLY:
		return ERR_DENIED;
	case SQLITE_ERROR:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return ERR_BUG;
	default:
		return ERR_IO;
	}
}

int db_fail(const struct db_conn *c, int rc, struct err *e, const char *what)
{
	return err_set(e, kind_of(c, rc), "%s: %s", what,
	    c->handle != NULL ? sqlite3_errmsg(c->handle) : sqlite3_errstr(rc));
}

int db_run(struct db_conn *c, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(c->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(c, rc, e, sql);
}

static void conn_free(struct db_conn *c)
{
	if (c == NULL)
		return;
	db_entries_free(c);
	(void)sqlite3_close(c->handle);
	free(c);
}

static void conn_free_p(struct db_conn **c)
{
	conn_free(*c);
}

static int conn_setup(struct db_conn *c, struct err *e)
{
	(void)sqlite3_busy_timeout(c->handle, BUSY_MS);
	if (db_run(c, "PRAGMA foreign_keys=ON", e) != 0)
		return -1;
	if (c->is_writer)
		return db_run(c, "PRAGMA journal_mode=WAL", e) != 0 ||
		    db_run(c, "PRAGMA synchronous=FULL", e) != 0 ||
		    db_run(c, "PRAGMA wal_autocheckpoint=1000", e) != 0 ? -1 : 0;
	/* Only the writer checkpoints: a reader that did would stall its own request. */
	(void)sqlite3_db_config(c->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return db_run(c, "PRAGMA wal_autocheckpoint=0", e) != 0 ||
	    db_run(c, "PRAGMA query_only=ON", e) != 0 ? -1 : 0;
}

static int conn_open(struct db *db, bool is_writer, struct db_conn **ret, struct err *e)
{
	cleanup_with(conn_free_p) struct db_conn *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_nomem(e);
	c->db = db;
	c->is_writer = is_writer;
	rc = sqlite3_open_v2(db->path, &c->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		return db_fail(c, rc, e, "opening");
	if (conn_setup(c, e) != 0)
		return -1;
	*ret = TAKE(c);
	return 0;
}

/* Made by us, because SQLite would make it readable by everybody.  Before SQLite opens it: POSIX
 * drops all of a process's locks on a file when any descriptor of it is closed, and another
 * program would then take itself for the last one and remove the log under us. */
static int make_private(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(e, errno, "opening database '%s'", path);
	(void)close(fd);
	return 0;
}

static int open_writer(struct db *db, struct err *e)
{
	if (make_private(db->path, e) != 0)
		return -1;
	if (conn_open(db, true, &db->writer, e) != 0 || db_migrate(db->writer, e) != 0)
		return err_in(e, "database '%s'", db->path);
	return 0;
}

void db_close(struct db *db)
{
	if (db == NULL)
		return;
	while (db->idle != NULL) {
		struct db_conn *c = db->idle;

		db->idle = c->next;
		conn_free(c);
	}
	conn_free(db->writer);
	(void)pthread_cond_destroy(&db->freed);
	(void)pthread_mutex_destroy(&db->mu);
	(void)pthread_mutex_destroy(&db->writing);
	free(db->path);
	free(db);
}

int db_open(const char *path, struct db **ret, struct err *e)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return err_nomem(e);
	(void)pthread_mutex_init(&db->writing, NULL);
	(void)pthread_mutex_init(&db->mu, NULL);
	(void)pthread_cond_init(&db->freed, NULL);
	db->path = strdup(path);
	if ((db->path == NULL ? err_nomem(e) : open_writer(db, e)) != 0) {
		db_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

/* An idle reader, NULL with a place reserved for a new one, after waiting for either. */
static struct db_conn *reader_take(struct db *db)
{
	struct db_conn *c;

	(void)pthread_mutex_lock(&db->mu);
	while (db->idle == NULL && db->open_count >= READERS_MAX)
		(void)pthread_cond_wait(&db->freed, &db->mu);
	c = db->idle;
	if (c != NULL)
		db->idle = c->next;
	else
		db->open_count++;
	(void)pthread_mutex_unlock(&db->mu);
	return c;
}

static void reader_give(struct db *db, struct db_conn *c)
{
	(void)pthread_mutex_lock(&db->mu);
	if (c != NULL) {
		c->next = db->idle;
		db->idle = c;
	} else {
		db->open_count--;
	}
	(void)pthread_cond_signal(&db->freed);
	(void)pthread_mutex_unlock(&db->mu);
}

/* BEGIN alone takes no snapshot; the first read does. */
static int snapshot(struct db_conn *c, struct err *e)
{
	return db_run(c, "BEGIN", e) != 0 ||
	    db_run(c, "SELECT 1 FROM fact LIMIT 1", e) != 0 ? -1 : 0;
}

static void roll_back(struct db_conn *c)
{
	if (!sqlite3_get_autocommit(c->handle))
		(void)sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL);
}

static void end_turn(struct db_conn *c)
{
	db_entries_idle(c);
	c->turn++;
}

static void hand_back(struct db_conn *c)
{
	if (c->is_writer)
		(void)pthread_mutex_unlock(&c->db->writing);
	else
		reader_give(c->db, c);
}

int db_read_begin(struct db *db, struct db_conn **ret, struct err *e)
{
	struct db_conn *c = reader_take(db);

	if (c == NULL && conn_open(db, false, &c, e) != 0) {
		reader_give(db, NULL);
		return err_in(e, "database '%s'", db->path);
	}
	if (snapshot(c, e) != 0) {
		roll_back(c);
		reader_give(db, c);
		return err_in(e, "database '%s'", db->path);
	}
	*ret = c;
	return 0;
}

int db_write_begin(struct db *db, struct db_conn **ret, struct err *e)
{
	(void)pthread_mutex_lock(&db->writing);
	if (db_run(db->writer, "BEGIN IMMEDIATE", e) != 0) {
		(void)pthread_mutex_unlock(&db->writing);
		return err_in(e, "database '%s'", db->path);
	}
	*ret = db->writer;
	return 0;
}

int db_commit(struct db_conn **c, struct err *e)
{
	struct db_conn *x = TAKE(*c);
	int rc;

	end_turn(x);
	rc = db_run(x, "COMMIT", e);
	if (rc != 0) {
		(void)err_in(e, "database '%s'", x->db->path);
		roll_back(x);
	}
	hand_back(x);
	return rc;
}

void db_rollback(struct db_conn **c)
{
	struct db_conn *x = TAKE(*c);

	if (x == NULL)
		return;
	end_turn(x);
	roll_back(x);
	hand_back(x);
}
