/* catalogue.c - see catalogue.h. */
#include "work/catalogue.h"

#include <errno.h>
#include <stdio.h>

#include "base/arena.h"
#include "work/archive.h"
#include "work/replicas.h"

/* How long a point that is found in vault and archive stays in both, if no row says how long it
 * is to. */
#define KEEP_US (INT64_C(30) * 86400 * 1000000)

struct rebuild {
	struct world *world;
	const struct resource *vault;
	struct vault *archive;	/* of the vault; NULL: none */
	bool is_archive;	/* the points are the archive's, those of the vault are through */
	struct vault *copy;	/* of the vault, in the paired region; NULL: none */
	const char *expired;	/* object of a point that was removed on purpose; may be NULL */
	struct db_conn *c;	/* one transaction */
	struct catalogue_stats *stats;
	json_t *ids;		/* owned: {id of a point's row: IN_…} of all that vault and archive have */
};

/* The row's document is what the backup sealed, without what only the vault needs. */
static json_t *document(const json_t *meta)
{
	json_t *doc = json_deep_copy(meta);

	if (doc == NULL)
		return NULL;
	(void)json_object_del(doc, "itemId");
	(void)json_object_del(doc, "vaultId");
	(void)json_object_del(doc, "sourceResourceId");
	return doc;
}

int catalogue_point(const json_t *meta, const char *point, const char *location,
    struct resource *ret, struct err *e)
{
	const char *item = jstr(meta, "itemId", "");
	auto_free char *id = NULL;
	int64_t when = 0;

	if (asprintf(&id, "%s/recoveryPoints/%s", item, point) < 0)
		return err_nomem(e);
	if (resource_init(ret, TYPE_POINT, id, location, item, document(meta), e) != 0)
		return -1;
	(void)time_parse_iso(str_c(jstr(meta, "properties.recoveryPointTime", "")), &when);
	ret->sort = when;
	return 0;
}

#define IN_VAULT 1
#define IN_ARCHIVE 2

static int places_of(const struct rebuild *r, const char *id)
{
	return (int)json_integer_value(json_object_get(r->ids, id));
}

/* Where the point is, the row says; *ret: it has to be written.  Those of the vault first, so
 * that for a point of the archive it is known whether both have it. */
static int tell_place(const struct rebuild *r, struct resource *row, bool *ret, struct err *e)
{
	bool is_told = archive_has(row) && !archive_is_rehydrated(row);

	*ret = false;
	if (!r->is_archive)
		return 0;
	if ((places_of(r, row->id) & IN_VAULT) == 0) {
		*ret = !is_told;
		return is_told ? 0 : archive_tell_archived(row, e);
	}
	if (archive_is_rehydrated(row))
		return 0;
	*ret = true;
	return archive_tell_archived(row, e) != 0 || archive_tell_keep(row,
	    clock_now_us(r->world->clock) + KEEP_US, e) != 0 ? -1 : archive_tell_rehydrated(row, e);
}

static int take_in(struct rebuild *r, struct resource *row, struct err *e)
{
	auto_resource struct resource parent = { 0 }, old = { 0 };
	int found = resource_get(r->c, row->parent, &parent, e);
	bool is_changed;

	if (found == 0)
		r->stats->homeless++;
	if (found <= 0)
		return found;
	if (json_object_set_new(r->ids, row->id, json_integer(places_of(r, row->id) |
	    (r->is_archive ? IN_ARCHIVE : IN_VAULT))) != 0)
		return err_nomem(e);
	found = resource_get(r->c, row->id, &old, e);
	if (found < 0 || tell_place(r, found > 0 ? &old : row, &is_changed, e) != 0)
		return -1;
	if (found > 0 && !is_changed)
		return 0;
	r->stats->added += found == 0;
	return resource_put(r->c, found > 0 ? &old : row, clock_now_us(r->world->clock), e);
}

static int each_point(void *arg, const char *item, const char *point, const json_t *meta,
    const struct err *damage, struct err *e)
{
	auto_resource struct resource row = { 0 };
	struct rebuild *r = arg;

	(void)item;
	r->stats->points++;
	if (damage != NULL) {
		(void)fprintf(stderr, "%s\n", damage->msg);
		r->stats->damaged++;
		return 0;
	}
	return catalogue_point(meta, point, r->vault->location, &row, e) != 0 ? -1 :
	    take_in(r, &row, e);
}

/* One that is out of reach fails: the points that lie there would be taken for lost. */
static int find_archive(struct rebuild *r, struct err *e)
{
	if (!archive_configured(r->world->settings, r->vault->location))
		return 0;
	return archive_open(r->world, r->vault, &r->archive, e) < 0 ? -1 : 0;
}

/* After the vault's own: rows of points that are in both then say so. */
static int archived_points(struct rebuild *r, struct err *e)
{
	r->is_archive = true;
	return r->archive == NULL ? 0 : vault_point_list(r->archive, NULL, each_point, r, e);
}

