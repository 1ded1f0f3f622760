/* trusted.c - see trusted.h. */
#include "auth/trusted.h"

#include "auth/jwks.h"

struct trusted {
	struct trusted_issuer *issuer;
	struct jwks **keys;		/* of each */
	size_t count;
};

int trusted_new(const struct trusted_issuer *list, size_t count, struct trusted **ret,
    struct err *e)
{
	struct trusted *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	t->issuer = calloc(count + 1, sizeof(*t->issuer));
	t->keys = calloc(count + 1, sizeof(struct jwks *));
	if (t->issuer == NULL || t->keys == NULL) {
		trusted_free(t);
		return err_nomem(e);
	}
	for (; t->count < count; t->count++) {
		const struct trusted_issuer *n = &list[t->count];

		t->issuer[t->count] = *n;
		if (jwks_new(n->url, n->jwks, n->ca, &t->keys[t->count], e) != 0) {
			trusted_free(t);
			return -1;
		}
	}
	*ret = t;
	return 0;
}

void trusted_free(struct trusted *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++)
		jwks_free(t->keys[i]);
	free(t->keys);
	free(t->issuer);
	free(t);
}

const struct trusted_issuer *trusted_find(const struct trusted *t, const json_t *claims)
{
	const char *iss = json_string_value(json_object_get(claims, "iss"));

	for (size_t i = 0; t != NULL && iss != NULL && i < t->count; i++)
		if (strcmp(t->issuer[i].url, iss) == 0)
			return &t->issuer[i];
	return NULL;
}

int trusted_verify(const struct trusted *t, const struct trusted_issuer *issuer,
    const struct assertion *a, struct err *e)
{
	const char *kid = json_string_value(json_object_get(a->header, "kid"));
	const char *alg = json_string_value(json_object_get(a->header, "alg"));
	auto_json json_t *claims = NULL;

	/* what cannot be good makes nobody fetch keys */
	if (kid == NULL || alg == NULL || strcmp(alg, "RS256") != 0)
		return err_set(e, ERR_DENIED, "a token of '%s' must be signed with RS256 and name "
		    "its key by kid", issuer->url);
	return jwks_verify(t->keys[issuer - t->issuer], kid, a->token, &claims, e);
}

static int no_match(struct assertion_fault *f, int64_t number, const char *what, const char *value)
{
	return assertion_refuse(f, number, "No matching federated identity record found for "
	    "presented assertion %s '%.150s'. Check the issuer, subject and audience that "
	    "'holdfast principal show' lists.", what, value);
}

/* How far the best of the credentials agrees: 0 not at all, 1 issuer, 2 subject, 3 audience too. */
static unsigned agreement(const json_t *claims, const struct credentials *known, int64_t now_us)
{
	const char *iss = jstr(claims, "iss", ""), *sub = jstr(claims, "sub", "");
	unsigned best = 0;

	for (size_t i = 0; i < known->count; i++) {
		const struct credential *k = &known->all[i];
		unsigned n = 0;

		if (k->kind != CREDENTIAL_FEDERATED || credential_is_over(k, now_us) ||
		    strcmp(k->issuer, iss) != 0)
			continue;
		n = strcmp(k->subject, sub) != 0 ? 1 :
		    assertion_audience_ok(claims, k->audience) ? 3 : 2;
		best = n > best ? n : best;
	}
	return best;
}

int trusted_prove(const struct trusted *t, const struct assertion *a,
    const struct credentials *known, int64_t now_us, struct assertion_fault *ret_fault,
    struct err *e)
{
	const struct trusted_issuer *issuer = trusted_find(t, a->claims);
	unsigned agreed = agreement(a->claims, known, now_us);
	int64_t until_us;

	if (issuer == NULL || agreed == 0)
		return no_match(ret_fault, 700211, "issuer", jstr(a->claims, "iss", ""));
	if (agreed == 1)
		return no_match(ret_fault, 700213, "subject", jstr(a->claims, "sub", ""));
	if (agreed == 2)
		return no_match(ret_fault, 700212, "audience", jstr(a->claims, "aud", ""));
	if (trusted_verify(t, issuer, a, e) != 0)
		return e->kind != ERR_DENIED ? -1 : assertion_refuse(ret_fault, 50013,
		    "Assertion failed signature validation: %s.", e->msg);
	return assertion_times_ok(a->claims, now_us, &until_us, ret_fault) ? 1 : 0;
}
