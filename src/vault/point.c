/* point.c - recovery points: one small sealed object each. */
#include "vault/engine.h"

#include <stdio.h>

#include "base/codec.h"
#include "vault/check.h"
#include "vault/sealed.h"

#define POINT_NAME_CHARS_MAX 128

static bool is_hex(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < '0' || p[i] > '9') && (p[i] < 'a' || p[i] > 'f'))
			return false;
	return true;
}

bool point_object_valid(const char *name)
{
	const size_t digits = 2 * (size_t)SHA256_SIZE, before = strlen("points/") + digits + 1;
	const char *point;

	if (strlen(name) <= before || !is_hex(name + strlen("points/"), digits))
		return false;
	point = name + before;
	return point[-1] == '/' && strlen(point) <= POINT_NAME_CHARS_MAX &&
	    strchr(point, '/') == NULL;
}

int point_object_name(struct vault *v, const char *item, const char *point,
    char ret[POINT_NAME_SIZE], struct err *e)
{
	char hex[HEX_SIZE(SHA256_SIZE)];
	uint8_t h[SHA256_SIZE];

	if (point != NULL && (strlen(point) > POINT_NAME_CHARS_MAX ||
	    strchr(point, '/') != NULL || !object_name_valid(point)))
		return err_set(e, ERR_INVALID, "'%.200s' cannot name a point", point);
	/* Keyed, so that names in the store do not tell what is protected. */
	if (hmac_sha256(v->keys.item, sizeof(v->keys.item), item, strlen(item), h, e) != 0)
		return -1;
	(void)snprintf(ret, POINT_NAME_SIZE, "points/%s/%s", hex_encode(h, sizeof(h), hex),
	    point != NULL ? point : "");
	return 0;
}

static const struct sealed_kind point_kind = { "HFPOINT", "holdfast point", "point" };

static int seal(struct vault *v, const char *name, const struct point_body *b, struct buf *out,
    struct err *e)
{
	auto_buf struct buf plain = { 0 };

	if (point_body_write(b, &plain, e) != 0 || sealed_make(v, &point_kind, name, &plain, out, e) != 0)
		return -1;
	if (out->n > POINT_MAX)
		return err_set(e, ERR_INVALID, "the point's object would be of %zu bytes, over %zu",
		    out->n, POINT_MAX);
	return 0;
}

/* Room to tell a collection of the point's roots, so that telling cannot fail. */
static int reserve(struct vault *v, const struct point_body *b, struct err *e)
{
	size_t need;
	int r = 0;

	pthread_mutex_lock(&v->roots_mu);
	need = v->committed_count + b->disk_count;
	if (need > v->committed_cap) {
		struct chunk_id *ids = reallocarray(v->committed, need * 2, sizeof(*ids));
		unsigned *levels;

		if (ids != NULL)
			v->committed = ids;
		levels = reallocarray(v->committed_levels, need * 2, sizeof(*levels));
		if (levels != NULL)
			v->committed_levels = levels;
		if (ids == NULL || levels == NULL)
			r = err_nomem(e);
		else
			v->committed_cap = need * 2;
	}
	pthread_mutex_unlock(&v->roots_mu);
	return r;
}

/* A collection under way may have listed the points before this one came. */
static void tell_collection(struct vault *v, const struct point_body *b)
{
	pthread_mutex_lock(&v->roots_mu);
	for (size_t i = 0; v->is_collecting && i < b->disk_count; i++) {
		v->committed[v->committed_count] = b->disks[i].root;
		v->committed_levels[v->committed_count++] = b->disks[i].levels;
	}
	pthread_mutex_unlock(&v->roots_mu);
}

static int put_locked(struct vault *v, const char *name, const struct buf *bytes, struct err *e)
{
	struct object_info info;
	int found = object_head(v->store, name, &info, e);

	if (found < 0)
		return -1;
	if (found > 0)
		return err_set(e, ERR_CONFLICT, "the item has a point of that name already");
	if (object_put(v->store, name, bytes->p, bytes->n, e) != 0) {
		struct err ignored;

		/* It may be there all the same (say, only the last sync failed), and the
		 * caller will say that the backup failed: make that true if we can. */
		(void)!object_del(v->store, name, &ignored);
		return -1;
	}
	return 0;
}

