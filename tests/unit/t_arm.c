/* t_arm.c - ids, paths, queries, filters, versions, errors and page tokens. */
#include "t.h"

#include "arm/error.h"
#include "arm/filter.h"
#include "arm/id.h"
#include "arm/page.h"
#include "arm/version.h"

#define SUB "/subscriptions/11111111-2222-3333-4444-555555555555"
#define VAULT SUB "/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/V1"

static void ids_are_made_canonical(void **state)
{
	static const struct {
		const char *given, *want;
	} row[] = {
		{ SUB, SUB },
		{ SUB "/resourcegroups/RG1", SUB "/resourceGroups/RG1" },
		{ "//Subscriptions//s/resourceGroups/g/", "/subscriptions/s/resourceGroups/g" },
		{ "/SUBSCRIPTIONS/s/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/V",
		    "/subscriptions/s/resourceGroups/R/providers/Microsoft.Compute/"
		    "virtualMachines/V" },
		{ "/subscriptions/s/resourcegroups/g/providers/microsoft.storage/"
		    "storageaccounts//sa1",
		    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/"
		    "storageAccounts/sa1" },
		{ "/subscriptions/s/resourceGroups/g/providers/microsoft.network/"
		    "virtualnetworks/n/SUBNETS/a",
		    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/"
		    "virtualNetworks/n/subnets/a" },
		{ "/subscriptions/s/resourceGroups/g/providers/microsoft.recoveryservices/VAULTS/v/"
		    "backupfabrics/Azure/protectioncontainers/c/protecteditems/i/recoverypoints/9",
		    "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/"
		    "vaults/v/backupFabrics/Azure/protectionContainers/c/protectedItems/i/"
		    "recoveryPoints/9" },
		{ "/subscriptions/s/providers/Microsoft.RecoveryServices/Locations/eastus",
		    "/subscriptions/s/providers/Microsoft.RecoveryServices/locations/eastus" },
		{ "/subscriptions/s/providers/Contoso.Things/Odd/x",
		    "/subscriptions/s/providers/Contoso.Things/Odd/x" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		auto_arena struct arena a = { 0 };
		struct arm_id id;

		OK(arm_id_parse(str_c(row[i].given), &id, &e));
		assert_string_equal(arm_id_canonical(&a, &id), row[i].want);
		assert_true(arm_id_same(str_c(row[i].given), str_c(row[i].want)));
	}
}

static void ids_that_are_none_are_refused_and_named(void **state)
{
	static const char *const row[] = {
		"", "/", "subscriptions/s", "/subscriptions", "/subscriptions/s/resourceGroups",
		"/subscriptions/s/resourceGroups/", "/subscriptions/s/things/x",
		"/subscriptions/s/resourceGroups/g/providers",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks",
		"/subscriptions/s/resourceGroups/g/providers/P/a/1/b/2/c/3/d/4/e/5/f/6/g/7",
		"/subscriptions/s/resourceGroups/g\n", "/subscriptions/\xc3\x28",
	};
	struct arm_id id;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		FAILS(arm_id_parse(str_c(row[i]), &id, &e), ERR_INVALID);
	FAILS(arm_id_parse(STR("/subscriptions/s/things/x"), &id, &e), ERR_INVALID);
	CONTAINS(e.msg, "'/subscriptions/s/things/x'");
}

static void id_parts_and_types(void **state)
{
	struct arm_id id;
	struct err e;

	(void)state;
	OK(arm_id_parse(STR(VAULT "/backupPolicies/p"), &id, &e));
	assert_true(str_eq(id.group, STR("rg")));
	assert_int_equal(id.depth, 2);
	assert_true(str_eq(id.part[1].name, STR("p")));
	assert_true(arm_id_is(&id, "microsoft.recoveryservices/VAULTS/backuppolicies"));
	assert_false(arm_id_is(&id, "Microsoft.RecoveryServices/vaults"));
	assert_false(arm_id_is(&id, "Microsoft.RecoveryServices/vaults/backupPolicies/more"));
	assert_false(arm_id_is(&id, "Microsoft.Compute/vaults/backupPolicies"));
	OK(arm_id_parse(STR(SUB "/resourceGroups/g"), &id, &e));
	assert_int_equal(id.depth, 0);
	assert_int_equal(id.provider.n, 0);
	assert_true(arm_id_same(STR("/a//b/"), STR("/A/b")));
	assert_false(arm_id_same(STR("/a/b"), STR("/a/b/c")));
	assert_false(arm_id_same(STR("/a/b"), STR("/a/c")));
}

static void paths_are_decoded_once_per_segment(void **state)
{
	auto_arena struct arena a = { 0 };
	struct arm_path p;
	struct err e;

	(void)state;
	OK(arm_path_split(&a, STR("//subscriptions/s/x%3By;z//sa1%253B/"), &p, &e));
	assert_int_equal(p.count, 4);
	assert_true(str_eq(p.segment[2], STR("x;y;z")));
	assert_true(str_eq(p.segment[3], STR("sa1%3B")));
	assert_true(p.trailing_slash);
	OK(arm_path_split(&a, STR("/account/container/dir%2Fblob+1%20a"), &p, &e));
	assert_true(str_eq(p.segment[2], STR("dir/blob+1 a")));
	assert_false(p.trailing_slash);
	OK(arm_path_split(&a, STR("/"), &p, &e));
	assert_int_equal(p.count, 0);
	OK(arm_path_split(&a, STR(""), &p, &e));
	assert_int_equal(p.count, 0);
}

static void bad_paths_are_refused(void **state)
{
	static const char *const row[] = {
		"/a%", "/a%2", "/a%zz", "/a%00b", "/a/../b", "/a/./b", "/%2e%2e/b",
		"/a%0ab", "/a%ff",
		"/subscriptions/s%2Fresources", "/Subscriptions/s/resourceGroups/a%2fb",
		"/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3",
	};
	auto_arena struct arena a = { 0 };
	struct arm_path p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		FAILS(arm_path_split(&a, str_c(row[i]), &p, &e), ERR_INVALID);
}

static void queries_are_decoded(void **state)
{
	auto_arena struct arena a = { 0 };
	struct arm_query q;
	struct err e;

	(void)state;
	OK(arm_query_parse(&a, STR("api-version=2024-04-01&%24filter=a+eq+%27x%2By%27&&flag&k==&"
	    "t=1&t=2"), &q, &e));
	assert_int_equal(q.count, 6);
	assert_string_equal(arm_query_get(&q, "API-Version"), "2024-04-01");
	assert_string_equal(arm_query_get(&q, "$filter"), "a eq 'x+y'");
	assert_string_equal(arm_query_get(&q, "flag"), "");
	assert_string_equal(arm_query_get(&q, "k"), "=");
	assert_string_equal(arm_query_get(&q, "t"), "1");
	assert_null(arm_query_get(&q, "absent"));
	FAILS(arm_query_parse(&a, STR("a=%"), &q, &e), ERR_INVALID);
	FAILS(arm_query_parse(&a, STR("a=%00"), &q, &e), ERR_INVALID);
	FAILS(arm_query_parse(&a, STR("a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&"
	    "a&a&a&a&a&a&a&a"), &q, &e), ERR_INVALID);
}

static void workload_names(void **state)
{
	static const struct {
		const char *name, *group, *vm;	/* group NULL: refused */
	} row[] = {
		{ "IaasVMContainer;iaasvmcontainerv2;rg;vm", "rg", "vm" },
		{ "iaasvmcontainer;IAASVMCONTAINERV2;Rg;Vm", "Rg", "Vm" },
		{ "VM;iaasvmcontainerv2;rg;vm", "rg", "vm" },
		{ "iaasvmcontainerv2;rg;vm", "rg", "vm" },
		{ "vm;rg;vm1", "rg", "vm1" },
		{ "", NULL, NULL }, { "vm;rg", NULL, NULL },
		{ "iaasvmcontainerv2;rg;", NULL, NULL },
		{ "vm;;x", NULL, NULL }, { "vm;a;b;c;d", NULL, NULL },
		{ "StorageContainer;storage;rg;sa", NULL, NULL },
		{ "vm;iaasvmcontainerv2;r/g;vm", NULL, NULL },
	};
	auto_arena struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct str group, vm;

		assert_int_equal(arm_workload_name_parse(str_c(row[i].name), &group, &vm),
		    row[i].group != NULL);
		if (row[i].group == NULL)
			continue;
		assert_true(str_eq(group, str_c(row[i].group)));
		assert_true(str_eq(vm, str_c(row[i].vm)));
	}
	assert_string_equal(arm_container_name(&a, STR("RG"), STR("Vm1")),
	    "IaasVMContainer;iaasvmcontainerv2;rg;vm1");
	assert_string_equal(arm_item_name(&a, STR("RG"), STR("Vm1")),
	    "VM;iaasvmcontainerv2;rg;vm1");
}

