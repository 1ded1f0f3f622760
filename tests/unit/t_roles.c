/* t_roles.c - what the built-in roles allow. */
#include "t.h"

#include "auth/access.h"
#include "model/assignment.h"
#include "model/principal.h"

#define VAULT "Microsoft.RecoveryServices/vaults/"
#define ITEM VAULT "backupFabrics/protectionContainers/protectedItems/"

static bool matches(const char *pattern, const char *action)
{
	return role_pattern_matches(str_c(pattern), str_c(action));
}

static void patterns_match_as_in_arm(void **state)
{
	(void)state;
	assert_true(matches("*", "Microsoft.Compute/disks/write"));
	assert_true(matches("*/read", "Microsoft.Compute/disks/read"));
	assert_true(matches("Microsoft.RecoveryServices/Vaults/read", VAULT "READ"));
	assert_true(matches(VAULT "backupFabrics/*", ITEM "recoveryPoints/restore/action"));
	assert_true(matches("Microsoft.Authorization/*/Write",
	    "Microsoft.Authorization/roleAssignments/write"));
	assert_true(matches("a*b*c", "aXbbYbc"));
	assert_true(matches("a**", "a"));
	assert_false(matches("*/read", "Microsoft.Compute/disks/readx"));
	assert_false(matches("*/read", "Microsoft.Compute/disks/read/action"));
	assert_false(matches(VAULT "backupJobs/*", VAULT "backupJobsExport/action"));
	assert_false(matches(VAULT "read", VAULT "readable"));
	assert_false(matches(VAULT "readable", VAULT "read"));
	assert_false(matches("a*b*c", "aXbbYb"));
	assert_false(matches("", "a"));
}

static void a_role_is_found_by_each_of_its_names(void **state)
{
	const struct role *r = role_find(STR("backup reader"));

	(void)state;
	assert_non_null(r);
	assert_string_equal(r->name, "Backup Reader");
	assert_ptr_equal(role_find(STR("A795C7A0-D4A2-40C1-AE25-D81F01202912")), r);
	assert_ptr_equal(role_find(STR("/subscriptions/s/providers/Microsoft.Authorization/"
	    "roleDefinitions/a795c7a0-d4a2-40c1-ae25-d81f01202912")), r);
	assert_ptr_equal(role_find(STR("/providers/Microsoft.Authorization/roledefinitions/"
	    "a795c7a0-d4a2-40c1-ae25-d81f01202912")), r);
	assert_null(role_find(STR("Backup")));
	assert_null(role_find(STR("")));
	assert_null(role_find(STR("/roleDefinitions/")));
}

