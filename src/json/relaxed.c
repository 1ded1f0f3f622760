/* relaxed.c - JSON as people write it, made into JSON.  See json.h. */
#include "json/json.h"

struct scan {
	const char *at, *end;
	struct buf out;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '$';
}

/* The first place from `p` on that is neither blank nor in a comment. */
static const char *past_blanks(const char *p, const char *end)
{
	while (p < end) {
		if (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n') {
			p++;
		} else if (end - p > 1 && p[0] == '/' && p[1] == '/') {
			while (p < end && *p != '\n')
				p++;
		} else if (end - p > 1 && p[0] == '/' && p[1] == '*') {
			for (p += 2; end - p > 1 && (p[0] != '*' || p[1] != '/'); p++)
				;
			p = end - p > 1 ? p + 2 : end;
		} else {
			break;
		}
	}
	return p;
}

/* Errors name lines: those of comments stay. */
static void copy_lines(struct scan *s, const char *to)
{
	for (; s->at < to; s->at++)
		buf_adds(&s->out, *s->at == '\n' ? "\n" : " ");
}

static void copy_string(struct scan *s)
{
	const char *p = s->at + 1;

	buf_adds(&s->out, "\"");
	for (; p < s->end && *p != '"'; p++) {
		if (*p == '\\' && s->end - p > 1)
			buf_add(&s->out, p++, 2);
		else if (*p == '\n' || *p == '\r' || *p == '\t')
			buf_adds(&s->out, *p == '\n' ? "\\n" : *p == '\r' ? "\\r" : "\\t");
		else
			buf_add(&s->out, p, 1);
	}
	buf_add(&s->out, p, p < s->end ? 1 : 0);
	s->at = p < s->end ? p + 1 : p;
}

/* A name gets its quotes; numbers, true, false and null are as they should be. */
static void copy_word(struct scan *s)
{
	const char *p = s->at, *next;
	bool is_name;

	while (p < s->end && is_word(*p))
		p++;
	next = past_blanks(p, s->end);
	is_name = next < s->end && *next == ':';
	buf_adds(&s->out, is_name ? "\"" : "");
	buf_add(&s->out, s->at, (size_t)(p - s->at));
	buf_adds(&s->out, is_name ? "\"" : "");
	s->at = p;
}

static void copy_other(struct scan *s)
{
	const char *next = past_blanks(s->at + 1, s->end);
	bool is_last = *s->at == ',' && next < s->end && (*next == '}' || *next == ']');

	buf_add(&s->out, is_last ? " " : s->at, 1);
	s->at++;
}

int jparse_relaxed(struct str text, json_t **ret, struct err *e)
{
	struct scan s = { .at = text.p, .end = text.p + text.n };
	int r;

	while (s.at < s.end) {
		copy_lines(&s, past_blanks(s.at, s.end));
		if (s.at == s.end)
			break;
		if (*s.at == '"')
			copy_string(&s);
		else if (is_word(*s.at))
			copy_word(&s);
		else
			copy_other(&s);
	}
	r = buf_ok(&s.out, e) != 0 ? -1 : jparse(buf_str(&s.out), ret, e);
	buf_done(&s.out);
	return r;
}
