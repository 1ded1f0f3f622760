/* t_restore_check.c - what a restore request must say, and what it then comes to. */
#include "t.h"

#include "api/restore_check.h"
#include "api_world.h"

#define FIELDS "\"objectType\":\"IaasVMRestoreRequest\",\"recoveryPointId\":\"" POINT_NAME "\"," \
	"\"sourceResourceId\":\"" VM_ID "\",\"storageAccountId\":\"" ACCOUNT_ID "\"," \
	"\"region\":\"East US\""
#define DISKS "{" FIELDS ",\"recoveryType\":\"RestoreDisks\""
#define ORIGINAL "{" FIELDS ",\"recoveryType\":\"OriginalLocation\""
#define ALTERNATE "{" FIELDS ",\"recoveryType\":\"AlternateLocation\"," \
	"\"targetVirtualMachineId\":\"" \
	GROUP "/providers/" TYPE_VM "/vm-new\",\"virtualNetworkId\":\"" VNET_ID "\""
#define SUBNET ",\"subnetId\":\"" VNET_ID "/subnets/sub1\""
#define TARGET_GROUP ",\"targetResourceGroupId\":\"" GROUP "\""

/* The problems of a request; the plan, if there are none, in *plan. */
static unsigned judge(struct api_world *w, const char *request, struct restore_plan *plan,
    struct restore_problems *problems)
{
	auto_conn struct db_conn *conn = NULL;
	auto_resource struct resource vault = { 0 }, item = { 0 }, point = { 0 };
	auto_arena struct arena arena = { 0 };
	auto_json json_t *j = NULL;
	struct restore_input in = { .arena = &arena, .settings = &w->settings, .region = "eastus",
		.path = "properties",
		.vault = &vault, .item = &item, .point = &point };
	struct err e;

	OK(jparse(str_c(request), &j, &e));
	OK(db_read_begin(w->db, &conn, &e));
	assert_int_equal(resource_get(conn, VAULT_ID, &vault, &e), 1);
	assert_int_equal(resource_get(conn, ITEM_ID, &item, &e), 1);
	assert_int_equal(resource_get(conn, POINT_ID, &point, &e), 1);
	in.conn = conn;
	in.request = j;
	problems->count = 0;
	OK(restore_check(&in, plan, problems, &e));
	for (unsigned i = 0; i < problems->count; i++)
		assert_int_equal(arm_error_status(&problems->list[i]), 400);
	return problems->count;
}

static void refused(struct api_world *w, const char *request, const char *code, const char *part)
{
	auto_restore_plan struct restore_plan plan = { 0 };
	struct restore_problems problems;

	if (judge(w, request, &plan, &problems) == 0) {
		print_error("accepted: %s\n", request);
		fail();
	}
	assert_string_equal(problems.list[0].code, code);
	CONTAINS(problems.list[0].msg, part);
	assert_null(plan.target);
}

static void accepted(struct api_world *w, const char *request, struct restore_plan *plan)
{
	struct restore_problems problems;

	if (judge(w, request, plan, &problems) != 0) {
		print_error("refused: %s: %s\n", request, problems.list[0].msg);
		fail();
	}
}

