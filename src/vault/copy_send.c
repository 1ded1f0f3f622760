/* copy_send.c - chunks into another copy of the vault.  See copying.h.
 *
 * A pack of which nearly all is wanted goes as it is, by several threads; of others the chunks that are
 * wanted go into packs of the session.  Either way what arrived is read back, authenticated and hashed
 * before anything may rely on it. */
#include "vault/copying.h"

/* Of a pack that goes as it is, at least so much is wanted: what is sent stays near what is needed. */
#define WHOLE_PERCENT 94

#define WINDOW ((size_t)4 << 20)	/* read back at once; one record may be a little more */

struct load {			/* what is wanted of one pack */
	uint32_t pack;		/* UINT32_MAX: it lies in none that is known */
	size_t first, count;	/* in the list of wants */
	bool is_whole;		/* goes as it is */
};

struct sending {
	struct copying *c;
	struct load *loads;	/* owned */
	size_t load_count;
	atomic_size_t next;
	struct flow flow;	/* only for its failure */
};

/* ---- what goes how ---- */
static int by_place(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	if (x->at.pack != y->at.pack)
		return x->at.pack < y->at.pack ? -1 : 1;
	if (x->at.offset != y->at.offset)
		return x->at.offset < y->at.offset ? -1 : 1;
	return memcmp(x->id.b, y->id.b, ID_SIZE);
}

/* A chunk that several places of the disks have is sent once. */
static void drop_repeated(struct copying *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->want_count; i++)
		if (n == 0 || memcmp(c->wants[n - 1].id.b, c->wants[i].id.b, ID_SIZE) != 0)
			c->wants[n++] = c->wants[i];
	c->want_count = n;
}

static int64_t record_bytes(const struct want *w)
{
	return RECORD_HEADER_SIZE + (int64_t)w->at.sealed_n + AEAD_TAG_SIZE;
}

static void judge(struct sending *s, struct load *l)
{
	struct copying *c = s->c;
	struct vault_pack p;
	int64_t wanted = 0;

	for (size_t i = 0; i < l->count; i++)
		wanted += record_bytes(&c->wants[l->first + i]);
	if (l->pack != UINT32_MAX) {
		vault_pack_get(c->from, l->pack, &p);
		/* A pack has its table beside its records. */
		l->is_whole = !p.is_gone && !p.has_bad_table && p.size <= (int64_t)PACK_MAX &&
		    (wanted + p.count * (int64_t)PACK_ENTRY_SIZE) * 100 >= p.size * WHOLE_PERCENT;
		if (l->is_whole)
			wanted = p.size;
	}
	c->total += wanted;
}

static int group(struct sending *s, struct err *e)
{
	struct copying *c = s->c;
	size_t cap = 0;

	qsort(c->wants, c->want_count, sizeof(c->wants[0]), by_place);
	drop_repeated(c);
	for (size_t i = 0; i < c->want_count; i++)
		cap += i == 0 || c->wants[i].at.pack != c->wants[i - 1].at.pack;
	s->loads = calloc(cap, sizeof(s->loads[0]));
	if (s->loads == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < c->want_count; i++) {
		if (i == 0 || c->wants[i].at.pack != c->wants[i - 1].at.pack)
			s->loads[s->load_count++] = (struct load){ c->wants[i].at.pack, i, 0, false };
		s->loads[s->load_count - 1].count++;
	}
	for (size_t i = 0; i < s->load_count; i++)
		judge(s, &s->loads[i]);
	return 0;
}

/* ---- whole packs ---- */
struct courier {		/* the tools of one thread */
	struct sending *s;
	uint8_t *sent, *back, *plain;	/* owned */
	struct codec *codec;		/* owned */
	struct aead *aead;		/* owned; of the pack under way */
};

static void courier_done(struct courier *k)
{
	free(k->sent);
	free(k->back);
	free(k->plain);
	codec_free(k->codec);
	aead_free(k->aead);
}

static int courier_init(struct courier *k, struct err *e)
{
	k->sent = aligned_alloc(IO_ALIGN, PACK_MAX);
	k->back = aligned_alloc(IO_ALIGN, 2 * WINDOW);
	k->plain = malloc(CHUNK_MAX);
	if (k->sent == NULL || k->back == NULL || k->plain == NULL)
		return err_nomem(e);
	return codec_new(&k->s->c->to->keys, &k->codec, e);
}

