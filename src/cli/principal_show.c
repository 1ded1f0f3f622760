/* principal_show.c - holdfast principal list and show, and how a principal is printed. */
#include <stdio.h>

#include "base/codec.h"
#include "cli/principal.h"

static json_t *time_json(int64_t us)
{
	char text[TIME_TEXT_MAX];

	return us == 0 ? json_null() : json_string(time_iso_seconds(us, text));
}

/* As openssl and the portal print it: hexadecimal. */
static json_t *thumbprint(const char *x5t)
{
	auto_buf struct buf raw = { 0 };
	char hex[HEX_SIZE(32)];

	if (base64_decode(str_c(x5t), &raw) != 0 || raw.n > 32)
		return json_string(x5t);
	return json_string(hex_encode(raw.p, raw.n, hex));
}

static json_t *credential_json(const struct credential *k, int64_t now_us)
{
	json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:b}", "id", k->id, "kind",
	    credential_kind_name(k->kind), "created", time_json(k->created_us), "expires",
	    time_json(k->expires_us), "isExpired", credential_is_over(k, now_us));
	int r = 0;

	if (k->kind == CREDENTIAL_SECRET && *k->hint != '\0')
		r = json_object_set_new(j, "hint", json_string(k->hint));
	else if (k->kind == CREDENTIAL_CERTIFICATE)
		r = json_object_set_new(j, "thumbprint", thumbprint(k->x5t));
	else if (k->kind == CREDENTIAL_FEDERATED)
		r = json_object_update_new(j, json_pack("{s:s, s:s, s:s}", "issuer", k->issuer,
		    "subject", k->subject, "audience", k->audience));
	if (r == 0)
		return j;
	json_decref(j);
	return NULL;
}

static json_t *principal_json(const struct principal_cmd *c, const struct principal *who,
    const struct credentials *list)
{
	auto_json json_t *all = json_array();

	for (size_t i = 0; i < list->count; i++)
		if (json_array_append_new(all, credential_json(&list->all[i], c->now_us)) != 0)
			return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "name", who->name, "clientId",
	    who->client_id, "objectId", who->object_id, "role", who->role, "tenant",
	    c->offline->world.tenant, "credentials", TAKE(all));
}

static int print_json(json_t *doc, struct err *e)
{
	auto_buf struct buf text = { 0 };
	auto_json json_t *mine = doc;

	if (doc == NULL)
		return err_nomem(e);
	if (jdump(mine, &text, e) != 0)
		return -1;
	(void)puts(text.p);
	return 0;
}

static void print_credential(const json_t *k)
{
	const char *expires = jstr(k, "expires", NULL);

	(void)printf("  %-11s  %s  %s %s", jstr(k, "kind", ""), jstr(k, "id", ""),
	    expires == NULL ? "never ends" : jbool(k, "isExpired", false) ? "ended" : "ends",
	    expires == NULL ? "" : expires);
	if (jat(k, "hint") != NULL)
		(void)printf("  %s...", jstr(k, "hint", ""));
	if (jat(k, "thumbprint") != NULL)
		(void)printf("  thumbprint %s", jstr(k, "thumbprint", ""));
	if (jat(k, "issuer") != NULL)
		(void)printf("  %s of %s for %s", jstr(k, "subject", ""), jstr(k, "issuer", ""),
		    jstr(k, "audience", ""));
	(void)puts("");
}

int principal_print(const struct principal_cmd *c, const struct principal *who,
    const struct credentials *list, const struct buf *secret, struct err *e)
{
	static const char *const keys[] = { "name", "clientId", "objectId", "role", "tenant",
		"secret" };
	auto_json json_t *doc = principal_json(c, who, list);
	json_t *k;
	size_t i;

	if (doc == NULL)
		return err_nomem(e);
	if (secret->n > 0 && jset(doc, "secret", json_string(secret->p), e) != 0)
		return -1;
	if (c->args->as_json)
		return print_json(TAKE(doc), e);
	for (i = 0; i < ARRAY_LEN(keys); i++)
		if (jat(doc, keys[i]) != NULL)
			(void)printf("%-10s %s\n", keys[i], jstr(doc, keys[i], ""));
	(void)puts("credentials");
	json_array_foreach(jat(doc, "credentials"), i, k)
		print_credential(k);
	return 0;
}

struct listing {
	struct principal_cmd *c;
	struct db_conn *db;
	json_t *all;		/* with --json */
};

static int list_one(void *arg, const struct principal *p, struct err *e)
{
	auto_credentials struct credentials known = { 0 };
	struct listing *l = arg;
	size_t live = 0;

	if (credentials_load(l->db, p->client_id, &known, e) != 0)
		return -1;
	if (l->all != NULL)
		return json_array_append_new(l->all, principal_json(l->c, p, &known)) != 0 ?
		    err_nomem(e) : 0;
	for (size_t i = 0; i < known.count; i++)
		live += !credential_is_over(&known.all[i], l->c->now_us);
	(void)printf("%s  %-8s  %2zu of %2zu valid  %s\n", p->client_id, p->role, live, known.count,
	    p->name);
	return 0;
}

int principal_cmd_list(struct principal_cmd *c)
{
	auto_json json_t *all = c->args->as_json ? json_array() : NULL;
	auto_conn struct db_conn *db = NULL;
	struct listing l = { .c = c, .all = all };
	struct err e = { 0 };

	if (db_read_begin(c->offline->world.db, &db, &e) != 0)
		return cli_fail("principal list", &e);
	l.db = db;
	if (principal_list(db, list_one, &l, &e) != 0 ||
	    (all != NULL && print_json(TAKE(all), &e) != 0))
		return cli_fail("principal list", &e);
	return CLI_OK;
}

int principal_cmd_show(struct principal_cmd *c)
{
	auto_credentials struct credentials known = { 0 };
	auto_conn struct db_conn *db = NULL;
	const struct buf none = { 0 };
	struct principal who;
	struct err e = { 0 };

	if (db_read_begin(c->offline->world.db, &db, &e) != 0 ||
	    principal_find(db, c->args->name, &who, &e) != 0 ||
	    credentials_load(db, who.client_id, &known, &e) != 0 ||
	    principal_print(c, &who, &known, &none, &e) != 0)
		return cli_fail("principal show", &e);
	return CLI_OK;
}