/* ---- rows whose points the vault does not have ---- */
static int find_copy(struct rebuild *r, struct err *e)
{
	const struct region_settings *to;
	struct err ignored;

	if (!replica_wanted(r->vault) ||
	    settings_copy_region(r->world->settings, r->vault->location, &to, &ignored) != 0)
		return 0;
	if (access(to->store, F_OK) != 0)
		return err_sys(e, errno, "looking for the vault's copy in '%s', the store of region "
		    "'%s'", to->store, to->name);
	return replica_of(r->world, r->vault, to, &r->copy, e) < 0 ? -1 : 0;
}

/* 1 if the copy has the point; one that it cannot read counts, too. */
static int is_in_copy(const struct rebuild *r, const struct resource *row, struct err *e)
{
	auto_point struct vault_point *p = NULL;
	auto_arena struct arena a = { 0 };
	const char *item = arena_lower(&a, str_c(row->parent));
	char object[VAULT_NAME_SIZE];

	if (r->copy == NULL)
		return 0;
	if (item == NULL)
		return err_nomem(e);
	if (vault_point_object(r->copy, item, row->name, object, e) != 0)
		return -1;
	if (r->expired != NULL && strcmp(object, r->expired) == 0)
		return 0;
	if (vault_point_open_object(r->copy, object, &p, e) == 0 || e->kind == ERR_CORRUPT)
		return 1;
	return e->kind == ERR_NOT_FOUND ? 0 : -1;
}

struct stale {
	struct rebuild *r;
	json_t *ids;		/* owned */
	json_t *back;		/* owned: of points that rows have in the archive, but only the vault has */
};

static bool is_of_vault(const struct rebuild *r, const char *id)
{
	return str_istarts(str_c(id), str_c(r->vault->id)) && id[strlen(r->vault->id)] == '/';
}

static int note_stale(void *arg, struct resource *row, struct err *e)
{
	struct stale *s = arg;
	int places = places_of(s->r, row->id), copied;

	if (!is_of_vault(s->r, row->id))
		return 0;
	if (places == IN_VAULT && archive_has(row) &&
	    (s->r->archive != NULL || !archive_is_rehydrated(row)))
		return json_array_append_new(s->back, json_string(row->id)) != 0 ? err_nomem(e) : 0;
	if (places != 0)
		return 0;
	/* The archive of a vault is not known to be lost because it is not where the settings
	 * say. */
	copied = s->r->archive == NULL && archive_has(row) ? 1 : is_in_copy(s->r, row, e);
	if (copied != 0) {
		s->r->stats->kept += copied > 0;
		return copied < 0 ? -1 : 0;
	}
	return json_array_append_new(s->ids, json_string(row->id)) != 0 ? err_nomem(e) : 0;
}

static int bring_back(struct rebuild *r, const json_t *ids, struct err *e)
{
	const json_t *x;
	size_t i;

	json_array_foreach(ids, i, x) {
		auto_resource struct resource row = { 0 };

		if (resource_get(r->c, json_string_value(x), &row, e) < 0 ||
		    archive_tell_vault(&row, e) != 0 ||
		    resource_put(r->c, &row, clock_now_us(r->world->clock), e) != 0)
			return -1;
	}
	return 0;
}

static int drop_stale(struct rebuild *r, struct err *e)
{
	struct resource_query q = { .type = TYPE_POINT };
	auto_json json_t *ids = json_array(), *back = json_array();
	struct stale s = { r, ids, back };
	const json_t *x;
	size_t i;

	if (ids == NULL || back == NULL)
		return err_nomem(e);
	if (resource_list(r->c, &q, note_stale, &s, e) < 0 || bring_back(r, back, e) != 0)
		return -1;
	json_array_foreach(ids, i, x) {
		if (resource_delete(r->c, json_string_value(x), e) < 0)
			return -1;
		r->stats->removed++;
	}
	return 0;
}

int catalogue_rebuild(struct world *w, const struct resource *vault_row, struct vault *v,
    const char *expired, struct catalogue_stats *ret, struct err *e)
{
	auto_json json_t *ids = json_object();
	auto_conn struct db_conn *c = NULL;
	struct rebuild r = { .world = w, .vault = vault_row, .expired = expired,
		.stats = ret, .ids = ids };

	*ret = (struct catalogue_stats){ 0 };
	if (ids == NULL)
		return err_nomem(e);
	if (find_copy(&r, e) != 0 || find_archive(&r, e) != 0 || db_write_begin(w->db, &c, e) != 0)
		return err_in(e, "rebuilding the list of recovery points");
	r.c = c;
	/* A point that cannot be read may be the one behind a row: then rows stay. */
	if (vault_point_list(v, NULL, each_point, &r, e) != 0 || archived_points(&r, e) != 0 ||
	    (ret->damaged == 0 && drop_stale(&r, e) != 0))
		return err_in(e, "rebuilding the list of recovery points");
	return db_commit(&c, e);
}
