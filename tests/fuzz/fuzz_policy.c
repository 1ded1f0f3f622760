/* Any policy document is judged without harm, and what passes passes again unchanged. */
#include "api/policy_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *body = NULL, *props = NULL, *again = NULL, *twice = NULL;
	struct err e = { 0 };

	if (jparse((struct str){ (const char *)data, size }, &body, &e) != 0 || !json_is_object(body) ||
	    policy_check(body, &props, &e) != 0)
		return 0;
	again = json_pack("{s:O}", "properties", props);
	if (again == NULL || policy_check(again, &twice, &e) != 0 || !json_equal(props, twice))
		abort();
	return 0;
}
