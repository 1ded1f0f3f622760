/* jwks.c - see jwks.h. */
#include "auth/jwks.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "crypto/jwt.h"
#include "http/client.h"

#define KEYS_MAX 32
#define KID_SIZE 128
#define KEEP_US (INT64_C(3600) * 1000000)
#define AGAIN_US (INT64_C(60) * 1000000)
#define BODY_MAX ((size_t)256 << 10)

struct key_set {
	struct {
		char kid[KID_SIZE];
		struct jwt_key *key;
	} at[KEYS_MAX];
	size_t count;
};

struct jwks {
	const char *issuer, *url, *ca;
	pthread_mutex_t fetch_mu;	/* held during a fetch; taken before mu */
	pthread_mutex_t mu;		/* guards what follows */
	struct key_set set;
	int64_t fetched_us, tried_us;	/* monotonic; 0: never */
	struct err why;			/* of the last fetch, if it failed */
};

static void set_done(struct key_set *s)
{
	for (size_t i = 0; i < s->count; i++)
		jwt_key_free(s->at[i].key);
	*s = (struct key_set){ 0 };
}

int jwks_new(const char *issuer, const char *url, const char *ca, struct jwks **ret, struct err *e)
{
	struct jwks *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return err_nomem(e);
	j->issuer = issuer;
	j->url = url;
	j->ca = ca;
	(void)pthread_mutex_init(&j->fetch_mu, NULL);
	(void)pthread_mutex_init(&j->mu, NULL);
	*ret = j;
	return 0;
}

void jwks_free(struct jwks *j)
{
	if (j == NULL)
		return;
	set_done(&j->set);
	(void)pthread_mutex_destroy(&j->mu);
	(void)pthread_mutex_destroy(&j->fetch_mu);
	free(j);
}

/* ---- fetching ---- */

static void client_p(struct http_client **c)
{
	http_client_free(*c);
}

static int get_json(struct http_client *c, const char *url, int64_t end_us, json_t **ret,
    struct err *e)
{
	int64_t left_ms = (end_us - clock_monotonic_us()) / 1000;
	cleanup_with(http_reply_done) struct http_reply reply = { 0 };

	http_client_limit(c, left_ms > 1 ? left_ms : 1, BODY_MAX);
	if (http_client_call(c, "GET", url, NULL, STR(""), &reply, e) != 0)
		return -1;
	if (reply.status != 200)
		return err_set(e, ERR_IO, "GET %s: status %d", url, reply.status);
	return jparse(buf_str(&reply.body), ret, e) == 0 ? 0 : err_in(e, "GET %s", url);
}

/* OpenID Connect Discovery 1.0, 4: a terminating "/" of the issuer is removed; 4.3: the document
 * must be that issuer's. */
static int discover(const struct jwks *j, struct http_client *c, int64_t end_us, json_t **ret_doc,
    const char **ret_url, struct err *e)
{
	size_t n = strlen(j->issuer);
	auto_json json_t *doc = NULL;
	char url[512];

	n -= n > 0 && j->issuer[n - 1] == '/';
	if (snprintf(url, sizeof(url), "%.*s/.well-known/openid-configuration", (int)n,
	    j->issuer) >= (int)sizeof(url))
		return err_set(e, ERR_INVALID, "issuer '%.100s' is too long", j->issuer);
	if (get_json(c, url, end_us, &doc, e) != 0)
		return -1;
	if (strcmp(jstr(doc, "issuer", ""), j->issuer) != 0)
		return err_set(e, ERR_IO, "GET %s: its issuer is '%.100s'", url,
		    jstr(doc, "issuer", ""));
	if (jneed_str(doc, "jwks_uri", ret_url, e) != 0)
		return err_in(e, "GET %s", url);
	*ret_doc = TAKE(doc);
	return 0;
}

