/* heal.c - chunks that cannot be read here, from the vault's other copy: to whoever reads now, and
 * stored anew.  A chunk's id is a keyed hash of its bytes, so it does not matter whence they come. */
#include "base/codec.h"
#include "vault/engine.h"

void vault_set_peer(struct vault *v, vault_peer_fn *fn, void *arg)
{
	pthread_mutex_lock(&v->roots_mu);
	v->peer = fn;
	v->peer_arg = arg;
	pthread_mutex_unlock(&v->roots_mu);
}

static struct vault *peer_of(struct vault *v)
{
	vault_peer_fn *fn;
	void *arg;

	pthread_mutex_lock(&v->roots_mu);
	fn = v->peer;
	arg = v->peer_arg;
	pthread_mutex_unlock(&v->roots_mu);
	return fn != NULL ? fn(arg) : NULL;
}

static int open_peer(struct chunk_reader *r, struct err *e)
{
	struct vault *peer;

	if (r->peer != NULL)
		return 0;
	peer = peer_of(r->v);
	if (peer == NULL)
		return err_set(e, ERR_NOT_FOUND, "the vault has no other copy to ask");
	r->peer = calloc(1, sizeof(*r->peer));
	if (r->peer == NULL)
		return err_nomem(e);
	if (chunk_reader_init(r->peer, peer, e) == 0)
		return 0;
	chunk_reader_done(r->peer);
	free(TAKE(r->peer));
	return -1;
}

int chunk_read_peer(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    uint8_t *out, size_t *ret_n, struct err *e)
{
	uint32_t pack;

	if (open_peer(r, e) != 0 || chunk_read(r->peer, kind, id, out, ret_n, &pack, e) != 0)
		return -1;
	vault_report_bad(r->v, id);
	return 0;
}

/* ---- stored anew ---- */
struct healing {
	struct chunk_reader reader;
	struct vault_session *session;
	uint8_t *plain, *packed;	/* owned */
	struct chunk_id *ids;		/* owned */
	size_t n, cap;
	struct vault_heal_stats *stats;
};

static void healing_done(struct healing *h)
{
	chunk_reader_done(&h->reader);
	vault_session_end(h->session);
	free(h->plain);
	free(h->packed);
	free(h->ids);
}

static int note_id(void *arg, const struct object_info *info, struct err *e)
{
	struct healing *h = arg;
	struct chunk_id id;

	if (hex_decode(str_c(info->name + strlen("damaged/")), id.b, sizeof(id.b)) != ID_SIZE)
		return 0;
	if (GROW(h->ids, h->n, h->cap, 64, e) != 0)
		return -1;
	h->ids[h->n++] = id;
	return 0;
}

/* A note does not say which kind of chunk it is. */
static int read_either(struct chunk_reader *r,
    int (*read)(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id, uint8_t *out,
    size_t *ret_n, struct err *e), const struct chunk_id *id, enum record_kind *ret_kind,
    uint8_t *out, size_t *ret_n, struct err *e)
{
	*ret_kind = RECORD_DATA;
	if (read(r, RECORD_DATA, id, out, ret_n, e) == 0)
		return 0;
	*ret_kind = RECORD_MAP;
	return e->kind != ERR_CORRUPT ? -1 : read(r, RECORD_MAP, id, out, ret_n, e);
}

static int read_here(struct chunk_reader *r, enum record_kind kind, const struct chunk_id *id,
    uint8_t *out, size_t *ret_n, struct err *e)
{
	uint32_t pack;

	return chunk_read(r, kind, id, out, ret_n, &pack, e);
}

static int heal_one(struct healing *h, const struct chunk_id *id, struct err *e)
{
	enum record_kind kind;
	size_t n;
	int added;

	if (read_either(&h->reader, read_here, id, &kind, h->plain, &n, e) == 0) {
		vault_clear_bad(h->reader.v, id);
		return 0;
	}
	if (e->kind != ERR_CORRUPT)
		return -1;
	h->stats->noted++;
	vault_raise_bad(h->reader.v, id);
	if (read_either(&h->reader, chunk_read_peer, id, &kind, h->plain, &n, e) != 0)
		return e->kind == ERR_CORRUPT || e->kind == ERR_NOT_FOUND ? 0 : -1;
	added = session_add_plain(h->session, h->reader.codec, kind, h->plain, n, h->packed, NULL, NULL,
	    e);
	if (added < 0)
		return -1;
	h->stats->healed += added;
	return 0;
}

static int heal(struct healing *h, struct vault *v, struct err *e)
{
	if (object_list(v->store, "damaged/", note_id, h, e) != 0)
		return -1;
	if (h->n == 0)
		return 0;
	if (vault_session_begin(v, "", &h->session, e) != 0)
		return -1;
	h->plain = malloc(CHUNK_MAX);
	h->packed = malloc(CHUNK_MAX);
	if (h->plain == NULL || h->packed == NULL)
		return err_nomem(e);
	if (chunk_reader_init(&h->reader, v, e) != 0)
		return -1;
	for (size_t i = 0; i < h->n; i++)
		if (heal_one(h, &h->ids[i], e) != 0)
			return -1;
	return putter_finish(h->session, e);
}

int vault_heal(struct vault *v, struct vault_heal_stats *ret, struct err *e)
{
	struct healing h = { .stats = ret };
	int r;

	*ret = (struct vault_heal_stats){ 0 };
	r = heal(&h, v, e);
	healing_done(&h);
	return r != 0 ? err_in(e, "mending the vault from its other copy") : 0;
}
