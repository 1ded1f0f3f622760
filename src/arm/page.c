/* page.c - see page.h.  A token is "1:" and the cursor; the figure changes if
 * cursors ever do, so that an old token is refused rather than misread. */
#include "arm/page.h"

#include "arm/text.h"
#include "base/codec.h"

#define MARK "1:"

int arm_skip_token_decode(struct arena *a, const char *token, const char **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	const char *cursor;

	if (token == NULL) {
		*ret = NULL;
		return 0;
	}
	if (base64_decode(str_c(token), &b) != 0 || !str_istarts(buf_str(&b), STR(MARK)) ||
	    !text_plain(buf_str(&b))) {
		if (b.failed)
			return err_nomem(e);
		return err_code(e, ERR_INVALID, "InvalidSkipToken",
		    "$skipToken: '%.100s' is not a token that a list gave out", token);
	}
	cursor = arena_str(a, (struct str){ b.p + strlen(MARK), b.n - strlen(MARK) });
	if (cursor == NULL)
		return err_nomem(e);
	*ret = cursor;
	return 0;
}

char *arm_skip_token_encode(struct arena *a, const char *cursor)
{
	auto_buf struct buf b = { 0 };
	const char *text = arena_fmt(a, MARK "%s", cursor);

	if (text == NULL)
		return NULL;
	base64url_encode(&b, text, strlen(text));
	return b.failed ? NULL : arena_str(a, buf_str(&b));
}
