/* damage.c - chunks that were found damaged: noted until they are stored anew.
 *
 * An empty object "damaged/<id of the chunk>" survives a restart: the next backup that meets these
 * bytes on a live disk stores them again instead of relying on what cannot be read. */
#include "vault/engine.h"

#include <stdio.h>

#include "base/codec.h"

#define PREFIX "damaged/"
#define NOTE_NAME_SIZE (sizeof(PREFIX) - 1 + HEX_SIZE(ID_SIZE))

static void note_name(const struct chunk_id *id, char out[NOTE_NAME_SIZE])
{
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	(void)hex_encode(id->b, ID_SIZE, out + sizeof(PREFIX) - 1);
}

void vault_raise_bad(struct vault *v, const struct chunk_id *id)
{
	pthread_rwlock_wrlock(&v->index_lock);
	v->has_bad = true;
	(void)index_raise(&v->index, id, CHUNK_BAD);
	pthread_rwlock_unlock(&v->index_lock);
}

void vault_report_bad(struct vault *v, const struct chunk_id *id)
{
	char name[NOTE_NAME_SIZE];
	struct err ignored;

	vault_raise_bad(v, id);
	/* Losing the note costs one more reading; the damage itself is told by who found it. */
	note_name(id, name);
	(void)!object_put(v->store, name, "", 0, &ignored);
}

void vault_note_bad(struct vault *v, const struct chunk_id *id)
{
	if (vault_is_writer(v))
		vault_report_bad(v, id);
	else
		vault_raise_bad(v, id);
}

void vault_clear_bad(struct vault *v, const struct chunk_id *id)
{
	struct chunk_place at;

	pthread_rwlock_wrlock(&v->index_lock);
	if (index_find(&v->index, id, &at, NULL))
		index_mend(&v->index, id, &at);
	pthread_rwlock_unlock(&v->index_lock);
}

static int load_one(void *arg, const struct object_info *info, struct err *e)
{
	struct chunk_reader *r = arg;
	uint8_t pack[PACK_ID_SIZE];
	struct chunk_place at;
	struct chunk_id id;

	if (hex_decode(str_c(info->name + sizeof(PREFIX) - 1), id.b, sizeof(id.b)) != ID_SIZE ||
	    !vault_find(r->v, &id, &at, pack))
		return 0;
	if (r->codec == NULL && chunk_reader_init(r, r->v, e) != 0)
		return -1;
	if (chunk_probe(r, &id, &at, e) == 0)
		return 0;		/* stored anew since */
	if (e->kind != ERR_CORRUPT)
		return -1;
	vault_raise_bad(r->v, &id);
	return 0;
}

int vault_load_bad(struct vault *v, struct err *e)
{
	cleanup_with(chunk_reader_done) struct chunk_reader r = { .v = v };

	return object_list(v->store, PREFIX, load_one, &r, e);
}
