/* codec.c - see codec.h. */
#include "vault/codec.h"

#include <zstd.h>

#define LEVEL 1

struct codec {
	struct hmac *data_id, *map_id;
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
};

void codec_free(struct codec *c)
{
	if (c == NULL)
		return;
	hmac_free(c->data_id);
	hmac_free(c->map_id);
	ZSTD_freeCCtx(c->cctx);
	ZSTD_freeDCtx(c->dctx);
	free(c);
}

int codec_new(const struct vault_keys *k, struct codec **ret, struct err *e)
{
	struct codec *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_nomem(e);
	c->cctx = ZSTD_createCCtx();
	c->dctx = ZSTD_createDCtx();
	if (c->cctx == NULL || c->dctx == NULL) {
		codec_free(c);
		return err_nomem(e);
	}
	if (hmac_new(k->data_id, sizeof(k->data_id), &c->data_id, e) != 0 ||
	    hmac_new(k->map_id, sizeof(k->map_id), &c->map_id, e) != 0) {
		codec_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

int codec_id(struct codec *c, enum record_kind kind, const void *p, size_t n,
    struct chunk_id *ret, struct err *e)
{
	return hmac_once(kind == RECORD_MAP ? c->map_id : c->data_id, p, n, ret->b, e);
}

size_t codec_pack(struct codec *c, const void *p, size_t n, void *out)
{
	size_t got = ZSTD_compressCCtx(c->cctx, out, n - n / 16, p, n, LEVEL);

	/* "Does not fit" and any other failure mean the same: keep it raw. */
	return ZSTD_isError(got) || got >= n ? 0 : got;
}

int codec_unpack(struct codec *c, const void *p, size_t packed_n, void *out, size_t n,
    struct err *e)
{
	size_t got = ZSTD_decompressDCtx(c->dctx, out, n, p, packed_n);

	if (ZSTD_isError(got))
		return err_set(e, ERR_CORRUPT, "decompressing: %s", ZSTD_getErrorName(got));
	if (got != n)
		return err_set(e, ERR_CORRUPT, "decompressed to %zu bytes, not %zu", got, n);
	return 0;
}

bool is_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}