int point_put_sealed(struct vault *v, const char *name, const struct buf *bytes,
    const struct point_body *b, struct err *e)
{
	int r;

	pthread_mutex_lock(&v->commit_mu);
	r = reserve(v, b, e);
	if (r == 0) {
		r = put_locked(v, name, bytes, e);
		tell_collection(v, b);	/* after a failure too: it may be there all the same */
	}
	pthread_mutex_unlock(&v->commit_mu);
	return r;
}

int point_put(struct vault *v, const struct point_body *b, struct err *e)
{
	auto_buf struct buf bytes = { 0 };
	char name[POINT_NAME_SIZE];

	if (point_object_name(v, b->item, b->name, name, e) != 0 ||
	    seal(v, name, b, &bytes, e) != 0)
		return -1;
	return point_put_sealed(v, name, &bytes, b, e);
}

/* ERR_NOT_FOUND if the object is not there. */
int point_load(struct vault *v, const char *name, struct vault_point **ret, struct err *e)
{
	auto_point struct vault_point *p = calloc(1, sizeof(*p));
	auto_buf struct buf b = { 0 };
	struct str plain;

	if (p == NULL)
		return err_nomem(e);
	p->v = v;
	if (sealed_get(v, &point_kind, name, POINT_MAX, &b, &plain, e) != 0)
		return -1;
	if (point_body_parse(plain.p, plain.n, &p->body, e) != 0)
		return err_in(e, "object '%s'", name);
	if (jparse(str_c(p->body.meta), &p->meta, e) != 0) {
		if (e->kind == ERR_INVALID)
			e->kind = ERR_CORRUPT;
		return err_in(e, "object '%s'", name);
	}
	*ret = TAKE(p);
	return 0;
}

/* ---- roots: what open points keep from being collected ---- */
static void keep_roots(struct vault_point *p)
{
	struct vault *v = p->v;

	pthread_mutex_lock(&v->roots_mu);
	p->roots = (struct vault_roots){ v->roots, &v->roots, &p->body };
	if (v->roots != NULL)
		v->roots->prev = &p->roots.next;
	v->roots = &p->roots;
	pthread_mutex_unlock(&v->roots_mu);
}

static void drop_roots(struct vault_point *p)
{
	if (p->roots.body == NULL)
		return;
	pthread_mutex_lock(&p->v->roots_mu);
	*p->roots.prev = p->roots.next;
	if (p->roots.next != NULL)
		p->roots.next->prev = p->roots.prev;
	pthread_mutex_unlock(&p->v->roots_mu);
}

/* However often looking for moved chunks was futile for other points: this one is there. */
static void look_eagerly(struct vault *v)
{
	pthread_rwlock_wrlock(&v->index_lock);
	v->idle_refreshes = 0;
	pthread_rwlock_unlock(&v->index_lock);
}

/* Read, keep, and look if it is still there: a collection that did not find the point any more
 * finds its roots, or we find that the point is gone. */
int point_open(struct vault *v, const char *name, struct vault_point **ret, struct err *e)
{
	auto_point struct vault_point *p = NULL;
	struct object_info info;
	int r;

	if (point_load(v, name, &p, e) != 0)
		return -1;
	keep_roots(p);
	r = object_head(v->store, name, &info, e);
	if (r <= 0)
		return r < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "it was removed");
	look_eagerly(v);
	*ret = TAKE(p);
	return 0;
}

int vault_point_open(struct vault *v, const char *item, const char *point,
    struct vault_point **ret, struct err *e)
{
	char name[POINT_NAME_SIZE];

	if (point_object_name(v, item, point, name, e) != 0)
		return -1;
	if (point_open(v, name, ret, e) == 0)
		return 0;
	if (e->kind == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND, "item '%.200s' has no point '%.128s' in the vault",
		    item, point);
	return err_in(e, "opening point '%.128s'", point);
}

