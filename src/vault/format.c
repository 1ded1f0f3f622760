/* format.c - config, pack and map nodes as bytes.  See format.h. */
#include "vault/format.h"

#include "vault/wire.h"

static const char config_magic[8] = { 'H', 'F', 'V', 'A', 'U', 'L', 'T', 0 };
static const char pack_magic[8] = { 'H', 'F', 'P', 'A', 'C', 'K', 0, 0 };
static const char record_magic[4] = { 'H', 'F', 'R', 'C' };
static const char trailer_magic[8] = { 'H', 'F', 'P', 'K', 'E', 'N', 'D', 0 };
static const char node_magic[4] = { 'H', 'F', 'M', 'N' };

/* ---- config ---- */
void config_write(const struct config *c, uint8_t out[CONFIG_SIZE])
{
	uint8_t *p = wr_bytes(out, config_magic, sizeof(config_magic));

	p = wr_le(p, c->version, 4);
	p = wr_le(p, c->chunk_shift, 4);
	p = wr_bytes(p, c->vault_id, VAULT_ID_SIZE);
	p = wr_bytes(p, c->key_check, sizeof(c->key_check));
	(void)wr_bytes(p, c->sum, sizeof(c->sum));
}

int config_parse(const void *p, size_t n, struct config *ret, struct err *e)
{
	struct rd r = rd_over(p, n);
	struct config c;

	if (!rd_is(&r, config_magic, sizeof(config_magic)))
		return err_set(e, ERR_CORRUPT, "config does not begin as one");
	c.version = (uint32_t)rd_le(&r, 4);
	if (c.version > FORMAT_VERSION)
		return err_set(e, ERR_INVALID, "the vault is of format version %u, which is not "
		    "known to this program", c.version);
	c.chunk_shift = (uint32_t)rd_le(&r, 4);
	rd_bytes(&r, c.vault_id, VAULT_ID_SIZE);
	rd_bytes(&r, c.key_check, sizeof(c.key_check));
	rd_bytes(&r, c.sum, sizeof(c.sum));
	if (r.bad || rd_left(&r) != 0)
		return err_set(e, ERR_CORRUPT, "config of %zu bytes, not %d", n, CONFIG_SIZE);
	if (c.chunk_shift < CHUNK_SHIFT_MIN || c.chunk_shift > CHUNK_SHIFT_MAX)
		return err_set(e, ERR_CORRUPT, "config gives chunks of 2^%u bytes", c.chunk_shift);
	*ret = c;
	return 0;
}

/* ---- pack ---- */
void pack_header_write(const uint8_t id[PACK_ID_SIZE], uint8_t out[PACK_HEADER_SIZE])
{
	uint8_t *p = wr_bytes(out, pack_magic, sizeof(pack_magic));

	p = wr_le(p, FORMAT_VERSION, 4);
	p = wr_le(p, 0, 4);
	(void)wr_bytes(p, id, PACK_ID_SIZE);
}

int pack_header_parse(const void *p, size_t n, uint8_t ret_id[PACK_ID_SIZE], struct err *e)
{
	struct rd r = rd_over(p, n);
	uint32_t version, reserved;

	if (!rd_is(&r, pack_magic, sizeof(pack_magic)))
		return err_set(e, ERR_CORRUPT, "pack does not begin as one");
	version = (uint32_t)rd_le(&r, 4);
	reserved = (uint32_t)rd_le(&r, 4);
	if (r.bad || rd_left(&r) < PACK_ID_SIZE || version > FORMAT_VERSION || reserved != 0)
		return err_set(e, ERR_CORRUPT, "pack header is damaged");
	rd_bytes(&r, ret_id, PACK_ID_SIZE);
	return 0;
}

void record_write(const struct record *x, uint8_t out[RECORD_HEADER_SIZE])
{
	uint8_t *p = wr_bytes(out, record_magic, sizeof(record_magic));

	p = wr_le(p, x->kind, 1);
	p = wr_le(p, x->codec, 1);
	p = wr_le(p, 0, 2);
	p = wr_le(p, x->number, 4);
	p = wr_le(p, x->plain_n, 4);
	p = wr_le(p, x->sealed_n, 4);
	p = wr_le(p, 0, 4);
	(void)wr_bytes(p, x->id.b, ID_SIZE);
}

int record_parse(const void *p, size_t n, struct record *ret, struct err *e)
{
	struct rd r = rd_over(p, n);
	struct record x;
	uint64_t kind, codec, reserved;

	if (!rd_is(&r, record_magic, sizeof(record_magic)))
		return err_set(e, ERR_CORRUPT, "record does not begin as one");
	kind = rd_le(&r, 1);
	codec = rd_le(&r, 1);
	reserved = rd_le(&r, 2);
	x.number = (uint32_t)rd_le(&r, 4);
	x.plain_n = (uint32_t)rd_le(&r, 4);
	x.sealed_n = (uint32_t)rd_le(&r, 4);
	reserved |= rd_le(&r, 4);
	rd_bytes(&r, x.id.b, ID_SIZE);
	if (r.bad || reserved != 0 || (kind != RECORD_DATA && kind != RECORD_MAP) ||
	    codec > CODEC_ZSTD || x.number == TABLE_NUMBER)
		return err_set(e, ERR_CORRUPT, "record header is damaged");
	if (x.plain_n == 0 || x.plain_n > CHUNK_MAX || x.sealed_n == 0 ||
	    x.sealed_n > x.plain_n || (codec == CODEC_RAW && x.sealed_n != x.plain_n))
		return err_set(e, ERR_CORRUPT, "record of %u bytes sealed in %u is not possible",
		    x.plain_n, x.sealed_n);
	x.kind = (enum record_kind)kind;
	x.codec = (enum record_codec)codec;
	*ret = x;
	return 0;
}

