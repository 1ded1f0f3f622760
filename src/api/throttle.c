/* throttle.c - see throttle.h. */
#include "api/throttle.h"

#include <stdio.h>

#include "api/api.h"
#include "auth/buckets.h"

#define FOR_ALL 15	/* as in Azure: times what one principal has */

enum kind { READS, WRITES, DELETES, KINDS };

static const struct {
	const char *plural, *single;
} names[KINDS] = { { "reads", "read" }, { "writes", "write" }, { "deletes", "delete" } };

struct limit {
	struct buckets *own, *all;	/* both NULL: none */
};

struct throttle {
	struct limit limit[KINDS];
};

static int limit_init(struct limit *l, const struct rate_settings *r, struct err *e)
{
	if (r->bucket == 0)
		return 0;
	if (buckets_new(r->bucket, r->refill, &l->own, e) != 0)
		return -1;
	return buckets_new(r->bucket * FOR_ALL, r->refill * FOR_ALL, &l->all, e);
}

int throttle_new(const struct settings *s, struct throttle **ret, struct err *e)
{
	struct throttle *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_nomem(e);
	if (limit_init(&t->limit[READS], &s->reads, e) != 0 ||
	    limit_init(&t->limit[WRITES], &s->writes, e) != 0 ||
	    limit_init(&t->limit[DELETES], &s->deletes, e) != 0) {
		throttle_free(t);
		return -1;
	}
	*ret = t;
	return 0;
}

void throttle_free(struct throttle *t)
{
	for (size_t i = 0; t != NULL && i < KINDS; i++) {
		buckets_free(t->limit[i].own);
		buckets_free(t->limit[i].all);
	}
	free(t);
}

static enum kind kind_of(const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return READS;
	return strcmp(method, "DELETE") == 0 ? DELETES : WRITES;
}

/* Whole seconds, never 0: at once would be refused again. */
static int64_t seconds(int64_t us)
{
	return us > 1000000 ? (us + 999999) / 1000000 : 1;
}

/* As Azure says it, for one principal and for the subscription. */
static int refuse(struct api_call *c, enum kind kind, const char *actor, int64_t wait_us,
    struct err *e)
{
	c->throttle.wait_s = seconds(wait_us);
	return err_http(e, ERR_BUSY, 429, "SubscriptionRequestsThrottled",
	    "Number of '%s' requests for subscription '%s'%s%s%s exceeded. Please try again after "
	    "'%lld' seconds.", names[kind].single, c->world->subscription,
	    actor != NULL ? " actor '" : "", actor != NULL ? actor : "", actor != NULL ? "'" : "",
	    (long long)c->throttle.wait_s);
}

int throttle_call(struct api_call *c, struct err *e)
{
	enum kind kind = kind_of(c->http->method);
	const struct limit *l = c->api->throttle != NULL ? &c->api->throttle->limit[kind] : NULL;
	struct str actor = str_c(c->who.object_id), all = STR("");
	struct bucket_state own, rest;
	int r;

	if (l == NULL || l->own == NULL)
		return 0;
	c->throttle.kind = names[kind].plural;
	/* One that is refused for itself takes nothing from the others. */
	r = buckets_look(l->all, all, c->now_us, &rest, e);
	if (r > 0)
		r = buckets_take(l->own, actor, c->now_us, &own, e);
	else if (r == 0)
		return refuse(c, kind, NULL, rest.wait_us, e);
	if (r > 0)
		r = buckets_take(l->all, all, c->now_us, &rest, e) < 0 ? -1 : 1;
	if (r < 0)
		return -1;
	c->throttle.left = own.left;
	c->throttle.left_for_all = rest.left;
	return r > 0 ? 0 : refuse(c, kind, c->who.object_id, own.wait_us, e);
}

void throttle_headers(struct api_call *c)
{
	char name[80];

	if (c->throttle.kind == NULL)
		return;
	(void)snprintf(name, sizeof(name), "x-ms-ratelimit-remaining-subscription-%s",
	    c->throttle.kind);
	http_res_headerf(c->res, name, "%lld", (long long)c->throttle.left);
	(void)snprintf(name, sizeof(name), "x-ms-ratelimit-remaining-subscription-global-%s",
	    c->throttle.kind);
	http_res_headerf(c->res, name, "%lld", (long long)c->throttle.left_for_all);
	if (c->throttle.wait_s > 0)
		http_res_headerf(c->res, "Retry-After", "%lld", (long long)c->throttle.wait_s);
}
