/* credential.c - see credential.h. */
#include "model/credential.h"

#include <stdio.h>

#include "base/buf.h"

#define TEXT(member) { #member, offsetof(struct credential, member), \
	sizeof(((struct credential *)NULL)->member) }
#define COLUMNS "client_id, id, kind, created_us, expires_us, hint, secret, x5t, x5t_s256," \
	" modulus, exponent, issuer, subject, audience"
#define FIRST_TEXT 5	/* column of the first of credential_texts */

const struct credential_text credential_texts[] = {
	TEXT(hint), TEXT(secret), TEXT(x5t), TEXT(x5t_s256), TEXT(modulus), TEXT(exponent),
	TEXT(issuer), TEXT(subject), TEXT(audience), { NULL, 0, 0 },
};

static const char *const kinds[] = { "secret", "certificate", "federated" };

void credentials_done(struct credentials *list)
{
	free(list->all);
	*list = (struct credentials){ 0 };
}

const char *credential_kind_name(enum credential_kind kind)
{
	return kinds[kind];
}

bool credential_kind_find(const char *name, enum credential_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], name) == 0) {
			*ret = (enum credential_kind)i;
			return true;
		}
	return false;
}

static int bind_texts(struct db_stmt *q, const struct credential *k, struct err *e)
{
	for (unsigned i = 0; credential_texts[i].name != NULL; i++)
		if (db_bind_text(q, FIRST_TEXT + 1 + i,
		    (const char *)k + credential_texts[i].offset, e) != 0)
			return -1;
	return 0;
}

static int count(struct db_conn *c, const char *client_id, int64_t *ret, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };

	if (db_prepare(c, "SELECT count(*) FROM credential WHERE client_id = $1", &q, e) != 0 ||
	    db_bind_text(&q, 1, client_id, e) != 0 || db_step(&q, e) < 0)
		return -1;
	*ret = db_col_int(&q, 0);
	return 0;
}

int credential_add(struct db_conn *c, const struct credential *k, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	int64_t have = 0;

	if (count(c, k->client_id, &have, e) != 0)
		return -1;
	if (have >= CREDENTIALS_MAX)
		return err_set(e, ERR_INVALID, "principal '%s' has %d credentials already",
		    k->client_id, CREDENTIALS_MAX);
	if (db_prepare(c, "INSERT INTO credential (" COLUMNS ") VALUES"
	    " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)", &q, e) != 0 ||
	    db_bind_text(&q, 1, k->client_id, e) != 0 || db_bind_text(&q, 2, k->id, e) != 0 ||
	    db_bind_text(&q, 3, kinds[k->kind], e) != 0 ||
	    db_bind_int(&q, 4, k->created_us, e) != 0 ||
	    db_bind_int(&q, 5, k->expires_us, e) != 0 || bind_texts(&q, k, e) != 0)
		return -1;
	return db_step(&q, e) < 0 ? -1 : 0;
}

static int read_text(struct db_stmt *q, unsigned col, char *ret, size_t size, struct err *e)
{
	int n = snprintf(ret, size, "%s", db_col_text(q, col));

	return n >= 0 && (size_t)n < size ? 0
	    : err_set(e, ERR_CORRUPT, "reading a credential: column %u is too long", col);
}

static int read_row(struct db_stmt *q, struct credential *ret, struct err *e)
{
	struct credential k = { 0 };

	if (read_text(q, 0, k.client_id, sizeof(k.client_id), e) != 0 ||
	    read_text(q, 1, k.id, sizeof(k.id), e) != 0)
		return -1;
	if (!credential_kind_find(db_col_text(q, 2), &k.kind))
		return err_set(e, ERR_CORRUPT, "credential '%s' is of an unknown kind", k.id);
	k.created_us = db_col_int(q, 3);
	k.expires_us = db_col_int(q, 4);
	for (unsigned i = 0; credential_texts[i].name != NULL; i++)
		if (read_text(q, FIRST_TEXT + i, (char *)&k + credential_texts[i].offset,
		    credential_texts[i].size, e) != 0)
			return -1;
	*ret = k;
	return 1;
}

int credentials_load(struct db_conn *c, const char *client_id, struct credentials *ret,
    struct err *e)
{
	auto_credentials struct credentials list = { 0 };
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	list.all = calloc(CREDENTIALS_MAX, sizeof(*list.all));
	if (list.all == NULL)
		return err_nomem(e);
	if (db_prepare(c, "SELECT " COLUMNS " FROM credential WHERE client_id = $1"
	    " ORDER BY created_us, id", &q, e) != 0 || db_bind_text(&q, 1, client_id, e) != 0)
		return -1;
	while ((rc = db_step(&q, e)) > 0) {
		if (list.count == CREDENTIALS_MAX)
			return err_set(e, ERR_CORRUPT,
			    "principal '%s' has more than %d credentials", client_id,
			    CREDENTIALS_MAX);
		if (read_row(&q, &list.all[list.count], e) < 0)
			return -1;
		list.count++;
	}
	if (rc < 0)
		return -1;
	*ret = list;
	list = (struct credentials){ 0 };
	return 0;
}

int credential_by_subject(struct db_conn *c, const char *issuer, const char *subject,
    struct credential *ret, struct err *e)
{
	auto_stmt struct db_stmt q = { 0 };
	int rc;

	if (db_prepare(c, "SELECT " COLUMNS " FROM credential WHERE kind = 'federated'"
	    " AND issuer = $1 AND subject = $2", &q, e) != 0 ||
	    db_bind_text(&q, 1, issuer, e) != 0 || db_bind_text(&q, 2, subject, e) != 0)
		return -1;
	rc = db_step(&q, e);
	return rc <= 0 ? rc : read_row(&q, ret, e);
}

int credentials_expire(struct db_conn *c, const char *client_id, enum credential_kind kind,
    const char *except, int64_t until_us, struct err *e)
{
	return db_exec(c, e, "UPDATE credential SET expires_us = $1 WHERE client_id = $2"
	    " AND kind = $3 AND id <> $4 AND (expires_us = 0 OR expires_us > $1)", "isss",
	    until_us, client_id, kinds[kind], except) < 0 ? -1 : 0;
}

int credentials_delete(struct db_conn *c, const char *client_id, struct err *e)
{
	return db_exec(c, e, "DELETE FROM credential WHERE client_id = $1", "s", client_id) < 0 ?
	    -1 : 0;
}

int credential_delete(struct db_conn *c, const char *client_id, const char *id, struct err *e)
{
	return db_exec(c, e, "DELETE FROM credential WHERE client_id = $1 AND id = $2", "ss",
	    client_id, id);
}