void pack_entry_write(const struct pack_entry *t, uint8_t out[PACK_ENTRY_SIZE])
{
	uint8_t *p = wr_bytes(out, t->id.b, ID_SIZE);

	p = wr_le(p, t->offset, 4);
	p = wr_le(p, t->sealed_n, 4);
	(void)wr_le(p, 0, 8);
}

int pack_table_parse(const void *p, size_t n, const struct pack_trailer *trailer,
    struct pack_entry **ret, struct err *e)
{
	auto_free struct pack_entry *t = NULL;
	struct rd r = rd_over(p, n);
	uint64_t at = PACK_HEADER_SIZE;

	if (n != (uint64_t)trailer->count * PACK_ENTRY_SIZE)
		return err_set(e, ERR_CORRUPT, "table of %zu bytes for %u entries", n,
		    trailer->count);
	t = calloc(trailer->count + (size_t)1, sizeof(*t));
	if (t == NULL)
		return err_nomem(e);
	for (uint32_t i = 0; i < trailer->count; i++) {
		rd_bytes(&r, t[i].id.b, ID_SIZE);
		t[i].offset = (uint32_t)rd_le(&r, 4);
		t[i].sealed_n = (uint32_t)rd_le(&r, 4);
		if (rd_le(&r, 8) != 0 || r.bad || t[i].offset != at || t[i].sealed_n == 0 ||
		    t[i].sealed_n > CHUNK_MAX)
			return err_set(e, ERR_CORRUPT, "entry %u of the table is damaged", i);
		at += RECORD_HEADER_SIZE + (uint64_t)t[i].sealed_n + 16;
	}
	if (at != trailer->table_offset)
		return err_set(e, ERR_CORRUPT, "table says that records end at %llu, not %llu",
		    (unsigned long long)at, (unsigned long long)trailer->table_offset);
	*ret = TAKE(t);
	return 0;
}

void pack_trailer_write(const struct pack_trailer *t, uint8_t out[PACK_TRAILER_SIZE])
{
	uint8_t *p = wr_le(out, t->table_offset, 8);

	p = wr_le(p, t->count, 4);
	p = wr_le(p, FORMAT_VERSION, 4);
	p = wr_le(p, 0, 8);
	(void)wr_bytes(p, trailer_magic, sizeof(trailer_magic));
}

int pack_trailer_parse(const void *p, size_t n, uint64_t pack_size, struct pack_trailer *ret,
    struct err *e)
{
	struct rd r = rd_over(p, n);
	struct pack_trailer t;
	uint64_t version, reserved, room;

	t.table_offset = rd_le(&r, 8);
	t.count = (uint32_t)rd_le(&r, 4);
	version = rd_le(&r, 4);
	reserved = rd_le(&r, 8);
	if (!rd_is(&r, trailer_magic, sizeof(trailer_magic)) || version > FORMAT_VERSION ||
	    reserved != 0 || t.count > PACK_RECORDS_MAX)
		return err_set(e, ERR_CORRUPT, "pack does not end as one");
	room = PACK_HEADER_SIZE + (uint64_t)t.count * PACK_ENTRY_SIZE + 16 + PACK_TRAILER_SIZE;
	if (t.table_offset < PACK_HEADER_SIZE || pack_size < room ||
	    t.table_offset - PACK_HEADER_SIZE != pack_size - room)
		return err_set(e, ERR_CORRUPT, "table at %llu with %u entries does not fit a pack "
		    "of %llu bytes", (unsigned long long)t.table_offset, t.count,
		    (unsigned long long)pack_size);
	*ret = t;
	return 0;
}

/* ---- map node ---- */
unsigned map_levels(int64_t size, unsigned chunk_shift)
{
	uint64_t chunks = grid_chunks(size, chunk_shift);
	unsigned levels = 1;

	while (chunks > MAP_FANOUT) {
		chunks = (chunks + MAP_FANOUT - 1) >> MAP_SHIFT;
		levels++;
	}
	return levels;
}

size_t map_node_write(const struct map_node *n, uint8_t out[MAP_NODE_MAX])
{
	uint8_t *p = wr_bytes(out, node_magic, sizeof(node_magic));

	p = wr_le(p, n->level, 4);
	p = wr_bytes(p, n->used, sizeof(n->used));
	for (unsigned i = 0; i < MAP_FANOUT; i++)
		if (map_node_has(n, i))
			p = wr_bytes(p, n->child[i].b, ID_SIZE);
	return (size_t)(p - out);
}

int map_node_parse(const void *p, size_t n, struct map_node *ret, struct err *e)
{
	struct rd r = rd_over(p, n);

	if (!rd_is(&r, node_magic, sizeof(node_magic)))
		return err_set(e, ERR_CORRUPT, "map node does not begin as one");
	ret->level = (unsigned)rd_le(&r, 4);
	rd_bytes(&r, ret->used, sizeof(ret->used));
	for (unsigned i = 0; i < MAP_FANOUT; i++)
		if (map_node_has(ret, i))
			rd_bytes(&r, ret->child[i].b, ID_SIZE);
	if (r.bad || rd_left(&r) != 0 || ret->level >= MAP_LEVELS_MAX)
		return err_set(e, ERR_CORRUPT, "map node of %zu bytes is damaged", n);
	return 0;
}