/* One letter a role, in the order of the table; '-' is refused. */
static void every_role_allows_what_azure_documents(void **state)
{
	static const struct {
		const char *action, *allowed;
	} rows[] = {
		{ VAULT "read", "OCRcor" },
		{ VAULT "write", "OC-c--" },
		{ VAULT "delete", "OC----" },
		{ VAULT "backupPolicies/read", "OCRcor" },
		{ VAULT "backupPolicies/write", "OC-c--" },
		{ VAULT "backupPolicies/delete", "OC-c--" },
		{ ITEM "read", "OCRcor" },
		{ ITEM "write", "OC-co-" },
		{ ITEM "delete", "OC-c--" },
		{ ITEM "backup/action", "OC-co-" },
		{ ITEM "recoveryPoints/read", "OCRcor" },
		{ ITEM "recoveryPoints/restore/action", "OC-co-" },
		{ ITEM "recoveryPoints/accessToken/action", "OC-co-" },
		{ VAULT "backupJobs/read", "OCRcor" },
		{ VAULT "backupJobs/cancel/action", "OC-co-" },
		{ VAULT "backupJobsExport/action", "OC-cor" },
		{ VAULT "backupconfig/read", "OCRc-r" },
		{ VAULT "backupconfig/write", "OC-c--" },
		{ VAULT "backupstorageconfig/write", "OC-co-" },
		{ VAULT "backupSecurityPIN/action", "OC-c--" },
		{ VAULT "backupEncryptionConfigs/read", "OCR---" },
		{ VAULT "backupTriggerValidateOperation/action", "OC--o-" },
		{ VAULT "usages/read", "OCRcor" },
		{ "Microsoft.RecoveryServices/locations/backupStatus/action", "OC-cor" },
		{ "Microsoft.RecoveryServices/locations/backupCrossRegionRestore/action",
		    "OC-co-" },
		{ "Microsoft.RecoveryServices/locations/backupCrrJobs/action", "OC-cor" },
		{ "Microsoft.Resources/subscriptions/resourceGroups/read", "OCRco-" },
		{ "Microsoft.Resources/subscriptions/resourceGroups/write", "OC----" },
		{ "Microsoft.Compute/virtualMachines/read", "OCR---" },
		{ "Microsoft.Compute/disks/write", "OC----" },
		{ "Microsoft.Network/virtualNetworks/read", "OCRco-" },
		{ "Microsoft.Storage/storageAccounts/read", "OCRco-" },
		{ "Microsoft.Storage/storageAccounts/listKeys/action", "OC----" },
		{ "Microsoft.Authorization/roleAssignments/read", "OCRcor" },
		{ "Microsoft.Authorization/roleAssignments/write", "O-----" },
		{ "Microsoft.Authorization/roleAssignments/delete", "O-----" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; roles[k].name != NULL; k++)
			if (role_allows(&roles[k], rows[i].action) != (rows[i].allowed[k] != '-')) {
				print_error("%s: %s\n", roles[k].name, rows[i].action);
				fail();
			}
}

#define SUB "/subscriptions/5ab0a1f0-0000-4000-8000-000000000001"
#define RG SUB "/resourceGroups/Web-RG"
#define APP "00000000-0000-4000-8000-000000000001"
#define OID "00000000-0000-4000-8000-000000000002"

static void give(struct db_conn *c, const char *name, const char *role, const char *scope)
{
	struct assignment a = { .object_id = OID, .scope = scope };
	struct err e;

	(void)snprintf(a.name, sizeof(a.name), "%s", name);
	(void)snprintf(a.role, sizeof(a.role), "%s", role);
	OK(assignment_put(c, &a, &e));
}

static bool may(const struct access *a, const char *action, const char *scope)
{
	return access_allows(a, action, str_c(scope));
}

static void grants(const struct access *a)
{
	assert_true(may(a, VAULT "read", RG "/providers/Microsoft.RecoveryServices/vaults/v"));
	assert_true(may(a, VAULT "read", SUB "/RESOURCEGROUPS/WEB-RG"));
	assert_false(may(a, VAULT "read", RG "2"));
	assert_false(may(a, VAULT "read", SUB));
	assert_false(may(a, "Microsoft.Compute/disks/write", RG));
	assert_true(may(a, "Microsoft.Compute/disks/write", RG "3/providers/x/y/z"));
	assert_true(access_near(a, VAULT "read", str_c(SUB)));
	assert_false(access_near(a, VAULT "read", str_c(RG "2")));
	assert_true(access_near(a, NULL, str_c(RG "3")));
	assert_false(access_near(a, NULL, str_c(RG "2")));
}

static void grants_hold_at_their_scope_and_below(void **state)
{
	char dir[] = "/tmp/t_roles.XXXXXX", path[64];
	struct principal p = { .client_id = APP, .object_id = OID };
	auto_arena struct arena a = { 0 };
	struct access access = { 0 };
	struct db_conn *c = NULL;
	struct db *db = NULL;
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/control.db", dir);
	OK(db_open(path, &db, &e));
	OK(db_write_begin(db, &c, &e));
	OK(principal_put(c, &p, &e));
	give(c, "1", "a795c7a0-d4a2-40c1-ae25-d81f01202912", RG);
	give(c, "2", "b24988ac-6180-42a0-ab88-20f7382dd24c", RG "3");
	give(c, "3", "00000000-0000-4000-8000-00000000000f", SUB);	/* no role of ours */
	OK(access_load(c, &a, APP, OID, &access, &e));
	grants(&access);
	(void)snprintf(p.role, sizeof(p.role), "Owner");
	OK(principal_put(c, &p, &e));
	OK(access_load(c, &a, APP, OID, &access, &e));
	assert_true(may(&access, "Microsoft.Authorization/roleAssignments/write", SUB));
	OK(access_load(c, &a, OID, APP, &access, &e));
	assert_int_equal(access.count, 0);
	assert_false(access_near(&access, NULL, str_c(SUB)));
	db_rollback(&c);
	db_close(db);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_in_arm),
		cmocka_unit_test(a_role_is_found_by_each_of_its_names),
		cmocka_unit_test(every_role_allows_what_azure_documents),
		cmocka_unit_test(grants_hold_at_their_scope_and_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
