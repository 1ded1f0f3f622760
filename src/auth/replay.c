/* replay.c - see replay.h. */
#include "auth/replay.h"

#include <pthread.h>

#include "crypto/crypto.h"

struct entry {
	uint8_t hash[16];
	int64_t until_us;
	int64_t left;		/* uses */
};

struct replay {
	pthread_mutex_t mu;	/* guards what follows */
	struct entry entry[REPLAY_MAX];
	size_t count;
	int64_t uses;
};

int replay_new(int64_t uses, struct replay **ret, struct err *e)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->uses = uses;
	if (pthread_mutex_init(&r->mu, NULL) != 0) {
		free(r);
		return err_nomem(e);
	}
	*ret = r;
	return 0;
}

void replay_free(struct replay *r)
{
	if (r == NULL)
		return;
	(void)pthread_mutex_destroy(&r->mu);
	free(r);
}

/* The entry of the hash, NULL if there is none; those that are over are dropped on the way. */
static struct entry *find_locked(struct replay *r, const uint8_t *hash, int64_t now_us)
{
	struct entry *found = NULL;

	for (size_t i = 0; i < r->count;) {
		if (r->entry[i].until_us <= now_us) {
			r->entry[i] = r->entry[--r->count];
			continue;
		}
		if (memcmp(r->entry[i].hash, hash, sizeof(r->entry[i].hash)) == 0)
			found = &r->entry[i];
		i++;
	}
	return found;
}

static int use_locked(struct replay *r, const uint8_t *hash, int64_t until_us, int64_t now_us,
    struct err *e)
{
	struct entry *n = find_locked(r, hash, now_us);

	if (n == NULL) {
		if (r->count == REPLAY_MAX)
			return err_set(e, ERR_BUSY, "%d assertions are remembered already",
			    REPLAY_MAX);
		n = &r->entry[r->count++];
		*n = (struct entry){ .until_us = until_us, .left = r->uses };
		memcpy(n->hash, hash, sizeof(n->hash));
	}
	if (n->left == 0)
		return 0;
	n->left--;
	return 1;
}

int replay_use(struct replay *r, struct str text, int64_t until_us, int64_t now_us, struct err *e)
{
	uint8_t hash[SHA256_SIZE];
	int rc;

	if (sha256(text.p, text.n, hash, e) != 0)
		return -1;
	(void)pthread_mutex_lock(&r->mu);
	rc = use_locked(r, hash, until_us, now_us, e);
	(void)pthread_mutex_unlock(&r->mu);
	return rc;
}
