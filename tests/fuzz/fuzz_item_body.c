/* fuzz_item_body.c - any JSON as the body of an item's PUT and of a restore: what is read from it
 * stays in its bounds, and refusals say why. */
#include "api/item_intent.h"
#include "api/restore_request.h"
#include "base/arena.h"

static json_t *must_parse(const char *text)
{
	json_t *j = NULL;
	struct err e;

	if (jparse(str_c(text), &j, &e) != 0)
		abort();
	return j;
}

static void restore(const json_t *body)
{
	auto_json json_t *item = must_parse("{\"properties\":{\"sourceResourceId\":\"/vm\"}}");
	auto_json json_t *point = must_parse("{\"internal\":{\"disks\":[{\"lun\":-1},{\"lun\":0},"
	    "{\"lun\":3}],\"excluded\":[{\"lun\":1}]}}");
	auto_json json_t *target = json_object();
	auto_arena struct arena arena = { 0 };
	char name[] = "v", region[] = "eastus", point_name[] = "1";
	struct settings settings = { .region_count = 1, .regions = { { .name = region } } };
	struct resource vault = { .name = name }, items = { .name = name, .body = item };
	struct resource points = { .name = point_name, .body = point };
	struct restore_input in = { .arena = &arena, .settings = &settings, .region = region,
		.vault = &vault, .item = &items, .point = &points, .request = body,
		.path = "properties" };
	struct restore_problems problems = { .count = 0 };
	struct check k = { .in = &in, .problems = &problems, .target = target };
	struct err e = { 0 };

	check_request(&k);
	if (problems.count == 0) {
		check_source(&k);
		if (check_luns(&k, &e) != 0)
			abort();
	}
	for (unsigned i = 0; i < problems.count; i++)
		if (problems.list[i].msg[0] == '\0' || problems.list[i].code == NULL)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_json json_t *body = NULL;
	struct item_intent in;
	struct err e = { 0 };

	if (jparse((struct str){ (const char *)data, n }, &body, &e) != 0)
		return 0;
	e = (struct err){ 0 };
	if (item_intent_read(body, &in, &e) != 0 && (e.msg[0] == '\0' || e.code == NULL))
		abort();
	restore(body);
	restore(jat(body, "properties"));
	return 0;
}