void vault_point_close(struct vault_point *p)
{
	if (p == NULL)
		return;
	drop_roots(p);
	json_decref(p->meta);
	point_body_done(&p->body);
	free(p);
}

const char *vault_point_item(const struct vault_point *p)
{
	return p->body.item;
}

const json_t *vault_point_meta(const struct vault_point *p)
{
	return p->meta;
}

const struct point_disk *point_disk(const struct vault_point *p, const char *name)
{
	for (size_t i = 0; i < p->body.disk_count; i++)
		if (strcmp(p->body.disks[i].name, name) == 0)
			return &p->body.disks[i];
	return NULL;
}

const char *vault_point_disk_name(const struct vault_point *p, size_t i)
{
	return i < p->body.disk_count ? p->body.disks[i].name : NULL;
}

int64_t vault_point_disk_size(const struct vault_point *p, const char *name)
{
	const struct point_disk *d = point_disk(p, name);

	return d != NULL ? d->size : -1;
}

int64_t vault_point_disk_data(const struct vault_point *p, const char *name)
{
	const struct point_disk *d = point_disk(p, name);

	return d != NULL ? d->data : -1;
}

struct listing {
	struct vault *v;
	vault_point_fn *fn;
	void *arg;
};

static int list_one(void *arg, const struct object_info *info, struct err *e)
{
	const struct listing *l = arg;
	auto_point struct vault_point *p = NULL;
	struct err why = { 0 };

	if (!point_object_valid(info->name))
		return 0;
	if (point_load(l->v, info->name, &p, &why) == 0)
		return l->fn(l->arg, p->body.item, p->body.name, p->meta, NULL, e);
	if (why.kind == ERR_NOT_FOUND)
		return 0;	/* deleted while we list */
	if (why.kind == ERR_CORRUPT)
		return l->fn(l->arg, NULL, info->name, NULL, &why, e);
	*e = why;
	return -1;
}

int vault_point_list(struct vault *v, const char *item, vault_point_fn *fn, void *arg,
    struct err *e)
{
	struct listing l = { .v = v, .fn = fn, .arg = arg };
	char prefix[POINT_NAME_SIZE] = "points/";

	if (item != NULL && point_object_name(v, item, NULL, prefix, e) != 0)
		return -1;
	return object_list(v->store, prefix, list_one, &l, e);
}

int point_remove(struct vault *v, const char *name, struct err *e)
{
	struct object_info info;
	int r;

	pthread_mutex_lock(&v->commit_mu);
	r = object_head(v->store, name, &info, e);
	if (r > 0 && object_del(v->store, name, e) != 0)
		r = -1;
	if (r > 0)
		check_drop(v, name);
	pthread_mutex_unlock(&v->commit_mu);
	return r;
}

int vault_point_delete(struct vault *v, const char *item, const char *point, struct err *e)
{
	char name[POINT_NAME_SIZE];
	int r;

	if (point_object_name(v, item, point, name, e) != 0 || vault_lock_writer(v, e) != 0)
		return -1;
	r = point_remove(v, name, e);
	return r < 0 ? err_in(e, "deleting point '%.128s'", point) : r;
}

int vault_point_delete_damaged(struct vault *v, const char *object, struct err *e)
{
	struct vault_point *p = NULL;
	int r;

	if (strncmp(object, "points/", 7) != 0 || !point_object_valid(object))
		return err_set(e, ERR_INVALID, "'%.200s' is not the name of a point's object", object);
	if (point_load(v, object, &p, e) == 0) {
		(void)err_set(e, ERR_CONFLICT, "object '%s' is point '%.128s', which is not damaged", object,
		    p->body.name);
		vault_point_close(p);
		return -1;
	}
	if (e->kind != ERR_CORRUPT)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	if (vault_lock_writer(v, e) != 0)
		return -1;
	r = point_remove(v, object, e);
	return r < 0 ? err_in(e, "removing '%s'", object) : r;
}
