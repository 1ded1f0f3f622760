/* expression.c - see expression.h. */
#include "arm/expression.h"

#include <errno.h>

#include "arm/template_state.h"
#include "base/buf.h"

struct reader {
	struct arena *arena;
	const char *start, *at;
	unsigned depth, nodes;
};

bool expression_is(const char *text)
{
	size_t n = strlen(text);

	return n >= 2 && text[0] == '[' && text[1] != '[' && text[n - 1] == ']';
}

static int wrong(const struct reader *r, const char *what, struct err *e)
{
	return template_wrong(
	    e, "expression, character %zu: %s", (size_t)(r->at - r->start) + 1, what);
}

static char peek(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n')
		r->at++;
	return *r->at;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int new_node(struct reader *r, struct node **ret, struct err *e)
{
	struct node *n;

	if (r->nodes++ == EXPRESSION_NODES_MAX)
		return wrong(r, "too long", e);
	n = arena_alloc(r->arena, sizeof(*n));
	if (n == NULL)
		return err_nomem(e);
	*ret = n;
	return 0;
}

/* 'it''s' */
static int read_text(struct reader *r, struct node *n, struct err *e)
{
	auto_buf struct buf b = { 0 };

	for (r->at++;; r->at++) {
		if (*r->at == '\0')
			return wrong(r, "the text has no closing quote", e);
		if (*r->at == '\'' && *++r->at != '\'')
			break;
		buf_add(&b, r->at, 1);
	}
	n->kind = NODE_TEXT;
	n->text = arena_str(r->arena, buf_str(&b));
	return b.failed || n->text == NULL ? err_nomem(e) : 0;
}

static int read_number(struct reader *r, struct node *n, struct err *e)
{
	char *end;

	errno = 0;
	n->kind = NODE_NUMBER;
	n->number = strtoll(r->at, &end, 10);
	if (errno != 0 || !is_digit(end[-1]))
		return wrong(r, "not a whole number of 64 bits", e);
	r->at = end;
	return 0;
}

static int read_name(struct reader *r, struct node *n, struct err *e)
{
	const char *from = r->at;

	while (is_letter(*r->at) || is_digit(*r->at))
		r->at++;
	if (r->at == from)
		return wrong(r, "a name is expected", e);
	n->text = arena_str(r->arena, (struct str){ from, (size_t)(r->at - from) });
	return n->text != NULL ? 0 : err_nomem(e);
}

static int read_value(struct reader *r, struct node **ret, struct err *e);

static int read_call(struct reader *r, struct node *n, struct err *e)
{
	struct node *arg, *last = NULL;

	n->kind = NODE_CALL;
	if (read_name(r, n, e) != 0)
		return -1;
	if (peek(r) != '(')
		return wrong(r, "'(' is expected", e);
	r->at++;
	if (peek(r) == ')') {
		r->at++;
		return 0;
	}
	for (;;) {
		if (read_value(r, &arg, e) != 0)
			return -1;
		if (last == NULL)
			n->arg = arg;
		else
			last->next = arg;
		last = arg;
		if (peek(r) == ')')
			break;
		if (*r->at != ',')
			return wrong(r, "',' or ')' is expected", e);
		r->at++;
	}
	r->at++;
	return 0;
}

static int read_first(struct reader *r, struct node *n, struct err *e)
{
	char c = peek(r);

	if (c == '\'')
		return read_text(r, n, e);
	if (is_digit(c) || c == '-' || c == '+')
		return read_number(r, n, e);
	return is_letter(c) ? read_call(r, n, e) : wrong(r, "a value is expected", e);
}

/* ".name" and "[index]" behind a value. */
static int read_suffix(struct reader *r, const struct node *of, struct node **ret, struct err *e)
{
	struct node *n, *index;

	if (new_node(r, &n, e) != 0)
		return -1;
	n->of = of;
	n->kind = *r->at == '.' ? NODE_MEMBER : NODE_INDEX;
	r->at++;
	(void)peek(r);
	if (n->kind == NODE_MEMBER) {
		if (read_name(r, n, e) != 0)
			return -1;
	} else {
		if (read_value(r, &index, e) != 0)
			return -1;
		n->index = index;
		if (peek(r) != ']')
			return wrong(r, "']' is expected", e);
		r->at++;
	}
	*ret = n;
	return 0;
}

static int read_value(struct reader *r, struct node **ret, struct err *e)
{
	struct node *at, *n;

	if (r->depth == EXPRESSION_DEPTH_MAX)
		return wrong(r, "nested too deeply", e);
	r->depth++;
	if (new_node(r, &n, e) != 0 || read_first(r, n, e) != 0)
		return -1;
	at = n;
	while (peek(r) == '.' || *r->at == '[')
		if (read_suffix(r, at, &at, e) != 0)
			return -1;
	r->depth--;
	*ret = at;
	return 0;
}

int expression_parse(struct arena *a, const char *text, const struct node **ret, struct err *e)
{
	struct reader r = { .arena = a, .start = text, .at = text + 1 };
	struct node *n;

	if (strlen(text) > EXPRESSION_MAX)
		return template_wrong(e, "the expression is longer than %d bytes", EXPRESSION_MAX);
	if (read_value(&r, &n, e) != 0)
		return -1;
	if (peek(&r) != ']' || r.at[1] != '\0')
		return wrong(&r, "the end of the expression is expected", e);
	*ret = n;
	return 0;
}
