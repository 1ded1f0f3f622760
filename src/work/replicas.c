/* replicas.c - the registry of open copies.  See replicas.h.
 *
 * An entry is for a directory, not for its name: one that was removed or is out of reach comes
 * back as what it was, with the lock that its vault holds, and another that takes its place is
 * another copy.  Entries stay until the world ends.
 *
 * Lock order: the registry's mutex is held while copies are opened, so that each is opened once;
 * nothing else is taken under it. */
#include "work/replicas.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/log.h"

#define RESCAN_US INT64_C(1000000)

struct replica {
	struct replica *next;
	const char *region;	/* borrowed from the settings */
	char store[GUID_SIZE];	/* name of its directory */
	dev_t dev;		/* which directory that was */
	ino_t ino;
	char *vault_id;		/* owned; NULL as long as the copy does not say */
	struct vault *vault;	/* NULL: it cannot be opened */
	struct err why;		/* of that, or of a document that cannot be read */
};

struct replicas {
	pthread_mutex_t mu;
	struct replica *head;		/* guarded by mu, like all below */
	int64_t scanned_us;		/* monotonic; 0: never */
};

int replicas_new(struct replicas **ret, struct err *e)
{
	struct replicas *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	pthread_mutex_init(&c->mu, NULL);
	*ret = c;
	return 0;
}

void replicas_free(struct replicas *c)
{
	if (c == NULL)
		return;
	while (c->head != NULL) {
		struct replica *x = c->head;

		c->head = x->next;
		vault_close(x->vault);
		free(x->vault_id);
		free(x);
	}
	pthread_mutex_destroy(&c->mu);
	free(c);
}

static struct replicas *registry(struct world *w)
{
	return vault_cache_replicas(w->vaults);
}

/* ---- entries ---- */
static bool identify(const struct region_settings *r, const char *store, struct stat *ret)
{
	auto_arena struct arena a = { 0 };
	struct err ignored;
	const char *dir;

	return replica_dir(r, store, &a, &dir, &ignored) == 0 && stat(dir, ret) == 0;
}

static bool is_of(const struct replica *x, const struct region_settings *r, const char *store,
    const struct stat *st)
{
	return x->dev == st->st_dev && x->ino == st->st_ino && strcmp(x->store, store) == 0 &&
	    strcmp(x->region, r->name) == 0;
}

static struct replica *find(struct replicas *c, const struct region_settings *r, const char *store)
{
	struct replica *x = c->head;
	struct stat st;

	if (!identify(r, store, &st))
		return NULL;
	while (x != NULL && !is_of(x, r, store, &st))
		x = x->next;
	return x;
}

static int add(struct replicas *c, const struct region_settings *r, const char *store,
    struct replica **ret, struct err *e)
{
	struct replica *x;
	struct stat st;

	if (!identify(r, store, &st))
		return err_sys(e, errno, "looking at the copy '%s' in region '%s'", store, r->name);
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		return err_nomem(e);
	x->region = r->name;
	x->dev = st.st_dev;
	x->ino = st.st_ino;
	(void)snprintf(x->store, sizeof(x->store), "%s", store);
	x->next = c->head;
	c->head = x;
	*ret = x;
	return 0;
}

/* ---- opening ---- */
static int read_id(struct replica *x, struct err *e)
{
	auto_resource struct resource row = { 0 };
	int found = replica_vault(x->vault, &row, e);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(e, ERR_CORRUPT, "it does not say which vault it is of");
	x->vault_id = TAKE(row.id);
	return 0;
}

/* What a copy says of itself, once it can be read.  Each reason why it cannot is told once. */
static void look(struct world *w, const struct region_settings *r, struct replica *x)
{
	struct err why = { 0 };

	if (x->vault_id != NULL)
		return;
	if ((x->vault != NULL || replica_load(w, r, x->store, NULL, &x->vault, &why) == 0) &&
	    read_id(x, &why) == 0) {
		x->why = (struct err){ 0 };
		return;
	}
	(void)err_in(&why, "copy '%s' in region '%s'", x->store, x->region);
	if (strcmp(x->why.msg, why.msg) != 0)
		log_event(LOG_WARN, "copy-unreadable", "region", x->region, "store", x->store,
		    "error", why.msg, NULL);
	x->why = why;
}