/* The record at `p` is the one that the table names, and its bytes are those of its id. */
static int check_record(struct courier *k, uint8_t *p, const struct pack_entry *t, struct err *e)
{
	uint8_t *open = p + RECORD_HEADER_SIZE, *plain = open;
	struct chunk_id id;
	struct record r;

	if (record_open(k->aead, p, RECORD_HEADER_SIZE + (size_t)t->sealed_n + AEAD_TAG_SIZE, open,
		&r, e) != 0)
		return -1;
	if (r.codec != CODEC_RAW) {
		plain = k->plain;
		if (codec_unpack(k->codec, open, r.sealed_n, plain, r.plain_n, e) != 0)
			return -1;
	}
	if (codec_id(k->codec, r.kind, plain, r.plain_n, &id, e) != 0)
		return -1;
	return memcmp(id.b, t->id.b, ID_SIZE) == 0 && memcmp(r.id.b, t->id.b, ID_SIZE) == 0 ? 0 :
	    err_set(e, ERR_CORRUPT, "its bytes are not those that its id was made of");
}

/* Records [i, i + n), one behind the other, as they can be read back now. */
static int check_run(struct courier *k, const char *name, const struct pack_entry *t, uint32_t i,
    uint32_t n, size_t bytes, struct err *e)
{
	if (object_get(k->s->c->to->store, name, t[i].offset, k->back, bytes, e) != 0)
		return -1;
	if (memcmp(k->back, k->sent + t[i].offset, bytes) != 0)
		return err_set(e, ERR_IO, "object '%s' was stored otherwise than it was sent", name);
	for (uint32_t j = i; j < i + n; j++)
		if (check_record(k, k->back + (t[j].offset - t[i].offset), &t[j], e) != 0)
			return err_in(e, "object '%s': record %u", name, j);
	return 0;
}

static int check_back(struct courier *k, const char *name, const struct pack_entry *t,
    uint32_t count, struct err *e)
{
	for (uint32_t i = 0, n; i < count; i += n) {
		size_t bytes = 0;

		for (n = 0; i + n < count; n++) {
			size_t one = RECORD_HEADER_SIZE + (size_t)t[i + n].sealed_n + AEAD_TAG_SIZE;

			if (n > 0 && bytes + one > WINDOW)
				break;
			bytes += one;
		}
		if (check_run(k, name, t, i, n, bytes, e) != 0)
			return -1;
	}
	return 0;
}

static int deliver(struct courier *k, const struct vault_pack *p, const char *name,
    uint32_t number, struct err *e)
{
	struct vault *to = k->s->c->to;
	struct pack_entry *t = NULL;
	uint32_t count = 0;
	int r = -1;

	aead_free(TAKE(k->aead));
	if (object_put(to->store, name, k->sent, (size_t)p->size, e) == 0 &&
	    keys_pack(&to->keys, p->id, &k->aead, e) == 0 &&
	    pack_table_load(to->store, &to->keys, p->id, p->size, &t, &count, e) == 0 &&
	    check_back(k, name, t, count, e) == 0)
		r = vault_learn(to, number, p->size, t, count,
		    CHUNK_PIN0 << k->s->c->session->generation, e);
	free(t);
	return r;
}

/* 1: sent.  0: it cannot go as it is: it is moved or damaged here, or there is one of that id. */
static int carry(struct courier *k, const struct load *l, struct err *e)
{
	struct copying *c = k->s->c;
	char name[PACK_NAME_SIZE];
	struct object_info info;
	struct vault_pack p;
	struct err ignored;
	uint32_t number;
	int r;

	vault_pack_get(c->from, l->pack, &p);
	(void)pack_name(p.id, name);
	r = object_head(c->to->store, name, &info, e);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (object_get(c->from->store, name, 0, k->sent, (size_t)p.size, e) != 0)
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_CORRUPT ? 0 : -1;
	if (copy_pace(c, p.size, e) != 0 || vault_pack_begin(c->to, p.id, &number, e) != 0)
		return -1;
	if (deliver(k, &p, name, number, e) == 0)
		return copy_tick(c, p.size, e) != 0 ? -1 : 1;
	vault_pack_abandon(c->to, number);
	(void)!object_del(c->to->store, name, &ignored);
	return e->kind == ERR_CORRUPT ? 0 : -1;
}

