/* t_blob_range.c - Range and conditional headers of the blob service. */
#include "t.h"

#include "api/blob_range.h"

static void ranges(void **state)
{
	static const struct {
		const char *header;
		int64_t size;
		enum range_kind kind;
		int64_t offset, length;
	} row[] = {
		{ NULL, 10, RANGE_NONE, 0, 0 },
		{ "bytes=0-3", 10, RANGE_PART, 0, 4 },
		{ "BYTES=2-", 10, RANGE_PART, 2, 8 },
		{ "bytes=0-33554431", 10, RANGE_PART, 0, 10 },
		{ "bytes=9-9", 10, RANGE_PART, 9, 1 },
		{ "bytes=-4", 10, RANGE_PART, 6, 4 },
		{ "bytes=-40", 10, RANGE_PART, 0, 10 },
		{ "bytes=10-", 10, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=0-0", 0, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=-5", 0, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=-0", 10, RANGE_OUTSIDE, 0, 0 },
		{ "bytes=5-4", 10, RANGE_NONE, 0, 0 },
		{ "bytes=0-1,4-5", 10, RANGE_NONE, 0, 0 },
		{ "items=0-1", 10, RANGE_NONE, 0, 0 },
		{ "bytes=", 10, RANGE_NONE, 0, 0 },
		{ "bytes=-", 10, RANGE_NONE, 0, 0 },
		{ "bytes=a-b", 10, RANGE_NONE, 0, 0 },
		{ "bytes=1-2x", 10, RANGE_NONE, 0, 0 },
		{ "bytes=99999999999999999999-", 10, RANGE_NONE, 0, 0 },
		{ "bytes=0-9223372036854775799", INT64_MAX, RANGE_PART, 0,
		    INT64_C(9223372036854775800) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		int64_t offset = 0, length = 0;
		enum range_kind kind = range_parse(row[i].header, row[i].size, &offset, &length);

		if (kind != row[i].kind)
			print_error("row %zu: %s\n", i, row[i].header);
		assert_int_equal(kind, row[i].kind);
		assert_int_equal(offset, row[i].offset);
		assert_int_equal(length, row[i].length);
	}
}

#define TAG "\"0x8D1\""
#define AT INT64_C(1715676532500000)	/* Tue, 14 May 2024 08:48:52.5 GMT */

static void preconditions(void **state)
{
	static const struct {
		struct conditions k;
		int want;
	} row[] = {
		{ { 0 }, 0 },
		{ { .if_match = TAG }, 0 },
		{ { .if_match = "0x8D1" }, 0 },
		{ { .if_match = "\"a\", W/" TAG }, 0 },
		{ { .if_match = "*" }, 0 },
		{ { .if_match = "\"0x8D\"" }, 412 },
		{ { .if_match = "\"0x8D1\"x" }, 412 },
		{ { .if_match = "" }, 412 },
		{ { .if_none_match = TAG }, 304 },
		{ { .if_none_match = "*" }, 304 },
		{ { .if_none_match = "\"other\"" }, 0 },
		{ { .if_modified_since = "Tue, 14 May 2024 08:48:52 GMT" }, 304 },
		{ { .if_modified_since = "Tue, 14 May 2024 08:48:51 GMT" }, 0 },
		{ { .if_modified_since = "yesterday" }, 0 },
		{ { .if_unmodified_since = "Tue, 14 May 2024 08:48:52 GMT" }, 0 },
		{ { .if_unmodified_since = "Tue, 14 May 2024 08:48:51 GMT" }, 412 },
		/* an entity tag outweighs a time */
		{ { .if_match = TAG, .if_unmodified_since = "Tue, 14 May 2024 08:48:51 GMT" }, 0 },
		{ { .if_none_match = "\"other\"",
		      .if_modified_since = "Tue, 14 May 2024 08:48:52 GMT" },
		    0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		int got = conditions_check(&row[i].k, TAG, AT);

		if (got != row[i].want)
			print_error("row %zu\n", i);
		assert_int_equal(got, row[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(preconditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