static int scan_one(struct world *w, const struct region_settings *r, const char *store,
    struct err *e)
{
	struct replicas *c = registry(w);
	struct replica *x = find(c, r, store);

	if (x == NULL && add(c, r, store, &x, e) != 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;	/* removed since it was listed */
	look(w, r, x);
	return 0;
}

static int scan_region(struct world *w, const struct region_settings *r, struct err *e)
{
	auto_arena struct arena a = { 0 };
	const char *path = arena_fmt(&a, "%s/vaults", r->store);
	struct dirent *ent;
	int rc = 0;
	DIR *d;

	if (path == NULL)
		return err_nomem(e);
	d = opendir(path);
	if (d == NULL)
		return errno == ENOENT ? 0 : err_sys(e, errno, "listing '%s'", path);
	while (rc == 0 && (ent = readdir(d)) != NULL)
		if (guid_valid(str_c(ent->d_name)) && replica_is_there(r, ent->d_name))
			rc = scan_one(w, r, ent->d_name, e);
	(void)closedir(d);
	return rc;
}

static int scan(struct world *w, struct err *e)
{
	for (size_t i = 0; i < w->settings->region_count; i++)
		if (w->settings->regions[i].store != NULL &&
		    scan_region(w, &w->settings->regions[i], e) != 0)
			return -1;
	registry(w)->scanned_us = clock_monotonic_us();
	return 0;
}

bool replicas_get(struct world *w, const struct region_settings *r, const char *store,
    struct vault **ret)
{
	struct replicas *c = registry(w);
	const struct replica *x;

	pthread_mutex_lock(&c->mu);
	x = find(c, r, store);
	if (x != NULL && x->vault != NULL)
		*ret = x->vault;
	pthread_mutex_unlock(&c->mu);
	return x != NULL && x->vault != NULL;
}

int replicas_add(struct world *w, const struct region_settings *r, const char *store,
    struct vault *v, struct vault **ret, struct err *e)
{
	struct replicas *c = registry(w);
	struct replica *x;
	int rc = 0;

	pthread_mutex_lock(&c->mu);
	x = find(c, r, store);
	if (x == NULL)
		rc = add(c, r, store, &x, e);
	if (rc == 0) {
		if (x->vault == NULL)
			x->vault = TAKE(v);
		look(w, r, x);
		*ret = x->vault;
	}
	pthread_mutex_unlock(&c->mu);
	vault_close(v);
	return rc;
}

int replicas_scan(struct world *w, struct err *e)
{
	struct replicas *c = registry(w);
	int64_t now = clock_monotonic_us();
	int r = 0;

	pthread_mutex_lock(&c->mu);
	if (c->scanned_us == 0 || now - c->scanned_us >= RESCAN_US)
		r = scan(w, e);
	pthread_mutex_unlock(&c->mu);
	return r;
}

int replicas_each(struct world *w, replica_fn *fn, void *arg, struct err *e)
{
	struct replicas *c = registry(w);
	int r = 0;

	pthread_mutex_lock(&c->mu);
	for (const struct replica *x = c->head; r == 0 && x != NULL; x = x->next) {
		const struct region_settings *region = settings_region(w->settings, x->region);
		const struct replica_info info = { region, x->store, x->vault_id,
			replica_made_us(region, x->store), x->vault_id != NULL ? x->vault : NULL,
			&x->why };

		if (info.made_us != 0 && find(c, region, x->store) == x)
			r = fn(arg, &info, e);
	}
	pthread_mutex_unlock(&c->mu);
	return r;
}
