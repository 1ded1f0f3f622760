/* fuzz_template.c - any relaxed JSON as a deployment template, its parameters under "given": it is
 * refused with a reason, or every document can be made, within the bounds. */
#include "arm/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int get(void *arg, const char *id, const char *version, json_t **ret, struct err *e)
{
	(void)arg;
	(void)version;
	*ret = json_pack("{s:{s:s}}", "properties", "id", id);
	return *ret != NULL ? 0 : err_nomem(e);
}

static void must_have_reason(const struct err *e)
{
	if (e->kind != ERR_INVALID || e->code == NULL || e->msg[0] == '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct template_scope scope = { .subscription = "s", .group = "g", .get = get };
	auto_template struct template *t = NULL;
	auto_json json_t *document = NULL, *outputs = NULL;
	struct err e = { 0 };

	if (jparse_relaxed((struct str){ (const char *)data, size }, &document, &e) != 0)
		return 0;
	if (template_open(document, jat(document, "given"), &scope, &t, &e) != 0) {
		must_have_reason(&e);
		return 0;
	}
	for (size_t i = 0; i < template_count(t); i++) {
		auto_json json_t *body = NULL;

		if (!template_at(t, i)->skipped && template_body(t, i, &body, &e) != 0)
			must_have_reason(&e);
	}
	if (template_outputs(t, &outputs, &e) != 0)
		must_have_reason(&e);
	return 0;
}
