/* fuzz_arm_token.c - a page token that decodes encodes to one with the same cursor. */
#include "arm/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena a = { 0 };
	const char *text = arena_str(&a, (struct str){ (const char *)data, size });
	const char *cursor, *again, *token;
	struct err e;

	if (text == NULL || arm_skip_token_decode(&a, text, &cursor, &e) != 0)
		return 0;
	token = arm_skip_token_encode(&a, cursor);
	if (token == NULL || arm_skip_token_decode(&a, token, &again, &e) != 0 ||
	    strcmp(cursor, again) != 0)
		abort();
	return 0;
}