/* Keys of other kinds and uses than ours are passed over. */
static void take_key(struct key_set *s, const json_t *jwk)
{
	const char *kid = jstr(jwk, "kid", ""), *use = jstr(jwk, "use", "sig");
	struct err unused;

	if (*kid == '\0' || strlen(kid) >= KID_SIZE || strcmp(use, "sig") != 0 ||
	    s->count == KEYS_MAX || jwt_key_public(jwk, &s->at[s->count].key, &unused) != 0)
		return;
	memcpy(s->at[s->count].kid, kid, strlen(kid) + 1);
	s->count++;
}

static int fetch(const struct jwks *j, struct key_set *ret, struct err *e)
{
	int64_t end_us = clock_monotonic_us() + JWKS_WAIT_MS * INT64_C(1000);
	cleanup_with(client_p) struct http_client *c = NULL;
	auto_json json_t *doc = NULL, *set = NULL;
	json_t *keys = NULL, *jwk;
	const char *url = j->url;
	size_t i;

	if (http_client_new(j->ca, &c, e) != 0 ||
	    (*url == '\0' && discover(j, c, end_us, &doc, &url, e) != 0) ||
	    get_json(c, url, end_us, &set, e) != 0)
		return -1;
	if (jget_arr(set, "keys", &keys, e) < 0)
		return err_in(e, "GET %s", url);
	json_array_foreach(keys, i, jwk)
		take_key(ret, jwk);
	return ret->count > 0 ? 0 : err_set(e, ERR_IO, "GET %s: no RSA key is among the keys", url);
}

static bool may_fetch(struct jwks *j)
{
	int64_t now_us = clock_monotonic_us();
	bool may;

	(void)pthread_mutex_lock(&j->mu);
	may = j->tried_us == 0 || now_us - j->tried_us >= AGAIN_US;
	if (may)
		j->tried_us = now_us;
	(void)pthread_mutex_unlock(&j->mu);
	return may;
}

/* Whoever comes while somebody fetches waits here, and then finds that it was done. */
static void refresh(struct jwks *j)
{
	struct key_set set = { 0 }, old = { 0 };
	struct err why = { 0 };

	(void)pthread_mutex_lock(&j->fetch_mu);
	if (may_fetch(j)) {
		int r = fetch(j, &set, &why);

		(void)pthread_mutex_lock(&j->mu);
		if (r == 0) {
			old = j->set;
			j->set = set;
			j->fetched_us = clock_monotonic_us();
		} else {
			old = set;
		}
		j->why = why;
		(void)pthread_mutex_unlock(&j->mu);
		set_done(&old);
	}
	(void)pthread_mutex_unlock(&j->fetch_mu);
}

/* ---- checking ---- */

static struct jwt_key *find_locked(struct jwks *j, const char *kid)
{
	for (size_t i = 0; i < j->set.count; i++)
		if (strcmp(j->set.at[i].kid, kid) == 0)
			return j->set.at[i].key;
	return NULL;
}

/* 1 and the claims, 0 if the keys should be fetched first, -1. */
static int try_known(struct jwks *j, const char *kid, struct str token, json_t **ret, struct err *e)
{
	struct jwt_key *key;
	bool is_fresh;
	int r = 0;

	(void)pthread_mutex_lock(&j->mu);
	is_fresh = j->fetched_us != 0 && clock_monotonic_us() - j->fetched_us < KEEP_US;
	key = is_fresh ? find_locked(j, kid) : NULL;
	if (key != NULL)
		r = jwt_verify(key, token, ret, e) == 0 ? 1 : -1;
	else if (is_fresh)
		(void)err_set(e, ERR_DENIED, "issuer '%s' has no key '%.60s'", j->issuer, kid);
	else
		(void)err_set(e, ERR_IO, "the keys of issuer '%s' cannot be fetched: %s", j->issuer,
		    j->why.msg);
	(void)pthread_mutex_unlock(&j->mu);
	return r;
}

int jwks_verify(struct jwks *j, const char *kid, struct str token, json_t **ret, struct err *e)
{
	int r = try_known(j, kid, token, ret, e);

	if (r == 0) {
		refresh(j);
		r = try_known(j, kid, token, ret, e);
	}
	return r > 0 ? 0 : -1;
}