static void filters_are_read(void **state)
{
	static const char *const keys[] = { "backupManagementType", "operation", "startTime",
		"flag", NULL };
	auto_arena struct arena a = { 0 };
	struct arm_filter f;
	int64_t us = 0;
	struct err e;

	(void)state;
	OK(arm_filter_parse(&a, " BackupManagementType eq 'AzureIaasVM'  and operation EQ '' "
	    "and startTime eq '2024-05-01 12:00:00 AM' AND flag eq True", keys, &f, &e));
	assert_int_equal(f.count, 3);
	assert_string_equal(arm_filter_get(&f, "backupmanagementtype"), "AzureIaasVM");
	assert_null(arm_filter_get(&f, "operation"));
	assert_string_equal(arm_filter_get(&f, "flag"), "True");
	assert_int_equal(arm_filter_time(&f, "startTime", &us, &e), 1);
	assert_int_equal(us, INT64_C(1714521600000000));
	assert_int_equal(arm_filter_time(&f, "endTime", &us, &e), 0);
	FAILS(arm_filter_time(&f, "flag", &us, &e), ERR_INVALID);
	OK(arm_filter_parse(&a, "operation eq 'it''s'", keys, &f, &e));
	assert_string_equal(arm_filter_get(&f, "operation"), "it's");
	OK(arm_filter_parse(&a, NULL, keys, &f, &e));
	assert_int_equal(f.count, 0);
	OK(arm_filter_parse(&a, "  ", keys, &f, &e));
	assert_int_equal(f.count, 0);
}

