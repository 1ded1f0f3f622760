/* power_disk.c - a directory as the disk may have it after a power cut.  See power.h. */
#include "power.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "vault_kit.h"

#define BLOCK ((size_t)4096)

struct file {
	bool is_made;
	uint8_t *p;		/* owned; zeros where nothing was written */
	size_t n, cap;
};

struct power_disk {
	const struct power_cut *cut;
	uint64_t *rng;
	bool is_named[POWER_EVENTS];	/* events whose name is on the disk */
	struct file files[POWER_NODES];
};

static bool flip(struct power_disk *d)
{
	return kit_pick(d->rng, 2) == 0;
}

static bool counts_as_sync(const struct power_cut *c, unsigned i)
{
	enum power_kind kind = power_events[i].kind;
	unsigned from = kind == POWER_SYNC ? c->forget_files_from : c->forget_dirs_from;

	return (kind == POWER_SYNC || kind == POWER_SYNC_DIR) && (from == 0 || i < from);
}

/* Behind the last event of the prefix that syncs `node` (0: anything). */
static unsigned synced_to(const struct power_cut *c, int node)
{
	for (unsigned i = c->prefix; i-- > 0;)
		if (counts_as_sync(c, i) && (node == 0 || power_events[i].node == node))
			return i + 1;
	return 0;
}

/* ---- names ---- */
static void name_in_order(struct power_disk *d)
{
	const struct power_cut *c = d->cut;
	unsigned from = synced_to(c, 0);
	unsigned to = c->names == OLDEST ? from : c->names == NEWEST ? c->prefix :
	    from + kit_pick(d->rng, c->prefix - from + 1);

	if (to > 0 && power_events[to - 1].with_next)
		to--;
	for (unsigned i = 0; i < to; i++)
		d->is_named[i] = power_events[i].kind == POWER_NAME;
}

static bool is_first_of_name(unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (power_events[k].kind == POWER_NAME && power_events[k].node == power_events[i].node &&
		    strcmp(power_events[k].name, power_events[i].name) == 0)
			return false;
	return true;
}

/* Of one name, all its states from the durable one on may be there. */
static void name_one(struct power_disk *d, unsigned first)
{
	const struct power_event *v = &power_events[first];
	unsigned durable = synced_to(d->cut, v->node), states[64], n = 0, pick;

	states[n++] = POWER_EVENTS;	/* as it was before: not there */
	for (unsigned i = first; i < d->cut->prefix; i++) {
		if (power_events[i].kind != POWER_NAME || power_events[i].node != v->node ||
		    strcmp(power_events[i].name, v->name) != 0)
			continue;
		if (i < durable)
			n = 0;
		if (n < ARRAY_LEN(states))
			states[n++] = i;
	}
	pick = d->cut->names == OLDEST ? 0 : d->cut->names == NEWEST ? n - 1 : kit_pick(d->rng, n);
	if (states[pick] != POWER_EVENTS)
		d->is_named[states[pick]] = true;
}

static int value_of(const struct power_disk *d, int dir, const char *name)
{
	for (unsigned i = d->cut->prefix; i-- > 0;)
		if (d->is_named[i] && power_events[i].node == dir &&
		    strcmp(power_events[i].name, name) == 0)
			return power_events[i].value;
	return 0;
}

/* ---- bytes ---- */
static void grow(struct file *f, size_t n)
{
	if (n > f->cap) {
		size_t cap = n + n / 2 + BLOCK;
		uint8_t *p = realloc(f->p, cap);

		if (p == NULL)
			abort();
		memset(p + f->cap, 0, cap - f->cap);
		f->p = p;
		f->cap = cap;
	}
	if (n > f->n)
		f->n = n;
}

static void put(struct file *f, int64_t offset, const uint8_t *p, size_t n)
{
	grow(f, (size_t)offset + n);
	memcpy(f->p + offset, p, n);
}

static void put_blocks(struct power_disk *d, struct file *f, const struct power_event *v)
{
	for (size_t at = 0, n; at < v->n; at += n) {
		n = BLOCK - ((size_t)v->offset + at) % BLOCK;
		if (n > v->n - at)
			n = v->n - at;
		if (flip(d))
			put(f, v->offset + (int64_t)at, v->data + at, n);
	}
	if (flip(d))
		grow(f, (size_t)v->offset + v->n);
}

static void resize(struct file *f, size_t n)
{
	if (n < f->n)
		memset(f->p + n, 0, f->n - n);
	f->n = n < f->n ? n : f->n;
	grow(f, n);
}

