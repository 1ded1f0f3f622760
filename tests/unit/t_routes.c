/* t_routes.c - docs/api.md, docs/roles.md and the route tables say the same, and routes are told apart.
 *
 * Run with an argument, it prints the routes as rows for docs/roles.md. */
#include "t.h"

#include <stdlib.h>

#include "api/api.h"
#include "api/route.h"
#include "base/fs.h"

/* "{anything}" becomes "{}", and the long beginnings the short names that the document uses. */
static void shorten(const char *pattern, struct buf *ret)
{
	static const char *const folded[][2] = {
		{ "subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.RecoveryServices/vaults/{vault}"
		  "/backupFabrics/{fabric}/protectionContainers/{container}/protectedItems/{item}", "~ITEM" },
		{ "subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.RecoveryServices/vaults/{vault}",
		  "~V" },
		{ "subscriptions/{sub}/providers/Microsoft.RecoveryServices/locations/{location}", "~L" },
		{ "subscriptions/{sub}/resourceGroups/{rg}", "~RG" },
		{ "subscriptions/{sub}", "~S" },
	};

	for (size_t i = 0; i < ARRAY_LEN(folded); i++) {
		size_t n = strlen(folded[i][0]);

		if (strncmp(pattern, folded[i][0], n) == 0 && (pattern[n] == '/' || pattern[n] == '\0')) {
			buf_adds(ret, folded[i][1]);
			buf_adds(ret, pattern + n);
			return;
		}
	}
	buf_addf(ret, "/%s", pattern);
}

static void every_route_is_documented(void **state)
{
	auto_buf struct buf doc = { 0 };
	struct err e;
	unsigned missing = 0;

	(void)state;
	OK(fs_read_all(SOURCE_ROOT "/docs/api.md", 1u << 20, &doc, &e));
	for (const struct api_route *const *t = api_tables; *t != NULL; t++)
		for (const struct api_route *r = *t; r->method != NULL; r++) {
			auto_buf struct buf row = { 0 };

			buf_addf(&row, "| %s | `", r->method);
			shorten(r->pattern, &row);
			buf_adds(&row, "` |");
			if (strstr(doc.p, row.p) == NULL) {
				print_error("docs/api.md lacks: %s\n", row.p);
				missing++;
			}
		}
	assert_int_equal(missing, 0);
}

/* What a row of docs/roles.md says of a route. */
static void action_row(const struct api_route *r, struct buf *ret)
{
	buf_addf(ret, "| %s | `", r->method);
	shorten(r->pattern, ret);
	if (r->action == NULL)
		buf_addf(ret, "` | %s |", (r->flags & API_NO_TOKEN) != 0 ? "no token" : "any token");
	else
		buf_addf(ret, "` | `%s`%s |", r->action, (r->flags & API_RAW) != 0 ? "" :
		    (r->flags & API_MEMBER) != 0 ? ", or any role" :
		    (r->flags & API_FILTERED) != 0 ? ", or of some rows" : "");
}

static void every_routes_action_is_documented(void **state)
{
	auto_buf struct buf doc = { 0 };
	struct err e;
	unsigned missing = 0;

	(void)state;
	OK(fs_read_all(SOURCE_ROOT "/docs/roles.md", 1u << 20, &doc, &e));
	for (const struct api_route *const *t = api_tables; *t != NULL; t++)
		for (const struct api_route *r = *t; r->method != NULL; r++) {
			auto_buf struct buf row = { 0 };

			action_row(r, &row);
			if (strstr(doc.p, row.p) == NULL) {
				print_error("docs/roles.md lacks: %s\n", row.p);
				missing++;
			}
		}
	assert_int_equal(missing, 0);
}

static bool routed(const char *method, struct str shortened)
{
	for (const struct api_route *const *t = api_tables; *t != NULL; t++)
		for (const struct api_route *r = *t; r->method != NULL; r++) {
			auto_buf struct buf b = { 0 };

			shorten(r->pattern, &b);
			if (strcmp(r->method, method) == 0 && str_eq(buf_str(&b), shortened))
				return true;
		}
	return false;
}

/* A row whose state is not "not here" must have a route. */
static void every_documented_route_is_there(void **state)
{
	auto_buf struct buf doc = { 0 };
	struct err e;
	unsigned wrong = 0, rows = 0;

	(void)state;
	OK(fs_read_all(SOURCE_ROOT "/docs/api.md", 1u << 20, &doc, &e));
	for (char *line = strtok(doc.p, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char method[8], *open, *close;

		if (sscanf(line, "| %7[A-Z] | `", method) != 1)
			continue;
		open = strchr(line, '`');
		close = open != NULL ? strchr(open + 1, '`') : NULL;
		if (close == NULL)
			continue;
		rows++;
		if (routed(method, (struct str){ open + 1, (size_t)(close - open - 1) }) ==
		    (strncmp(close, "` | not here |", 14) == 0)) {
			print_error("docs/api.md is wrong about: %s\n", line);
			wrong++;
		}
	}
	assert_true(rows > 50);
	assert_int_equal(wrong, 0);
}

static int find(const char *method, const char *path, struct api_call *c)
{
	struct http_req req = { .method = method, .path = str_c(path) };
	struct err e;
	char allow[64];

	c->http = &req;
	OK(arm_path_split(&c->arena, req.path, &c->path, &e));
	return route_find(api_tables, c, allow, sizeof(allow));
}

static void routes_are_found_in_any_casing(void **state)
{
	struct api_call c = { 0 };

	(void)state;
	assert_int_equal(find("GET", "/SUBSCRIPTIONS/s/resourcegroups/g//providers/microsoft.recoveryservices/"
	    "VAULTS/v/backupjobs/j/", &c), 1);
	assert_string_equal(c.param[2], "v");
	assert_string_equal(c.param[3], "j");
	assert_int_equal(find("PATCH", "/subscriptions/s/resourceGroups/g/providers/"
	    "Microsoft.RecoveryServices/vaults/v/backupJobs/j", &c), -1);
	assert_int_equal(find("GET", "/account/container/some/deep/blob", &c), 1);
	assert_string_equal(c.param[2], "some/deep/blob");
	assert_int_equal(find("GET", "/subscriptions/s/no/such/thing", &c), 0);
	arena_done(&c.arena);
}

static void scopes_are_taken_from_the_front(void **state)
{
	struct api_call c = { 0 };

	(void)state;
	assert_int_equal(find("PUT", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d"
	    "/providers/microsoft.authorization/ROLEASSIGNMENTS/a", &c), 1);
	assert_string_equal(c.param[0],
	    "subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d");
	assert_string_equal(c.param[1], "a");
	assert_int_equal(find("GET", "/providers/Microsoft.Authorization/roleDefinitions", &c), 1);
	assert_string_equal(c.param[0], "");
	assert_int_equal(find("GET", "/subscriptions/s/providers/Microsoft.Compute", &c), 1);
	assert_string_equal(c.param[1], "Microsoft.Compute");
	arena_done(&c.arena);
}

static void print_rows(void)
{
	for (const struct api_route *const *t = api_tables; *t != NULL; t++)
		for (const struct api_route *r = *t; r->method != NULL; r++) {
			auto_buf struct buf b = { 0 };

			action_row(r, &b);
			(void)puts(b.p);
		}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_documented),
		cmocka_unit_test(every_documented_route_is_there),
		cmocka_unit_test(every_routes_action_is_documented),
		cmocka_unit_test(routes_are_found_in_any_casing),
		cmocka_unit_test(scopes_are_taken_from_the_front),
	};

	(void)argv;
	if (argc > 1) {
		print_rows();
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