static void disks_become_managed_with_a_target_group_only(void **state)
{
	auto_restore_plan struct restore_plan managed = { 0 }, unmanaged = { 0 };

	world_item(((struct api_world *)*state)->db);
	accepted(*state, DISKS TARGET_GROUP "}", &managed);
	assert_int_equal(managed.kind, RESTORE_DISKS);
	assert_false(jbool(managed.target, "unmanaged", true));
	assert_string_equal(jstr(managed.target, "groupId", ""), GROUP);
	assert_string_equal(jstr(managed.target, "groupName", ""), "rg1");
	assert_string_equal(jstr(managed.target, "accountName", ""), "stage1");
	assert_string_equal(jstr(managed.target, "accountId", ""), ACCOUNT_ID);
	assert_string_equal(jstr(managed.target, "region", ""), "eastus");
	assert_null(jat(managed.target, "luns"));
	assert_string_equal(jstr(managed.bag, "Job Type", ""), "Recover disks");
	assert_string_equal(jstr(managed.bag, "Target VM Name", ""), "vmName");
	assert_string_equal(jstr(managed.bag, "Recovery point time ", ""), "5/14/2024 9:00:00 AM");
	assert_string_equal(jstr(managed.bag, "Target resource group", ""), "rg1");
	accepted(*state, DISKS "}", &unmanaged);
	assert_true(jbool(unmanaged.target, "unmanaged", false));
	assert_null(jat(unmanaged.target, "groupId"));
	assert_null(jat(unmanaged.bag, "Target resource group"));
}

static void lun_lists_are_strict(void **state)
{
	auto_restore_plan struct restore_plan none = { 0 }, null = { 0 }, one = { 0 };

	world_item(((struct api_world *)*state)->db);
	accepted(*state, DISKS ",\"restoreDiskLunList\":[]}", &none);
	assert_int_equal(json_array_size(jat(none.target, "luns")), 0);
	assert_true(json_is_array(jat(none.target, "luns")));
	accepted(*state, DISKS ",\"restoreDiskLunList\":null}", &null);
	assert_null(jat(null.target, "luns"));
	accepted(*state, DISKS ",\"restoreDiskLunList\":[1]}", &one);
	assert_int_equal(json_integer_value(json_array_get(jat(one.target, "luns"), 0)), 1);
	refused(*state, DISKS ",\"restoreDiskLunList\":[0,7]}", "BMSUserErrorInvalidInput",
	    "restoreDiskLunList[1]: recovery point '" POINT_NAME "' has no disk with LUN 7");
	refused(*state, DISKS ",\"restoreDiskLunList\":[0,0]}", "BMSUserErrorInvalidInput",
	    "twice");
	refused(*state, DISKS ",\"restoreDiskLunList\":[\"0\"]}", "BMSUserErrorInvalidInput",
	    "restoreDiskLunList[0]: expected an integer");
	refused(*state, DISKS ",\"restoreDiskLunList\":[-1]}", "BMSUserErrorInvalidInput", "-1");
	refused(*state, DISKS ",\"restoreDiskLunList\":\"0\"}", "BMSUserErrorInvalidInput",
	    "properties.restoreDiskLunList: expected an array");
}

static void members_of_wrong_type_are_named(void **state)
{
	world_item(((struct api_world *)*state)->db);
	refused(*state, DISKS ",\"createNewCloudService\":\"no\"}", "BMSUserErrorInvalidInput",
	    "properties.createNewCloudService: expected true or false");
	refused(*state, DISKS ",\"encryptionDetails\":[]}", "BMSUserErrorInvalidInput",
	    "properties.encryptionDetails: expected an object");
	refused(*state, DISKS ",\"zones\":[1]}", "BMSUserErrorInvalidInput", "properties.zones[0]");
	refused(*state, "{\"recoveryType\":7}", "BMSUserErrorInvalidInput",
	    " The User input provided for the call is invalid. Please check the required inputs\r\n"
	    "properties.recoveryType");
	refused(*state, "[]", "BMSUserErrorInvalidInput", "properties: expected an object");
	refused(*state, "{" FIELDS "}", "BMSUserErrorInvalidInput", "recoveryType: required");
	refused(*state, "{" FIELDS ",\"recoveryType\":\"Offline\"}", "BMSUserErrorInvalidInput",
	    "'Offline'");
}

