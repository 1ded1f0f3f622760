/* buckets.c - see buckets.h. */
#include "auth/buckets.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/codec.h"
#include "crypto/crypto.h"

#define WAYS 8		/* places where a key may be */
#define SETS (BUCKETS_MAX / WAYS)
#define TOKEN INT64_C(1000000)	/* a microsecond's refill is `refill` parts of it */

struct bucket {
	uint8_t key[16];
	int64_t parts;		/* of tokens: TOKEN each */
	int64_t at_us;		/* when `parts` was so */
	bool used;
};

struct buckets {
	pthread_mutex_t mu;	/* guards the places */
	int64_t size, refill;
	uint8_t salt[16];
	struct bucket set[SETS][WAYS];
};

int buckets_new(int64_t size, int64_t refill, struct buckets **ret, struct err *e)
{
	struct buckets *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return err_nomem(e);
	b->size = size;
	b->refill = refill;
	random_bytes(b->salt, sizeof(b->salt));
	if (pthread_mutex_init(&b->mu, NULL) != 0) {
		free(b);
		return err_nomem(e);
	}
	*ret = b;
	return 0;
}

void buckets_free(struct buckets *b)
{
	if (b == NULL)
		return;
	(void)pthread_mutex_destroy(&b->mu);
	free(b);
}

static int64_t parts_now(const struct buckets *b, const struct bucket *k, int64_t now_us)
{
	int64_t missing = b->size * TOKEN - k->parts, span_us = now_us - k->at_us;

	if (span_us <= 0)
		return k->parts;
	return span_us > missing / b->refill ? b->size * TOKEN : k->parts + span_us * b->refill;
}

static int hash_key(const struct buckets *b, struct str key, uint8_t ret[SHA256_SIZE],
    struct err *e)
{
	auto_buf struct buf text = { 0 };

	buf_add(&text, b->salt, sizeof(b->salt));
	buf_add(&text, key.p, key.n);
	return buf_ok(&text, e) != 0 ? -1 : sha256(text.p, text.n, ret, e);
}

/* The place to be given up for a new key: an unused one, else the one nearest to full. */
static struct bucket *place(const struct buckets *b, struct bucket set[WAYS], int64_t now_us)
{
	struct bucket *best = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (!set[i].used)
			return &set[i];
		if (parts_now(b, &set[i], now_us) > parts_now(b, best, now_us))
			best = &set[i];
	}
	return best;
}

/* The key's bucket, as it is now. */
static struct bucket *find_locked(struct buckets *b, const uint8_t hash[SHA256_SIZE],
    int64_t now_us)
{
	struct bucket *set = b->set[(hash[16] | hash[17] << 8) % SETS], *k;

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].used && memcmp(set[i].key, hash, sizeof(set[i].key)) == 0) {
			set[i].parts = parts_now(b, &set[i], now_us);
			set[i].at_us = now_us;
			return &set[i];
		}
	k = place(b, set, now_us);
	*k = (struct bucket){ .parts = b->size * TOKEN, .at_us = now_us, .used = true };
	memcpy(k->key, hash, sizeof(k->key));
	return k;
}

/* Take `tokens` (0 or 1) if there is one. */
static int ask(struct buckets *b, struct str key, int tokens, int64_t now_us,
    struct bucket_state *ret, struct err *e)
{
	uint8_t hash[SHA256_SIZE];
	struct bucket *k;
	bool enough;

	if (hash_key(b, key, hash, e) != 0)
		return -1;
	(void)pthread_mutex_lock(&b->mu);
	k = find_locked(b, hash, now_us);
	enough = k->parts >= TOKEN;
	if (enough)
		k->parts -= tokens * TOKEN;
	*ret = (struct bucket_state){ .left = k->parts / TOKEN, .wait_us = k->parts >= TOKEN ? 0 :
	    (TOKEN - k->parts + b->refill - 1) / b->refill };
	(void)pthread_mutex_unlock(&b->mu);
	return enough;
}

int buckets_take(struct buckets *b, struct str key, int64_t now_us, struct bucket_state *ret,
    struct err *e)
{
	return ask(b, key, 1, now_us, ret, e);
}

int buckets_look(struct buckets *b, struct str key, int64_t now_us, struct bucket_state *ret,
    struct err *e)
{
	return ask(b, key, 0, now_us, ret, e);
}
