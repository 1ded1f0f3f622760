/* point_format.c - a recovery point's object, and the header of sealed objects, as bytes.  See format.h. */
#include "vault/format.h"
#include "vault/wire.h"

#define TEXT_MAX 65535u		/* item, names; the meta may be longer */

void point_body_done(struct point_body *b)
{
	for (size_t i = 0; i < b->disk_count; i++)
		free(b->disks[i].name);
	free(b->disks);
	free(b->item);
	free(b->name);
	free(b->meta);
	*b = (struct point_body){ 0 };
}

void sealed_header_write(const char magic[8], const uint8_t salt[16],
    uint8_t out[SEALED_HEADER_SIZE])
{
	uint8_t *p = wr_bytes(out, magic, 8);

	p = wr_le(p, FORMAT_VERSION, 4);
	p = wr_le(p, 0, 4);
	(void)wr_bytes(p, salt, 16);
}

int sealed_header_parse(const char magic[8], const char *what, const void *p, size_t n,
    uint8_t ret_salt[16], struct err *e)
{
	struct rd r = rd_over(p, n);
	uint64_t version, reserved;

	if (!rd_is(&r, magic, 8))
		return err_set(e, ERR_CORRUPT, "%s does not begin as one", what);
	version = rd_le(&r, 4);
	reserved = rd_le(&r, 4);
	/* The vault's version is in its config, and was known: another one here is damage. */
	if (r.bad || rd_left(&r) < 16 || reserved != 0 || version > FORMAT_VERSION)
		return err_set(e, ERR_CORRUPT, "%s header is damaged", what);
	rd_bytes(&r, ret_salt, 16);
	return 0;
}

static void put_text(struct buf *out, const char *z, unsigned width)
{
	size_t n = strlen(z);

	buf_le(out, n, width);
	buf_add(out, z, n);
}

int point_body_write(const struct point_body *b, struct buf *out, struct err *e)
{
	if (strlen(b->item) > TEXT_MAX || strlen(b->name) > TEXT_MAX ||
	    strlen(b->meta) > POINT_MAX / 2)
		return err_set(e, ERR_INVALID, "item, name or description of point '%.100s' is "
		    "too long", b->name);
	if (b->disk_count > POINT_DISKS_MAX)
		return err_set(e, ERR_INVALID, "point '%.100s' has %zu disks, over %u", b->name,
		    b->disk_count, POINT_DISKS_MAX);
	put_text(out, b->item, 2);
	put_text(out, b->name, 2);
	put_text(out, b->meta, 4);
	buf_le(out, b->disk_count, 4);
	for (size_t i = 0; i < b->disk_count; i++) {
		const struct point_disk *d = &b->disks[i];

		if (strlen(d->name) > TEXT_MAX)
			return err_set(e, ERR_INVALID, "name of disk '%.100s' is too long",
			    d->name);
		put_text(out, d->name, 2);
		buf_le(out, (uint64_t)d->size, 8);
		buf_le(out, (uint64_t)d->data, 8);
		buf_le(out, d->chunk_shift, 1);
		buf_le(out, d->levels, 1);
		buf_add(out, d->root.b, ID_SIZE);
	}
	return buf_ok(out, e);
}

/* A copied text without a NUL inside; NULL with r->bad set, or out of memory without. */
static char *get_text(struct rd *r, unsigned width)
{
	struct str s = rd_str(r, (size_t)rd_le(r, width));

	if (r->bad || memchr(s.p, '\0', s.n) != NULL) {
		r->bad = true;
		return NULL;
	}
	return strndup(s.p, s.n);
}

/* What follows a disk's name. */
static bool get_geometry(struct rd *r, struct point_disk *d)
{
	d->size = (int64_t)rd_le(r, 8);
	d->data = (int64_t)rd_le(r, 8);
	d->chunk_shift = (unsigned)rd_le(r, 1);
	d->levels = (unsigned)rd_le(r, 1);
	rd_bytes(r, d->root.b, ID_SIZE);
	if (r->bad || d->size < 0 || d->data < 0 || d->data > d->size ||
	    d->chunk_shift < CHUNK_SHIFT_MIN || d->chunk_shift > CHUNK_SHIFT_MAX)
		return false;
	return d->levels == 0 ||
	    (d->size > 0 && d->levels == map_levels(d->size, d->chunk_shift));
}

static int get_disk(struct rd *r, struct point_disk *d, struct err *e)
{
	char *name = get_text(r, 2);

	if (!get_geometry(r, d)) {
		free(name);
		return err_set(e, ERR_CORRUPT, "a disk of the point is damaged");
	}
	if (name == NULL)
		return err_nomem(e);
	d->name = name;
	return 0;
}

static int get_body(struct rd *r, struct point_body *b, struct err *e)
{
	uint32_t disks;

	b->item = get_text(r, 2);
	b->name = get_text(r, 2);
	b->meta = get_text(r, 4);
	disks = (uint32_t)rd_le(r, 4);
	if (r->bad || disks > POINT_DISKS_MAX)
		return err_set(e, ERR_CORRUPT, "point is damaged");
	b->disks = calloc(disks + (size_t)1, sizeof(b->disks[0]));
	if (b->item == NULL || b->name == NULL || b->meta == NULL || b->disks == NULL)
		return err_nomem(e);
	for (uint32_t i = 0; i < disks; i++) {
		b->disk_count++;
		if (get_disk(r, &b->disks[i], e) != 0)
			return -1;
	}
	if (rd_left(r) != 0)
		return err_set(e, ERR_CORRUPT, "point has %zu bytes too many", rd_left(r));
	return 0;
}

int point_body_parse(const void *p, size_t n, struct point_body *ret, struct err *e)
{
	struct rd r = rd_over(p, n);

	if (get_body(&r, ret, e) != 0) {
		point_body_done(ret);
		return -1;
	}
	return 0;
}