static void source_point_and_region_must_be_the_items(void **state)
{
	world_item(((struct api_world *)*state)->db);
	refused(*state, "{\"recoveryType\":\"RestoreDisks\",\"recoveryPointId\":\"9\","
	    "\"storageAccountId\":\"" ACCOUNT_ID "\"}", "BMSUserErrorInvalidInput",
	    "properties.recoveryPointId: '9'");
	refused(*state, "{\"recoveryType\":\"RestoreDisks\",\"sourceResourceId\":\"" VM_ID "x\","
	    "\"storageAccountId\":\"" ACCOUNT_ID "\"}", "BMSUserErrorInvalidInput",
	    "properties.sourceResourceId");
	refused(*state, "{\"recoveryType\":\"RestoreDisks\",\"region\":\"westus\","
	    "\"storageAccountId\":\"" ACCOUNT_ID "\"}", "BMSUserErrorInvalidInput",
	    "properties.region: 'westus' is not 'eastus'");
}

static void the_staging_account_must_fit(void **state)
{
	struct api_world *w = *state;

	world_item(w->db);
	refused(w, "{\"recoveryType\":\"RestoreDisks\"}", "BMSUserErrorInvalidInput",
	    "properties.storageAccountId: required");
	world_edit(w->db, ACCOUNT_ID, "sku.name", json_string("Standard_RAGZRS"));
	refused(w, DISKS "}", "UserErrorTargetStorageAccountRedundancyNotSupported",
	    "locally redundant or geo-redundant");
	world_remove(w->db, ACCOUNT_ID);
	refused(w, DISKS "}", "UserErrorBCMRestoreStorageAccountNotFound",
	    "Storage Account specified for Restore operation doesn't exist.\r\n");
}

static void an_account_of_another_region_is_refused(void **state)
{
	struct api_world *w = *state;
	auto_conn struct db_conn *c = NULL;
	struct err e;

	world_item(w->db);
	OK(db_write_begin(w->db, &c, &e));
	world_put(c, TYPE_ACCOUNT, ACCOUNT_ID, "westus", GROUP, "",
	    "{\"sku\":{\"name\":\"Standard_LRS\"}}");
	OK(db_commit(&c, &e));
	refused(w, DISKS "}", "UserErrorTargetStorageAccountRegionMismatch",
	    "The Recovery Services vault and target storage account are in two different regions");
}

static void every_problem_is_found_at_once(void **state)
{
	struct restore_plan plan = { 0 };
	struct restore_problems problems;

	world_item(((struct api_world *)*state)->db);
	assert_int_equal(judge(*state,
	    "{\"recoveryType\":\"RestoreDisks\",\"recoveryPointId\":\"9\","
	    "\"region\":\"nowhere\",\"storageAccountId\":\"/x\",\"targetResourceGroupId\":\"" GROUP
	    "9\",\"restoreDiskLunList\":[5]}", &plan, &problems), 5);
	assert_string_equal(problems.list[2].code, "UserErrorBCMRestoreStorageAccountNotFound");
	assert_string_equal(problems.list[3].code, "ResourceGroupNotFound");
}

static void original_location_needs_the_vm_and_every_disk(void **state)
{
	struct api_world *w = *state;
	auto_restore_plan struct restore_plan plan = { 0 }, all = { 0 };

	world_item(w->db);
	accepted(w, ORIGINAL "}", &plan);
	assert_string_equal(jstr(plan.target, "vmId", ""), VM_ID);
	assert_string_equal(jstr(plan.target, "groupName", ""), "rg1");
	assert_true(json_is_null(json_object_get(plan.bag, "Target VM Name")));
	assert_string_equal(jstr(plan.bag, "Job Type", ""), "Replace disks");
	accepted(w, ORIGINAL ",\"restoreDiskLunList\":[1,0]}", &all);
	refused(w, ORIGINAL ",\"restoreDiskLunList\":[0]}", "UserErrorOlrNotSupported",
	    "The selected restore operation type is not supported.");
	world_edit(w->db, POINT_ID, "internal.excluded",
	    json_pack("[{s:s, s:i}]", "name", "d2", "lun", 2));
	refused(w, ORIGINAL "}", "UserErrorOlrNotSupportedOnRpWithDisksExcluded",
	    "This RP had some disks excluded during backup, original location restore from such "
	    "RPs is "
	    "not supported");
	refused(w, DISKS ",\"restoreDiskLunList\":[2]}", "BMSUserErrorInvalidInput", "excluded");
	world_edit(w->db, POINT_ID, "internal.excluded", json_array());
	world_remove(w->db, VM_ID);
	refused(w, ORIGINAL "}", "UserErrorVmNotFoundV2", VM_ID);
}

