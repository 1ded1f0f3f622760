/* session.c - one backup: its pack, and the commit.  See vault.h and engine.h. */
#include "vault/engine.h"

#include "vault/flow.h"

/* Each reads a whole pack into memory. */
#define CHECKERS_MAX 2

static void session_p(struct vault_session **s)
{
	vault_session_end(*s);
}

int vault_session_begin(struct vault *v, const char *item, struct vault_session **ret,
    struct err *e)
{
	cleanup_with(session_p) struct vault_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->v = v;
	s->writer.keys = &v->keys;
	s->item = strdup(item);
	if (s->item == NULL)
		return err_nomem(e);
	*ret = TAKE(s);
	return 0;
}

void vault_session_end(struct vault_session *s)
{
	if (s == NULL)
		return;
	pack_writer_done(&s->writer);
	index_done(&s->pending);
	for (size_t i = 0; i < s->disk_count; i++)
		free(s->disks[i].name);
	free(s->disks);
	free(s->packs);
	free(s->item);
	free(s);
}

static int note_pack(struct vault_session *s, struct err *e)
{
	if (s->pack_count == s->pack_cap) {
		size_t cap = s->pack_cap == 0 ? 16 : s->pack_cap * 2;
		uint8_t (*p)[PACK_ID_SIZE] = reallocarray(s->packs, cap, PACK_ID_SIZE);

		if (p == NULL)
			return err_nomem(e);
		s->packs = p;
		s->pack_cap = cap;
	}
	memcpy(s->packs[s->pack_count++], s->writer.id, PACK_ID_SIZE);
	return 0;
}

static int flush(struct vault_session *s, struct err *e)
{
	char name[PACK_NAME_SIZE];

	if (note_pack(s, e) != 0 || pack_writer_seal(&s->writer, e) != 0 ||
	    object_put(s->v->store, pack_name(s->writer.id, name), s->writer.p, s->writer.n,
		e) != 0)
		return -1;
	/* Only now: other sessions may build on what they find in the index. */
	if (vault_learn(s->v, s->writer.id, s->writer.entries, s->writer.count, e) != 0)
		return -1;
	pack_writer_reset(&s->writer);
	index_clear(&s->pending);
	return 0;
}

/* A failed flush leaves the writer half sealed: nothing may be added to it. */
static int check_whole(const struct vault_session *s, struct err *e)
{
	if (s->broken)
		return err_set(e, ERR_IO, "an earlier pack of this session could not be stored");
	return 0;
}

int session_flush(struct vault_session *s, struct err *e)
{
	if (check_whole(s, e) != 0)
		return -1;
	if (s->writer.aead == NULL)
		return 0;
	if (flush(s, e) == 0)
		return 0;
	s->broken = true;
	return -1;
}

int session_add(struct vault_session *s, struct record *r, const void *p, size_t n,
    struct err *e)
{
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;

	if (check_whole(s, e) != 0)
		return -1;
	if (index_find(&s->pending, &r->id, &at) || vault_find(s->v, &r->id, &at, pack))
		return 0;
	if (!pack_writer_room(&s->writer, n) && session_flush(s, e) != 0)
		return -1;
	if (pack_writer_add(&s->writer, r, p, n, &at.offset, e) != 0)
		return -1;
	at.pack = 0;
	at.sealed_n = r->sealed_n;
	return index_add(&s->pending, &r->id, &at, e) != 0 ? -1 : 1;
}

struct check {
	struct vault_session *s;
	struct flow flow;
	atomic_size_t next;
};

static void *check_packs(void *arg)
{
	struct check *c = arg;

	for (;;) {
		size_t i = atomic_fetch_add(&c->next, 1);
		struct err e = { 0 };

		if (i >= c->s->pack_count || flow_failed(&c->flow))
			return NULL;
		if (vault_check_pack(c->s->v, c->s->packs[i], &e) != 0)
			flow_fail(&c->flow, &e);
	}
}

static int read_back(struct vault_session *s, struct err *e)
{
	struct check c = { .s = s };
	struct crew crew;
	unsigned n = crew_size() < CHECKERS_MAX ? crew_size() : CHECKERS_MAX;
	int r;

	if (s->pack_count == 0)
		return 0;
	if (flow_init(&c.flow, 1, e) != 0) {
		flow_done(&c.flow);
		return -1;
	}
	r = crew_start(&crew, s->pack_count < n ? (unsigned)s->pack_count : n, check_packs, &c, e);
	crew_join(&crew);
	if (r == 0)
		r = flow_result(&c.flow, e);
	flow_done(&c.flow);
	return r;
}

static int write_point(struct vault_session *s, const char *point, const json_t *meta,
    struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_free char *name = strdup(point);
	struct point_body b = {
		.item = s->item,
		.name = name,
		.disks = s->disks,
		.disk_count = s->disk_count,
	};

	if (name == NULL)
		return err_nomem(e);
	if (jdump(meta, &text, e) != 0 || buf_ok(&text, e) != 0)
		return -1;
	b.meta = text.p;
	return point_put(s->v, &b, e);
}

static int commit(struct vault_session *s, const char *point, const json_t *meta, struct err *e)
{
	char name[POINT_NAME_SIZE];

	/* A name that cannot be is better found before hours of reading. */
	if (point_object_name(s->v, s->item, point, name, e) != 0 || session_flush(s, e) != 0)
		return -1;
	pack_writer_done(&s->writer);	/* its memory is wanted for reading back */
	return read_back(s, e) != 0 ? -1 : write_point(s, point, meta, e);
}

int vault_session_commit(struct vault_session *s, const char *point, const json_t *meta,
    struct err *e)
{
	if (commit(s, point, meta, e) != 0)
		return err_in(e, "committing point '%.100s'", point);
	return 0;
}
