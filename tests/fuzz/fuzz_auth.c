/* fuzz_auth.c - Authorization headers (bearer tokens, SharedKey) and client assertions.
 *
 * The key is made once at random, so nothing may ever be accepted. */
#include <stdio.h>
#include <strings.h>

#include "auth/sharedkey.h"
#include "auth/token.h"
#include "auth/trusted.h"
#include "base/arena.h"
#include "base/codec.h"
#include "crypto/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is the Authorization header; every other header is fixed. */
const char *http_req_header(const struct http_req *r, const char *name)
{
	if (strcasecmp(name, "Authorization") == 0)
		return r->impl;
	return strcasecmp(name, "Date") == 0 ? "Thu, 01 Jan 1970 00:00:00 GMT" : NULL;
}

void http_req_each(const struct http_req *r, http_header_fn *fn, void *arg)
{
	fn(arg, "x-ms-fuzz", r->impl);
}

static struct token_issuer *open_issuer(void)
{
	char dir[] = "/tmp/fuzz_auth.XXXXXX", path[64];
	struct token_issuer *t = NULL;
	struct err e;

	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	if (jwt_key_create(path, &e) != 0 ||
	    token_issuer_open(path, "11111111-2222-4333-8444-555555555555", 60, &t, &e) != 0)
		abort();
	(void)unlink(path);
	(void)rmdir(dir);
	return t;
}

static void try_shared_key(const char *header, struct str query)
{
	static const char *const keys[] = { "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" };
	struct http_req r = { .method = "GET", .path = STR("/a/c/b"), .impl = header };
	struct arm_query q = { .pair = { { "comp", header } }, .count = query.n > 8 };
	struct err e;

	if (sharedkey_check(&r, &q, "a", keys, 1, 0, &e) == 0)
		abort();
}

/* As a client's assertion: what parses proves nothing, whichever certificate is registered. */
static void try_assertion(const char *text)
{
	struct credential k = { .kind = CREDENTIAL_CERTIFICATE, .x5t = "AAAA", .x5t_s256 = "AAAA",
		.exponent = "AQAB" };
	const struct credentials known = { &k, 1 };
	auto_assertion struct assertion a = { 0 };
	static struct replay *used;
	struct assertion_fault fault;
	struct err e;

	memset(k.modulus, 'x', 342);
	if ((used == NULL && replay_new(1, &used, &e) != 0) ||
	    assertion_parse(str_c(text), &a, &e) != 0)
		return;
	if (assertion_by_certificate(&a, "c", &known, "https://a/token", 1, used, &fault, &e) > 0 ||
	    trusted_prove(NULL, &a, &known, 1, &fault, &e) > 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct token_issuer *issuer;
	struct token_claims claims;
	struct err e;
	char *header = malloc(size + 1);

	if (issuer == NULL)
		issuer = open_issuer();
	if (header == NULL)
		return 0;
	if (size > 0)
		memcpy(header, data, size);
	header[size] = '\0';
	if (token_check(issuer, header, 1, &claims, &e) == 0)
		abort();
	try_assertion(strncmp(header, "Bearer ", 7) == 0 ? header + 7 : header);
	try_shared_key(header, (struct str){ header, size });
	free(header);
	return 0;
}
