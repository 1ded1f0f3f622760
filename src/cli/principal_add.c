/* principal_add.c - holdfast principal add: who comes new, and credentials that are described. */
#include <stdio.h>

#include "auth/role.h"
#include "base/codec.h"
#include "base/fs.h"
#include "cli/new_secret.h"
#include "cli/principal.h"
#include "crypto/certificate.h"
#include "crypto/crypto.h"

#define PEM_MAX 65536
#define SECRET_DAYS 365
#define EXCHANGE_AUDIENCE "api://AzureADTokenExchange"

static bool is_plain(const char *text)
{
	auto_json json_t *utf8 = json_string(text);

	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return utf8 != NULL;
}

static int put_text(const char *what, const char *text, char *ret, size_t size, struct err *e)
{
	if (*text == '\0' || strlen(text) >= size)
		return err_set(e, ERR_INVALID, "%s '%.60s' is empty or longer than %zu bytes", what,
		    text, size - 1);
	if (!is_plain(text))
		return err_set(e, ERR_INVALID, "%s is not plain UTF-8 text", what);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int from_certificate(const struct principal_cmd *c, struct credential *k, struct err *e)
{
	auto_buf struct buf pem = { 0 };
	struct certificate cert;
	int r;

	if (fs_read_all(c->args->certificate, PEM_MAX, &pem, e) != 0)
		return -1;
	r = certificate_read(buf_str(&pem), &cert, e);
	crypto_wipe(pem.p, pem.cap);	/* such files have the private key too, as a rule */
	if (r != 0)
		return err_in(e, "certificate '%s'", c->args->certificate);
	if (cert.until_us <= c->now_us)
		return err_set(e, ERR_INVALID, "certificate '%s' has expired",
		    c->args->certificate);
	k->kind = CREDENTIAL_CERTIFICATE;
	if (k->expires_us == 0 || k->expires_us > cert.until_us)
		k->expires_us = cert.until_us;
	memcpy(k->x5t, cert.x5t, sizeof(cert.x5t));
	memcpy(k->x5t_s256, cert.x5t_s256, sizeof(cert.x5t_s256));
	memcpy(k->modulus, cert.modulus, sizeof(cert.modulus));
	memcpy(k->exponent, cert.exponent, sizeof(cert.exponent));
	return 0;
}

static int from_subject(const struct principal_args *a, struct credential *k, struct err *e)
{
	k->kind = CREDENTIAL_FEDERATED;
	if (strncmp(a->issuer, "https://", 8) != 0)
		return err_set(e, ERR_INVALID, "--issuer '%.100s' is no https URL", a->issuer);
	return put_text("--issuer", a->issuer, k->issuer, sizeof(k->issuer), e) != 0 ||
	    put_text("--subject", a->subject, k->subject, sizeof(k->subject), e) != 0 ? -1 :
	    put_text("--audience", a->audience != NULL ? a->audience : EXCHANGE_AUDIENCE,
	    k->audience, sizeof(k->audience), e);
}

int principal_credential(const struct principal_cmd *c, const char *client_id,
    struct credential *ret, struct buf *ret_secret, struct err *e)
{
	const struct principal_args *a = c->args;
	bool is_secret = a->certificate == NULL && a->issuer == NULL;
	int64_t days = a->expires_days >= 0 ? a->expires_days : is_secret ? SECRET_DAYS : 0;
	int64_t until_us = days == 0 ? 0 : c->now_us + days * DAY_US;
	struct credential k = { .created_us = c->now_us, .expires_us = until_us };

	if (is_secret)
		return new_secret(client_id, c->now_us, until_us, ret, ret_secret, e);
	(void)guid_new(k.id);
	(void)snprintf(k.client_id, sizeof(k.client_id), "%s", client_id);
	if (a->certificate != NULL ? from_certificate(c, &k, e) != 0 : from_subject(a, &k, e) != 0)
		return -1;
	*ret = k;
	return 0;
}

struct search {
	const char *name;
	struct principal found;
	unsigned count;
};

static int match(void *arg, const struct principal *p, struct err *e)
{
	struct search *s = arg;

	(void)e;
	if (strcmp(p->name, s->name) == 0 || str_ieq(str_c(p->client_id), str_c(s->name))) {
		s->found = *p;
		s->count++;
	}
	return 0;
}

int principal_find(struct db_conn *db, const char *name, struct principal *ret, struct err *e)
{
	struct search s = { .name = name };

	if (principal_list(db, match, &s, e) < 0)
		return -1;
	if (s.count == 0)
		return err_set(e, ERR_NOT_FOUND, "no principal is called '%.100s'", name);
	if (s.count > 1)
		return err_set(e, ERR_INVALID,
		    "%u principals are called '%.100s': give the client id", s.count, name);
	*ret = s.found;
	return 0;
}

/* A name is one principal's, and cannot be taken for a client id. */
static int make(const struct principal_args *a, struct db_conn *db, struct principal *ret,
    struct err *e)
{
	const struct role *role = a->role != NULL ? role_find(str_c(a->role)) : NULL;
	struct search s = { .name = a->name };
	struct principal p = { 0 };

	if (a->role != NULL && role == NULL)
		return err_set(e, ERR_INVALID, "role '%.60s' does not exist: docs/roles.md lists them",
		    a->role);
	if (put_text("name", a->name, p.name, sizeof(p.name), e) != 0)
		return -1;
	if (guid_valid(str_c(a->name)))
		return err_set(e, ERR_INVALID, "name '%s' looks like a client id", a->name);
	if (principal_list(db, match, &s, e) < 0)
		return -1;
	if (s.count > 0)
		return err_set(e, ERR_CONFLICT, "principal '%s' exists: 'rotate' gives it a new "
		    "secret, 'add --to' another credential", a->name);
	(void)snprintf(p.role, sizeof(p.role), "%s", role != NULL ? role->name : "");
	(void)guid_new(p.client_id);
	(void)guid_new(p.object_id);
	if (principal_put(db, &p, e) != 0)
		return -1;
	*ret = p;
	return 0;
}

static int add(struct principal_cmd *c, struct principal *who, struct credentials *list,
    struct buf *secret, struct err *e)
{
	const struct principal_args *a = c->args;
	auto_conn struct db_conn *db = NULL;
	struct credential k = { 0 };

	if (db_write_begin(c->offline->world.db, &db, e) != 0 ||
	    (a->to != NULL ? principal_find(db, a->to, who, e) : make(a, db, who, e)) != 0 ||
	    principal_credential(c, who->client_id, &k, secret, e) != 0)
		return -1;
	if (credential_add(db, &k, e) != 0)
		return e->kind != ERR_CONFLICT ? -1 : err_set(e, ERR_CONFLICT,
		    "subject '%s' of '%s' is registered already", k.subject, k.issuer);
	return credentials_load(db, who->client_id, list, e) != 0 ? -1 : principal_commit(c, &db,
	    a->to != NULL ? "holdfast/principals/credentials/write" : "holdfast/principals/write",
	    who, k.id, e);
}

int principal_cmd_add(struct principal_cmd *c)
{
	auto_credentials struct credentials list = { 0 };
	auto_buf struct buf secret = { 0 };
	struct principal who = { 0 };
	struct err e = { 0 };
	int r = add(c, &who, &list, &secret, &e);

	if (r == 0)
		r = principal_print(c, &who, &list, &secret, &e);
	crypto_wipe(secret.p, secret.cap);
	return r != 0 ? cli_fail("principal add", &e) : CLI_OK;
}