static void bad_filters_are_refused(void **state)
{
	static const char *const keys[] = { "a", "b", NULL };
	static const char *const row[] = {
		"c eq 'x'", "a", "a eq", "a eq 'x", "a = 'x'", "a eq x", "a eq 'x' and",
		"a eq 'x' or b eq 'y'",
		"a eq 'x'b eq 'y'", "a eq 'x' a eq 'y'", "a eq 'x' and a eq 'y'", "'x' eq a",
		"a eq 'x' and'",
		"a eq 'x' andb eq 'y'",
	};
	auto_arena struct arena a = { 0 };
	struct arm_filter f;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		FAILS(arm_filter_parse(&a, row[i], keys, &f, &e), ERR_INVALID);
		assert_string_equal(e.code, "BMSUserErrorInvalidInput");
	}
	FAILS(arm_filter_parse(&a, "colour eq 'red'", keys, &f, &e), ERR_INVALID);
	CONTAINS(e.msg, "'colour'");
}

static void versions(void **state)
{
	static const char *const bad[] = { "2013-12-31", "2024-13-01", "2024-00-01", "2024-02-30",
		"2024-1-01", "2024-01-01-", "2024-01-01-previews", "20240101", "aaaa-01-01",
		"latest" };
	struct err e;

	(void)state;
	OK(arm_version_check("2019-05-13", ARM_RECOVERY_SERVICES, "vaults", &e));
	OK(arm_version_check("2018-12-20", ARM_RECOVERY_SERVICES, "vaults", &e));
	OK(arm_version_check("2022-09-01-preview", ARM_RECOVERY_SERVICES, "vaults", &e));
	OK(arm_version_check("2026-07-01", ARM_RECOVERY_SERVICES, "vaults", &e));
	OK(arm_version_check("2014-04-01-preview", ARM_OTHER, NULL, &e));
	OK(arm_version_check("2026-03-02", ARM_OTHER, "disks", &e));
	FAILS(arm_version_check(NULL, ARM_OTHER, NULL, &e), ERR_INVALID);
	assert_string_equal(e.code, "MissingApiVersionParameter");
	assert_string_equal(e.msg,
	    "The api-version query parameter (?api-version=) is required for all requests.");
	FAILS(arm_version_check("2019-05-14", ARM_RECOVERY_SERVICES, "vaults", &e), ERR_INVALID);
	assert_string_equal(e.code, "NoRegisteredProviderFound");
	CONTAINS(e.msg, "and API version '2019-05-14' for type 'vaults'. "
	    "The supported api-versions are '");
	CONTAINS(e.msg, "2026-11-01'. The supported locations are '");
	FAILS(arm_version_check("x", ARM_RECOVERY_SERVICES, NULL, &e), ERR_INVALID);
	assert_string_equal(e.code, "InvalidApiVersionParameter");
	CONTAINS(e.msg, "The api-version 'x' is invalid. The supported versions are '");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		FAILS(arm_version_check(bad[i], ARM_OTHER, "disks", &e), ERR_INVALID);
	for (size_t i = 0; arm_recovery_services_versions[i] != NULL; i++) {
		OK(arm_version_check(arm_recovery_services_versions[i], ARM_OTHER, NULL, &e));
		assert_true(i == 0 || strcmp(arm_recovery_services_versions[i - 1],
		    arm_recovery_services_versions[i]) < 0);
	}
	assert_true(arm_version_is_secondary("2021-11-15"));
	assert_false(arm_version_is_secondary("2019-05-13"));
	assert_true(arm_version_at_least("2024-02-01-preview", "2024-02-01"));
	assert_false(arm_version_at_least("2024-01-01", "2024-02-01"));
}

