/* putter.c - a session's full packs: sealed, put, read back, made known.
 *
 *   writer: fills a slot -> [full] -> putter: seal, put, read back, learn -> [idle] -> writer
 *
 * Two slots, so that filling goes on while the store works.  The chunks of a slot stay in its
 * pending index until the writer takes it again: by then the vault's index has them. */
#include "vault/engine.h"

enum { IDLE, FULL };		/* queues of the flow */

static int put_pack(struct vault_session *s, struct pack_writer *w, uint32_t number, struct err *e)
{
	char name[PACK_NAME_SIZE];

	if (pack_writer_seal(w, e) != 0 ||
	    object_put(s->v->store, pack_name(w->id, name), w->p, w->n, e) != 0 ||
	    vault_check_pack(s->v, w->id, e) != 0)
		return -1;
	/* Only now: other sessions may build on what they find in the index. */
	return vault_learn(s->v, number, (int64_t)w->n, w->entries, w->count,
	    CHUNK_PIN0 << s->generation, e);
}

static int store_slot(struct vault_session *s, struct pack_slot *slot, struct err *e)
{
	uint32_t number;

	if (vault_pack_begin(s->v, slot->writer.id, &number, e) != 0)
		return -1;
	if (put_pack(s, &slot->writer, number, e) == 0)
		return 0;
	vault_pack_abandon(s->v, number);
	return -1;
}

static void *putter_main(void *arg)
{
	struct vault_session *s = arg;
	struct pack_slot *slot;
	struct err e = { 0 };

	while ((slot = queue_get(&s->flow.queues[FULL])) != NULL) {
		if (flow_failed(&s->flow))
			continue;
		if (store_slot(s, slot, &e) != 0)
			flow_fail(&s->flow, &e);
		else if (!queue_put(&s->flow.queues[IDLE], slot))
			break;
	}
	return NULL;
}

static int start(struct vault_session *s, struct err *e)
{
	if (flow_init(&s->flow, SESSION_SLOTS, e) == 0 &&
	    crew_start(&s->putter, 1, putter_main, s, e) == 0) {
		s->has_putter = true;
		for (size_t i = 0; i < SESSION_SLOTS; i++)
			if (!queue_put(&s->flow.queues[IDLE], &s->slots[i]))
				return err_set(e, ERR_BUG, "a new queue is closed");
		return 0;
	}
	flow_done(&s->flow);
	return -1;
}

/* The putter's failure, which closed the queues. */
static int failed(struct vault_session *s, struct err *e)
{
	s->is_broken = true;
	if (flow_result(&s->flow, e) != 0)
		return -1;
	return err_set(e, ERR_BUG, "the queue of packs is closed");
}

int putter_slot(struct vault_session *s, struct err *e)
{
	if (!s->has_putter && start(s, e) != 0)
		return -1;
	if (s->filling != NULL)
		return 0;
	s->filling = queue_get(&s->flow.queues[IDLE]);
	if (s->filling == NULL)
		return failed(s, e);
	index_clear(&s->filling->pending);
	pack_writer_reset(&s->filling->writer);
	return 0;
}

int putter_hand_over(struct vault_session *s, struct err *e)
{
	struct pack_slot *slot = TAKE(s->filling);

	return queue_put(&s->flow.queues[FULL], slot) ? 0 : failed(s, e);
}

static void stop(struct vault_session *s)
{
	queue_close(&s->flow.queues[FULL]);
	crew_join(&s->putter);
}

static void release(struct vault_session *s)
{
	flow_done(&s->flow);
	s->has_putter = false;
	s->filling = NULL;
	for (size_t i = 0; i < SESSION_SLOTS; i++) {
		pack_writer_done(&s->slots[i].writer);
		index_done(&s->slots[i].pending);
	}
}

int putter_finish(struct vault_session *s, struct err *e)
{
	int r = 0;

	if (!s->has_putter)
		return 0;
	if (s->filling != NULL && s->filling->writer.aead != NULL)
		r = putter_hand_over(s, e);
	stop(s);
	if (r == 0 && flow_failed(&s->flow))
		r = failed(s, e);
	release(s);
	return r;
}

void putter_done(struct vault_session *s)
{
	if (!s->has_putter)
		return;
	/* A pack on its way is let in: it is whole, and waste like those before it. */
	stop(s);
	release(s);
}
