/* sign_in.c - see sign_in.h. */
#include "auth/sign_in.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>

#include "auth/buckets.h"
#include "base/buf.h"
#include "base/codec.h"
#include "crypto/crypto.h"

#define PROVED_MAX 1024
#define ADDRESS_KEY_SIZE 64

struct proof {
	uint8_t hash[SHA256_SIZE];
	bool used;
};

struct sign_ins {
	struct buckets *tries, *wrong;	/* NULL: no limit */
	uint8_t salt[16];
	pthread_mutex_t mu;	/* guards what follows */
	struct proof proved[PROVED_MAX];
	size_t next;		/* the oldest, which gives way */
};

int sign_ins_new(const struct sign_in_limits *l, struct sign_ins **ret, struct err *e)
{
	struct sign_ins *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	random_bytes(s->salt, sizeof(s->salt));
	if (pthread_mutex_init(&s->mu, NULL) != 0) {
		free(s);
		return err_nomem(e);
	}
	if ((l->tries > 0 && buckets_new(l->tries, l->tries_refill, &s->tries, e) != 0) ||
	    (l->wrong > 0 && buckets_new(l->wrong, l->wrong_refill, &s->wrong, e) != 0)) {
		sign_ins_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void sign_ins_free(struct sign_ins *s)
{
	if (s == NULL)
		return;
	buckets_free(s->tries);
	buckets_free(s->wrong);
	(void)pthread_mutex_destroy(&s->mu);
	free(s);
}

/* A client has a whole /64 of IPv6 at its disposal, but one address of IPv4. */
static void address_key(const char *remote, char ret[ADDRESS_KEY_SIZE])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct in6_addr a;

	if (inet_pton(AF_INET6, remote, &a) == 1 && memcmp(&a, mapped, sizeof(mapped)) != 0) {
		memset(&a.s6_addr[8], 0, 8);
		(void)inet_ntop(AF_INET6, &a, ret, ADDRESS_KEY_SIZE);
	} else {
		(void)snprintf(ret, ADDRESS_KEY_SIZE, "%s", remote);
	}
}

/* Client ids are compared without case. */
static int pair_key(const char *address, const char *client_id, struct buf *ret, struct err *e)
{
	buf_addf(ret, "%s ", address);
	for (const char *p = client_id; *p != '\0'; p++) {
		char low = (char)tolower((unsigned char)*p);

		buf_add(ret, &low, 1);
	}
	return buf_ok(ret, e);
}

static int hash_proof(const struct sign_ins *s, const struct sign_in *try,
    uint8_t ret[SHA256_SIZE], struct err *e)
{
	auto_buf struct buf text = { 0 };
	int r;

	buf_add(&text, s->salt, sizeof(s->salt));
	r = pair_key("", try->client_id, &text, e);
	buf_add(&text, "", 1);
	buf_adds(&text, try->secret);
	if (r == 0)
		r = buf_ok(&text, e) != 0 ? -1 : sha256(text.p, text.n, ret, e);
	crypto_wipe(text.p, text.n);
	return r;
}

static struct proof *find_locked(struct sign_ins *s, const uint8_t hash[SHA256_SIZE])
{
	for (size_t i = 0; i < PROVED_MAX; i++)
		if (s->proved[i].used && memcmp(s->proved[i].hash, hash, SHA256_SIZE) == 0)
			return &s->proved[i];
	return NULL;
}

static int has_proved(struct sign_ins *s, const struct sign_in *try, struct err *e)
{
	uint8_t hash[SHA256_SIZE];
	bool found;

	if (try->secret == NULL)
		return 0;
	if (hash_proof(s, try, hash, e) != 0)
		return -1;
	(void)pthread_mutex_lock(&s->mu);
	found = find_locked(s, hash) != NULL;
	(void)pthread_mutex_unlock(&s->mu);
	return found;
}

static int remember(struct sign_ins *s, const struct sign_in *try, bool proved, struct err *e)
{
	uint8_t hash[SHA256_SIZE];
	struct proof *p;

	if (hash_proof(s, try, hash, e) != 0)
		return -1;
	(void)pthread_mutex_lock(&s->mu);
	p = find_locked(s, hash);
	if (p == NULL && proved) {
		p = &s->proved[s->next];
		s->next = (s->next + 1) % PROVED_MAX;
		memcpy(p->hash, hash, SHA256_SIZE);
	}
	if (p != NULL)
		p->used = proved;
	(void)pthread_mutex_unlock(&s->mu);
	return 0;
}

int sign_ins_begin(struct sign_ins *s, const struct sign_in *try, int64_t now_us,
    int64_t *ret_wait_us, struct err *e)
{
	auto_buf struct buf pair = { 0 };
	char address[ADDRESS_KEY_SIZE];
	struct bucket_state state = { 0 };
	int r = has_proved(s, try, e);

	if (r != 0)
		return r;
	address_key(try->remote, address);
	r = s->tries == NULL ? 1 : buckets_take(s->tries, str_c(address), now_us, &state, e);
	if (r > 0 && s->wrong != NULL && try->secret != NULL)
		r = pair_key(address, try->client_id, &pair, e) != 0 ? -1 :
		    buckets_look(s->wrong, buf_str(&pair), now_us, &state, e);
	if (r == 0)
		*ret_wait_us = state.wait_us;
	return r;
}

int sign_ins_end(struct sign_ins *s, const struct sign_in *try, bool proved, int64_t now_us,
    struct err *e)
{
	auto_buf struct buf pair = { 0 };
	char address[ADDRESS_KEY_SIZE];
	struct bucket_state unused;

	if (try->secret == NULL)
		return 0;
	if (remember(s, try, proved, e) != 0)
		return -1;
	if (proved || s->wrong == NULL)
		return 0;
	address_key(try->remote, address);
	if (pair_key(address, try->client_id, &pair, e) != 0)
		return -1;
	return buckets_take(s->wrong, buf_str(&pair), now_us, &unused, e) < 0 ? -1 : 0;
}