static void errors_become_answers(void **state)
{
	static const struct {
		enum err_kind kind;
		int status;
		const char *code;
	} row[] = {
		{ ERR_INVALID, 400, "BadRequest" }, { ERR_DENIED, 403, "AuthorizationFailed" },
		{ ERR_NOT_FOUND, 404, "ResourceNotFound" }, { ERR_CONFLICT, 409, "Conflict" },
		{ ERR_BUSY, 409, "AnotherOperationInProgress" },
		{ ERR_NO_SPACE, 500, "InsufficientStorage" },
		{ ERR_CORRUPT, 500, "CloudInternalError" }, { ERR_IO, 500, "CloudInternalError" },
		{ ERR_CANCELLED, 409, "OperationCanceled" }, { ERR_BUG, 500, "CloudInternalError" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		(void)err_set(&e, row[i].kind, "what happened");
		assert_int_equal(arm_error_status(&e), row[i].status);
		assert_string_equal(arm_error_code(&e), row[i].code);
	}
	(void)err_http(&e, ERR_DENIED, 401, "ExpiredAuthenticationToken", "x");
	assert_int_equal(arm_error_status(&e), 401);
	assert_string_equal(arm_error_code(&e), "ExpiredAuthenticationToken");
	(void)err_sys(&e, 13 /* EACCES */, "opening '%s'", "/x");
	assert_int_equal(arm_error_status(&e), 500);	/* our file, not the client's right */
}

static void check_text(struct err *of, enum arm_error_source source, const char *want)
{
	auto_json json_t *j = arm_error_body(of, source);
	auto_buf struct buf b = { 0 };
	struct err e;

	OK(jdump(j, &b, &e));
	assert_string_equal(b.p, want);
}

static void error_bodies(void **state)
{
	auto_json json_t *j = NULL;
	struct err e;

	(void)state;
	(void)err_code(&e, ERR_NOT_FOUND, "ResourceGroupNotFound",
	    "Resource group 'X' could not be found.");
	check_text(&e, ARM_GATEWAY, "{\"error\":{\"code\":\"ResourceGroupNotFound\","
	    "\"message\":\"Resource group 'X' could not be found.\"}}");
	check_text(&e, ARM_SERVICE, "{\"error\":{\"code\":\"ResourceGroupNotFound\","
	    "\"message\":\"Resource group 'X' could not be found.\",\"target\":null,"
	    "\"details\":null,"
	    "\"innerError\":null}}");
	(void)err_set(&e, ERR_CORRUPT, "reading pack 7: hash differs");
	j = arm_error_body(&e, ARM_SERVICE);
	CONTAINS(jstr(j, "error.message", ""),
	    "Microsoft Azure Backup encountered an internal error.");
	CONTAINS(jstr(j, "error.message", ""), "reading pack 7: hash differs");
	(void)err_set(&e, ERR_INVALID, "cut \xe2\x82");	/* a text cut inside a character */
	check_text(&e, ARM_GATEWAY, "{\"error\":{\"code\":\"BadRequest\",\"message\":\"cut ??\"}}");
}

static void page_tokens_round_trip(void **state)
{
	auto_arena struct arena a = { 0 };
	const char *back = "unset", *token = arm_skip_token_encode(&a, "1715676532702569 " VAULT);
	struct err e;

	(void)state;
	assert_non_null(token);
	assert_null(strpbrk(token, "+/=&? "));
	OK(arm_skip_token_decode(&a, token, &back, &e));
	assert_string_equal(back, "1715676532702569 " VAULT);
	OK(arm_skip_token_decode(&a, NULL, &back, &e));
	assert_null(back);
	FAILS(arm_skip_token_decode(&a, "", &back, &e), ERR_INVALID);
	FAILS(arm_skip_token_decode(&a, "!!!", &back, &e), ERR_INVALID);
	FAILS(arm_skip_token_decode(&a, "MjpY", &back, &e), ERR_INVALID);	/* "2:X" */
	FAILS(arm_skip_token_decode(&a, "MToA", &back, &e), ERR_INVALID);	/* a NUL */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_made_canonical),
		cmocka_unit_test(ids_that_are_none_are_refused_and_named),
		cmocka_unit_test(id_parts_and_types),
		cmocka_unit_test(paths_are_decoded_once_per_segment),
		cmocka_unit_test(bad_paths_are_refused),
		cmocka_unit_test(queries_are_decoded),
		cmocka_unit_test(workload_names),
		cmocka_unit_test(filters_are_read),
		cmocka_unit_test(bad_filters_are_refused),
		cmocka_unit_test(versions),
		cmocka_unit_test(errors_become_answers),
		cmocka_unit_test(error_bodies),
		cmocka_unit_test(page_tokens_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