static int carry_all(struct courier *k, struct err *e)
{
	struct sending *s = k->s;
	size_t i;

	if (courier_init(k, e) != 0)
		return -1;
	while ((i = atomic_fetch_add(&s->next, 1)) < s->load_count && !flow_failed(&s->flow)) {
		struct load *l = &s->loads[i];
		int r = l->is_whole ? carry(k, l, e) : 0;

		if (r < 0)
			return -1;
		l->is_whole = r > 0;
		if (r > 0) {
			pthread_mutex_lock(&s->c->mu);
			s->c->stats->packs++;
			pthread_mutex_unlock(&s->c->mu);
		}
	}
	return 0;
}

static void *courier_main(void *arg)
{
	cleanup_with(courier_done) struct courier k = { .s = arg };
	struct err e = { 0 };

	if (carry_all(&k, &e) != 0)
		flow_fail(&k.s->flow, &e);
	return NULL;
}

static int send_packs(struct sending *s, struct err *e)
{
	struct crew crew = { .n = 0 };
	unsigned whole = 0, n = crew_size() + 1;	/* one may wait for a store */
	int r;

	for (size_t i = 0; i < s->load_count; i++)
		whole += s->loads[i].is_whole;
	if (whole == 0)
		return 0;
	if (flow_init(&s->flow, 1, e) != 0)
		return -1;
	r = crew_start(&crew, whole < n ? whole : n, courier_main, s, e);
	if (r == 0) {
		crew_join(&crew);
		r = flow_result(&s->flow, e);
	}
	flow_done(&s->flow);
	return r;
}

/* ---- single chunks ---- */
struct porter {
	struct chunk_reader reader;
	uint8_t *plain, *packed;	/* owned */
};

static void porter_done(struct porter *p)
{
	chunk_reader_done(&p->reader);
	free(p->plain);
	free(p->packed);
}

static int send_chunk(struct copying *c, struct porter *p, const struct want *w, struct err *e)
{
	struct chunk_place at;
	uint32_t pack;
	int64_t sealed;
	size_t n;
	int added;

	if (vault_use(c->to, &w->id, c->session->generation, &at))
		return 0;	/* a whole pack brought it */
	if (chunk_read(&p->reader, w->kind, &w->id, p->plain, &n, &pack, e) != 0) {
		if (e->kind == ERR_CORRUPT)
			vault_note_bad(c->from, &w->id);
		return -1;
	}
	if (copy_pace(c, record_bytes(w), e) != 0)
		return -1;
	added = session_add_plain(c->session, p->reader.codec, w->kind, p->plain, n, p->packed, NULL,
	    &sealed, e);
	if (added <= 0)
		return added;
	c->stats->chunks++;
	return copy_tick(c, sealed, e);
}

static int send_chunks(struct sending *s, struct err *e)
{
	cleanup_with(porter_done) struct porter p = { .plain = malloc(CHUNK_MAX),
		.packed = malloc(CHUNK_MAX) };

	if (p.plain == NULL || p.packed == NULL)
		return err_nomem(e);
	if (chunk_reader_init(&p.reader, s->c->from, e) != 0)
		return -1;
	p.reader.asks_peer = true;
	for (size_t i = 0; i < s->load_count; i++) {
		const struct load *l = &s->loads[i];

		for (size_t k = 0; !l->is_whole && k < l->count; k++)
			if (send_chunk(s->c, &p, &s->c->wants[l->first + k], e) != 0)
				return -1;
	}
	return 0;
}

/* ---- all of it ---- */
/* Of packs that went whole: is what was wanted of them there? */
static int check_packs(const struct sending *s, struct err *e)
{
	struct copying *c = s->c;
	struct chunk_place at;

	for (size_t i = 0; i < s->load_count; i++) {
		const struct load *l = &s->loads[i];

		for (size_t k = 0; l->is_whole && k < l->count; k++)
			if (!vault_use(c->to, &c->wants[l->first + k].id, c->session->generation, &at))
				return err_set(e, ERR_CORRUPT, "a pack arrived without a chunk that "
				    "was said to be in it");
	}
	return 0;
}

int copy_send(struct copying *c, struct err *e)
{
	struct sending s = { .c = c };
	int r;

	if (c->want_count == 0)
		return 0;
	r = group(&s, e) != 0 || send_packs(&s, e) != 0 || check_packs(&s, e) != 0 ||
	    send_chunks(&s, e) != 0 ? -1 : 0;
	free(s.loads);
	c->want_count = 0;
	return r;
}