static void apply(struct power_disk *d, const struct power_event *v, bool is_synced)
{
	struct file *f = &d->files[v->node];

	if (!is_synced && d->cut->data == NOTHING)
		return;
	if (v->kind == POWER_SIZE) {
		if (is_synced || d->cut->data == EVERYTHING || flip(d))
			resize(f, (size_t)v->offset);
	} else if (is_synced || d->cut->data == EVERYTHING) {
		put(f, v->offset, v->data, v->n);
	} else {
		put_blocks(d, f, v);
	}
}

static void fill(struct power_disk *d, int node)
{
	unsigned durable = synced_to(d->cut, node);

	if (d->files[node].is_made)
		return;
	d->files[node].is_made = true;
	for (unsigned i = 0; i < d->cut->prefix; i++) {
		const struct power_event *v = &power_events[i];

		if (v->node == node && (v->kind == POWER_WRITE || v->kind == POWER_SIZE))
			apply(d, v, i < durable);
	}
}

/* ---- all of it ---- */
struct power_disk *power_disk_new(const struct power_cut *c, uint64_t *rng)
{
	struct power_disk *d = calloc(1, sizeof(*d));

	if (d == NULL)
		abort();
	d->cut = c;
	d->rng = rng;
	if (c->in_order)
		name_in_order(d);
	for (unsigned i = 0; !c->in_order && i < c->prefix; i++)
		if (power_events[i].kind == POWER_NAME && is_first_of_name(i))
			name_one(d, i);
	for (unsigned i = 0; i < c->prefix; i++)
		if (d->is_named[i] && power_events[i].value != 0 &&
		    !power_is_dir[power_events[i].value])
			fill(d, power_events[i].value);
	return d;
}

void power_disk_free(struct power_disk *d)
{
	for (size_t i = 0; d != NULL && i < POWER_NODES; i++)
		free(d->files[i].p);
	free(d);
}

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t x;

	for (; n >= sizeof(x); n -= sizeof(x), b += sizeof(x)) {
		memcpy(&x, b, sizeof(x));
		h = (h ^ x) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 29;
	}
	for (; n > 0; n--)
		h = (h ^ *b++) * 0x100000001b3ULL;
	return h;
}

/* Called for every name that is there, in the order of the log. */
typedef int visit_fn(const struct power_disk *d, int dir, const struct power_event *v, void *arg,
    struct err *e);

static int each(const struct power_disk *d, int dir, visit_fn *fn, void *arg, struct err *e)
{
	for (unsigned i = 0; i < d->cut->prefix; i++) {
		const struct power_event *v = &power_events[i];

		if (d->is_named[i] && v->node == dir && v->value != 0 &&
		    value_of(d, dir, v->name) == v->value && fn(d, dir, v, arg, e) != 0)
			return -1;
	}
	return 0;
}

static int hash_one(const struct power_disk *d, int dir, const struct power_event *v, void *arg,
    struct err *e)
{
	const struct file *f = &d->files[v->value];
	uint64_t *h = arg;

	(void)dir;
	*h = mix(*h, v->name, strlen(v->name) + 1);
	*h = mix(*h, &f->n, sizeof(f->n));
	*h = f->n > 0 ? mix(*h, f->p, f->n) : *h;
	return power_is_dir[v->value] ? each(d, v->value, hash_one, arg, e) : 0;
}

uint64_t power_disk_hash(const struct power_disk *d)
{
	struct err ignored;
	uint64_t h = 1;

	(void)!each(d, POWER_ROOT, hash_one, &h, &ignored);
	return h;
}

static int write_one(const struct power_disk *d, int dir, const struct power_event *v, void *arg,
    struct err *e)
{
	const struct file *f = &d->files[v->value];
	const char *up = arg;
	char path[512];

	(void)dir;
	(void)snprintf(path, sizeof(path), "%s/%s", up, v->name);
	if (power_is_dir[v->value]) {
		if (mkdir(path, 0700) != 0)
			return err_sys(e, errno, "making '%s'", path);
		return each(d, v->value, write_one, path, e);
	} else {
		auto_close int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

		if (fd < 0)
			return err_sys(e, errno, "making '%s'", path);
		return f->n == 0 ? 0 : fs_pwrite_full(fd, f->p, f->n, 0, path, e);
	}
}

int power_disk_write(const struct power_disk *d, const char *root, struct err *e)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s", root);
	return each(d, POWER_ROOT, write_one, path, e);
}