static void alternate_location_makes_a_new_vm(void **state)
{
	struct api_world *w = *state;
	auto_restore_plan struct restore_plan plan = { 0 };

	world_item(w->db);
	accepted(w, ALTERNATE SUBNET TARGET_GROUP "}", &plan);
	assert_string_equal(jstr(plan.target, "vmName", ""), "vm-new");
	assert_string_equal(jstr(plan.target, "subnetId", ""), VNET_ID "/subnets/sub1");
	assert_string_equal(jstr(plan.target, "vnetName", ""), "net1");
	assert_string_equal(jstr(plan.target, "vnetGroup", ""), "rg1");
	assert_string_equal(jstr(plan.bag, "Target VNet Name", ""), "Group rg1 net1");
	assert_string_equal(jstr(plan.bag, "Original VM Name", ""), "VM-One");
	assert_string_equal(jstr(plan.bag, "Target VM Name", ""), "vm-new");
	refused(w, ALTERNATE TARGET_GROUP "}", "BMSUserErrorInvalidInput", "properties.subnetId");
	refused(w, ALTERNATE ",\"subnetId\":\"" VNET_ID "/subnets/other\"}",
	    "UserErrorSubnetNotFound",
	    "The selected subnet doesn't exist");
	refused(w, ALTERNATE SUBNET ",\"targetResourceGroupId\":\"" GROUP "x\"}",
	    "ResourceGroupNotFound", "could not be found");
	refused(w,
	    "{" FIELDS ",\"recoveryType\":\"AlternateLocation\",\"targetVirtualMachineId\":\""
	    VM_ID "\"" SUBNET "}", "UserErrorVmAlreadyExistWithSameName",
	    "A VM with the same name already exists in the same Resource Group.");
	world_remove(w->db, VNET_ID);
	refused(w, ALTERNATE SUBNET "}", "UserErrorVirtualNetworkNotFound", "net1");
}

static void a_soft_deleted_item_is_not_restored(void **state)
{
	struct api_world *w = *state;

	world_item(w->db);
	world_edit(w->db, ITEM_ID, "properties.isScheduledForDeferredDelete", json_true());
	refused(w, DISKS "}", "UserErrorItemInSoftDeletedState", "soft deleted state");
}

static void what_cannot_be_done_is_refused(void **state)
{
	world_item(((struct api_world *)*state)->db);
	refused(*state, DISKS ",\"diskEncryptionSetId\":\"/des\"}", "BMSUserErrorInvalidInput",
	    "properties.diskEncryptionSetId");
	refused(*state, DISKS ",\"encryptionDetails\":{\"encryptionEnabled\":true}}",
	    "BMSUserErrorInvalidInput", "not encrypted");
	refused(*state, DISKS ",\"identityInfo\":{\"isSystemAssignedIdentity\":true}}",
	    "BMSUserErrorInvalidInput", "Selected MI");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
		T(disks_become_managed_with_a_target_group_only),
		T(lun_lists_are_strict),
		T(members_of_wrong_type_are_named),
		T(source_point_and_region_must_be_the_items),
		T(the_staging_account_must_fit),
		T(an_account_of_another_region_is_refused),
		T(every_problem_is_found_at_once),
		T(original_location_needs_the_vm_and_every_disk),
		T(alternate_location_makes_a_new_vm),
		T(a_soft_deleted_item_is_not_restored),
		T(what_cannot_be_done_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
