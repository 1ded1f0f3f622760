/* expression.h - the grammar of a template's "[expressions]": texts, numbers, calls, members and
 * indexes. */
#ifndef ARM_EXPRESSION_H
#define ARM_EXPRESSION_H

#include "base/arena.h"
#include "base/base.h"

#define EXPRESSION_MAX 24576	/* bytes, as in Azure */
#define EXPRESSION_DEPTH_MAX 32	/* calls and indexes inside each other */
#define EXPRESSION_NODES_MAX 1000

struct node {
	enum { NODE_TEXT, NODE_NUMBER, NODE_CALL, NODE_MEMBER, NODE_INDEX } kind;
	const char *text;		/* TEXT; the name of a CALL or MEMBER */
	int64_t number;			/* NUMBER */
	const struct node *of, *index;	/* MEMBER and INDEX: of what; INDEX: which */
	const struct node *arg;		/* CALL: the first argument, or NULL */
	const struct node *next;	/* the argument behind this one, or NULL */
};

/* "[...]", but not "[[...]", which is a text that begins with one bracket. */
bool expression_is(const char *text);

/* Parse a text of which expression_is().  Nodes are the arena's.  ERR_INVALID says where (the
 * character, counted from 1) and what is wrong. */
must_check int expression_parse(struct arena *a, const char *text, const struct node **ret,
    struct err *e);

#endif
