/* t_item.c - protected items, their operations and jobs, through the routes.
 *
 * The job engine is the real one; its kinds do nothing but end, or wait until
 * they are cancelled. */
#include "t.h"

#include <time.h>

#include "api_client.h"
#include "api/item_intent.h"
#include "api/item_render.h"

#define V "?api-version=2024-04-01"
#define ITEM_URL VAULT_ID "/backupFabrics/azure/protectionContainers/" \
	"iaasvmcontainer%3Biaasvmcontainerv2%3BRG1%3Bvm-one/protectedItems/" \
	"vm%3Biaasvmcontainerv2%3BRG1%3Bvm-one"
#define PROTECT "{\"properties\":{\"protectedItemType\":\"Microsoft.Compute/virtualMachines\"," \
	"\"sourceResourceId\":\"" VM_ID "\",\"policyId\":\"" POLICY_ID "\"}}"
#define STOP "{\"properties\":{\"protectedItemType\":\"Microsoft.Compute/virtualMachines\"," \
	"\"sourceResourceId\":\"" VM_ID "\",\"policyId\":\"\"," \
	"\"protectionState\":\"ProtectionStopped\"}}"
#define UNDELETE "{\"properties\":{\"protectedItemType\":\"Microsoft.Compute/virtualMachines\"," \
	"\"sourceResourceId\":\"" VM_ID "\",\"policyId\":\"\"," \
	"\"protectionState\":\"ProtectionStopped\"," \
	"\"isRehydrate\":true}}"
#define RESTORE "{\"properties\":{\"objectType\":\"IaasVMRestoreRequest\",\"recoveryPointId\":\"" \
	POINT_NAME "\",\"recoveryType\":\"restoredisks\",\"sourceResourceId\":\"" VM_ID "\"," \
	"\"storageAccountId\":\"" ACCOUNT_ID "\",\"region\":\"eastus\"}}"

static const struct api_route *const tables[] = { item_routes, point_routes, restore_routes,
	job_routes, operation_routes, NULL };

static void nap(void)
{
	(void)nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
}

static int wait_for_cancel(struct job *j, void *world, struct err *e)
{
	(void)world;
	job_progress(j, 50, 200);
	while (!job_cancel_asked(j))
		nap();
	return err_set(e, ERR_CANCELLED, "waiting");
}

static const struct job_step waiting[] = { { "wait", wait_for_cancel, NULL } };
static const struct job_kind configure = { .name = "configure" }, removal = { .name = "delete" },
	backup = { .name = "backup", .steps = waiting, .step_count = 1 },
	restore = { .name = "restore", .steps = waiting, .step_count = 1 };
static const struct job_kind *const kinds[] = { &configure, &removal, &backup, &restore, NULL };

struct fixture {
	struct api_world *api;
	struct world world;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct job_engine_opts o = { .kinds = kinds, .workers = 1 };
	void *api;
	struct err e;

	assert_non_null(f);
	assert_int_equal(world_setup(&api), 0);
	f->api = api;
	f->world = (struct world){ .db = f->api->db, .clock = &f->api->clock,
		.settings = &f->api->settings };
	(void)snprintf(f->world.subscription, sizeof(f->world.subscription), "%s", SUB);
	o.db = f->world.db;
	o.clock = f->world.clock;
	o.world = f;
	OK(job_engine_start(&o, &f->world.engine, &e));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *api = f->api;

	job_engine_stop(f->world.engine);
	free(f);
	return world_teardown(&api);
}

static void ask(struct fixture *f, const char *method, const char *url, const char *body,
    int status, struct answer *ret)
{
	call(&f->world, tables, method, url, body, ret);
	if (ret->status != status) {
		print_error("%s %s: %d %s: %s\n", method, url, ret->status, ret->code, ret->text);
		fail();
	}
}

static void refuse(struct fixture *f, const char *method, const char *url, const char *body,
    int status, const char *code, const char *part)
{
	auto_answer struct answer a = { 0 };

	ask(f, method, url, body, status, &a);
	assert_string_equal(a.code, code);
	CONTAINS(a.text, part);
}

/* Polls a status URL until it is over; the answer is the last body. */
static void finish(struct fixture *f, const char *url, const char *status, struct answer *ret)
{
	for (int i = 0; i < 1000; i++) {
		ask(f, "GET", url, NULL, 200, ret);
		if (strcmp(jstr(ret->body, "status", ""), "InProgress") != 0)
			break;
		assert_string_equal(jstr(ret->body, "endTime", ""), "0001-01-01T00:00:00");
		assert_null(jat(ret->body, "properties"));
		answer_done(ret);
		nap();
	}
	assert_non_null(ret->body);
	assert_string_equal(jstr(ret->body, "status", ""), status);
	assert_string_equal(jstr(ret->body, "endTime", ""), jstr(ret->body, "startTime", "?"));
}

/* The call is accepted and its operation ends well; *ret_job (64 bytes) is its job. */
static void carry_out(struct fixture *f, const char *method, const char *url, const char *body,
    char *ret_job)
{
	auto_answer struct answer a = { 0 }, done = { 0 };

	ask(f, method, url, body, 202, &a);
	assert_null(a.body);
	assert_true(a.async[0] != '\0' && a.location[0] != '\0');
	finish(f, a.async, "Succeeded", &done);
	assert_string_equal(jstr(done.body, "properties.objectType", ""),
	    "OperationStatusJobExtendedInfo");
	(void)snprintf(ret_job, 64, "%s", jstr(done.body, "properties.jobId", ""));
}

static void job_is(struct fixture *f, const char *job, const char *member, const char *value)
{
	auto_answer struct answer a = { 0 };
	char url[640], path[128];

	(void)snprintf(url, sizeof(url), VAULT_ID "/backupJobs/%s" V, job);
	(void)snprintf(path, sizeof(path), "properties.%s", member);
	ask(f, "GET", url, NULL, 200, &a);
	assert_string_equal(jstr(a.body, path, "(absent)"), value);
}

static void protecting_makes_an_item_that_waits_for_its_first_backup(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer put = { 0 }, get = { 0 }, done = { 0 }, result = { 0 };
	const json_t *p;

	ask(f, "PUT", ITEM_URL V, PROTECT, 202, &put);
	CONTAINS(put.async, "https://h" ITEM_ID "/operationsStatus/");
	CONTAINS(put.location, "https://h" ITEM_ID "/operationResults/");
	ask(f, "GET", ITEM_URL V, NULL, 200, &get);	/* readable as soon as the 202 is out */
	assert_string_equal(jstr(get.body, "id", ""), ITEM_ID);
	assert_string_equal(jstr(get.body, "name", ""), "VM;iaasvmcontainerv2;rg1;vm-one");
	p = jat(get.body, "properties");
	assert_string_equal(jstr(p, "friendlyName", ""), "VM-One");
	assert_string_equal(jstr(p, "protectionState", ""), "IRPending");
	assert_string_equal(jstr(p, "lastBackupStatus", "?"), "");
	assert_string_equal(jstr(p, "lastBackupTime", ""), "2001-01-01T00:00:00Z");
	assert_string_equal(jstr(p, "policyName", ""), "DefaultPolicy");
	assert_string_equal(jstr(p, "containerName", ""), "iaasvmcontainerv2;rg1;vm-one");
	assert_null(jat(p, "healthDetails"));
	assert_null(jat(p, "kpisHealths"));
	finish(f, put.async, "Succeeded", &done);
	job_is(f, jstr(done.body, "properties.jobId", ""), "operation", "ConfigureBackup");
	job_is(f, jstr(done.body, "properties.jobId", ""), "activityId", "client-1");
	job_is(f, jstr(done.body, "properties.jobId", ""), "actionsInfo", "(absent)");
	job_is(f, jstr(done.body, "properties.jobId", ""), "extendedInfo.propertyBag.Policy Name",
	    "DefaultPolicy");
	ask(f, "GET", put.location, NULL, 200, &result);
	assert_string_equal(jstr(result.body, "id", ""), ITEM_ID);
}

static void the_first_item_locks_the_vaults_redundancy(void **state)
{
	struct fixture *f = *state;
	auto_conn struct db_conn *c = NULL;
	auto_resource struct resource vault = { 0 };
	char job[64];
	struct err e;

	carry_out(f, "PUT", ITEM_URL V, PROTECT, job);
	OK(db_read_begin(f->world.db, &c, &e));
	assert_int_equal(resource_get(c, VAULT_ID, &vault, &e), 1);
	assert_string_equal(jstr(vault.body, "internal.storageConfig.storageTypeState", ""),
	    "Locked");
}

static void bad_requests_to_protect_name_the_member(void **state)
{
	static const char code[] = "BMSUserErrorInvalidConfigureProtectionRequest";
	struct fixture *f = *state;

	refuse(f, "PUT", ITEM_URL V, "{}", 400, code, "properties: required");
	refuse(f, "PUT", ITEM_URL V, "{\"properties\":{}}", 400, code, "protectedItemType");
	refuse(f, "PUT", ITEM_URL V,
	    "{\"properties\":{\"protectedItemType\":\"AzureIaaSVMProtectedItem\","
	    "\"policyId\":7}}", 400, code, "properties.policyId: expected a string");
	refuse(f, "PUT", ITEM_URL V,
	    "{\"properties\":{\"protectedItemType\":\"AzureIaaSVMProtectedItem\","
	    "\"policyId\":\"" POLICY_ID "\"}}", 400, code, "properties.sourceResourceId: required");
	refuse(f, "PUT", ITEM_URL V,
	    "{\"properties\":{\"protectedItemType\":\"AzureIaaSVMProtectedItem\","
	    "\"sourceResourceId\":\"" VM_ID "2\",\"policyId\":\"" POLICY_ID "\"}}", 400, code,
	    "is not the virtual machine of item");
	refuse(f, "PUT", ITEM_URL V,
	    "{\"properties\":{\"protectedItemType\":\"AzureIaaSVMProtectedItem\","
	    "\"sourceResourceId\":\"" VM_ID "\",\"policyId\":\"" POLICY_ID "2\"}}", 400, code,
	    "DefaultPolicy2");
	refuse(f, "PUT", ITEM_URL V,
	    "{\"properties\":{\"protectedItemType\":\"AzureIaaSVMProtectedItem\","
	    "\"sourceResourceId\":\"" VM_ID "\",\"policyId\":\"" POLICY_ID
	    "\",\"extendedProperties\":{"
	    "\"diskExclusionProperties\":{\"diskLunList\":[0,5],\"isInclusionList\":true}}}}", 400,
	    code,
	    "diskLunList[1]: virtual machine 'VM-One' has no data disk with LUN 5");
	refuse(f, "PUT", ITEM_URL V, STOP, 404, "BMSUserErrorDataSourceObjectNotFound", "Item not "
	    "found.");
	world_remove(f->world.db, VM_ID);
	refuse(f, "PUT", ITEM_URL V, PROTECT, 400, "UserErrorVmNotFoundV2", VM_ID);
	refuse(f, "GET", ITEM_URL V, NULL, 404, "BMSUserErrorDataSourceObjectNotFound", ITEM_ID);
}

static void a_vm_elsewhere_or_of_another_vault_is_refused(void **state)
{
	struct fixture *f = *state;
	auto_conn struct db_conn *c = NULL;
	struct err e;

	OK(db_write_begin(f->world.db, &c, &e));
	world_put(c, TYPE_ITEM, GROUP "/providers/" TYPE_VAULT "/other/items/x", "",
	    GROUP "/providers/"
	    TYPE_VAULT "/other", VM_ID, "{\"properties\":{}}");
	OK(db_commit(&c, &e));
	refuse(f, "PUT", ITEM_URL V, PROTECT, 400, "VirtualMachineAlreadyProtected",
	    "vaults/other");
	world_remove(f->world.db, GROUP "/providers/" TYPE_VAULT "/other/items/x");
	OK(db_write_begin(f->world.db, &c, &e));
	world_put(c, TYPE_VM, VM_ID, "westus", GROUP, "", "{\"properties\":{}}");
	OK(db_commit(&c, &e));
	refuse(f, "PUT", ITEM_URL V, PROTECT, 400, "UserErrorVmVaultLocationMismatch",
	    "Virtual machine and vault are in different region\r\n");
}

static void disks_are_chosen_kept_and_reset(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer chosen = { 0 }, kept = { 0 }, reset = { 0 };
	static const char list[] =
	    "properties.extendedProperties.diskExclusionProperties.diskLunList";
	char job[64];

	carry_out(f, "PUT", ITEM_URL V, "{\"properties\":{\"protectedItemType\":"
	    "\"Microsoft.Compute/virtualMachines\",\"sourceResourceId\":\"" VM_ID
	    "\",\"policyId\":\""
	    POLICY_ID "\",\"extendedProperties\":{\"diskExclusionProperties\":{\"diskLunList\":[1],"
	    "\"isInclusionList\":true}}}}", job);
	ask(f, "GET", ITEM_URL V, NULL, 200, &chosen);
	assert_int_equal(json_integer_value(json_array_get(jat(chosen.body, list), 0)), 1);
	carry_out(f, "PUT", ITEM_URL V, PROTECT, job);
	ask(f, "GET", ITEM_URL V, NULL, 200, &kept);
	assert_non_null(jat(kept.body, list));
	carry_out(f, "PUT", ITEM_URL V, "{\"properties\":{\"protectedItemType\":"
	    "\"Microsoft.Compute/virtualMachines\",\"policyId\":\"" POLICY_ID "\","
	    "\"extendedProperties\":{}}}", job);
	ask(f, "GET", ITEM_URL V, NULL, 200, &reset);
	assert_int_equal(json_object_size(jat(reset.body, "properties.extendedProperties")), 0);
}

static void stop_resume_delete_undelete(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer stopped = { 0 }, resumed = { 0 }, deleted = { 0 }, back = { 0 };
	char job[64];

	world_item(f->world.db);
	carry_out(f, "PUT", ITEM_URL V, STOP, job);
	job_is(f, job, "operation", "DisableBackup");
	ask(f, "GET", ITEM_URL V, NULL, 200, &stopped);
	assert_string_equal(jstr(stopped.body, "properties.protectionState", ""),
	    "ProtectionStopped");
	assert_string_equal(jstr(stopped.body, "properties.policyId", "?"), "");
	refuse(f, "POST", ITEM_URL "/backup" V, NULL, 400, "UserErrorBcmDatasourceNotPresent",
	    "VM is not backed up.");
	carry_out(f, "PUT", ITEM_URL V, PROTECT, job);
	ask(f, "GET", ITEM_URL V, NULL, 200, &resumed);
	assert_string_equal(jstr(resumed.body, "properties.protectionState", ""), "Protected");
	assert_int_equal(jint(json_array_get(jat(resumed.body, "properties.healthDetails"), 0),
	    "code",
	    0), 400239);
	carry_out(f, "DELETE", ITEM_URL V, NULL, job);
	job_is(f, job, "operation", "DeleteBackupData");
	job_is(f, job, "extendedInfo.propertyBag.Number of Recovery Points", "1");
	ask(f, "GET", ITEM_URL V, NULL, 200, &deleted);
	assert_true(jbool(deleted.body, "properties.isScheduledForDeferredDelete", false));
	assert_string_equal(jstr(deleted.body, "properties.deferredDeleteTimeRemaining", ""),
	    "14.00:00:00");
	assert_int_equal(jint(deleted.body, "properties.softDeleteRetentionPeriod", 0), 14);
	refuse(f, "PUT", ITEM_URL V, PROTECT, 400, "UserErrorItemInSoftDeletedState", "Undelete");
	refuse(f, "DELETE", ITEM_URL V, NULL, 400, "UserErrorItemInSoftDeletedState", "Undelete");
	carry_out(f, "PUT", ITEM_URL V, UNDELETE, job);
	job_is(f, job, "operation", "Undelete");
	job_is(f, job, "extendedInfo.propertyBag.Undelete flag", "True");
	ask(f, "GET", ITEM_URL V, NULL, 200, &back);
	assert_null(jat(back.body, "properties.isScheduledForDeferredDelete"));
	assert_string_equal(jstr(back.body, "properties.protectionState", ""), "ProtectionStopped");
	refuse(f, "PUT", ITEM_URL V, UNDELETE, 400, "BMSUserErrorInvalidConfigureProtectionRequest",
	    "properties.isRehydrate");
}

static void deleting_twice_is_no_error(void **state)
{
	auto_answer struct answer a = { 0 };

	ask(*state, "DELETE", ITEM_URL V, NULL, 204, &a);
}

static void a_delete_is_tracked_under_the_vault(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer a = { 0 }, done = { 0 }, result = { 0 };

	world_item(f->world.db);
	ask(f, "DELETE", ITEM_URL V, NULL, 202, &a);
	CONTAINS(a.async, "https://h" VAULT_ID "/backupOperations/");
	CONTAINS(a.location, "https://h" VAULT_ID "/backupOperationResults/");
	finish(f, a.async, "Succeeded", &done);
	ask(f, "GET", a.location, NULL, 204, &result);
	assert_null(result.body);
}

static void a_running_backup_locks_the_item_until_it_is_cancelled(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer live = { 0 }, cancel = { 0 }, done = { 0 }, result = { 0 };
	char job[64], url[640];

	world_item(f->world.db);
	carry_out(f, "POST", ITEM_URL "/backup" V, "{\"properties\":{\"objectType\":"
	    "\"IaasVMBackupRequest\"}}", job);
	(void)snprintf(url, sizeof(url), VAULT_ID "/backupJobs/%s" V, job);
	ask(f, "GET", url, NULL, 200, &live);
	assert_string_equal(jstr(live.body, "properties.status", ""), "InProgress");
	assert_null(jat(live.body, "properties.endTime"));
	assert_non_null(jat(live.body, "properties.actionsInfo"));
	assert_int_equal(json_array_size(jat(live.body, "properties.extendedInfo.tasksList")), 2);
	assert_string_equal(jstr(live.body,
	    "properties.extendedInfo.propertyBag.Recovery Point Expiry Time in UTC", ""),
	    "5/22/2024 12:00:00 AM");
	refuse(f, "POST", ITEM_URL "/backup" V, NULL, 400, "UserErrorBackupOperationInProgress",
	    "Unable to initiate backup as another backup operation is currently in progress.");
	refuse(f, "POST", POINT_ID "/restore" V, RESTORE, 400, "BMSUserErrorObjectLocked",
	    "Another operation is in progress on the selected item.");
	refuse(f, "PUT", ITEM_URL V, STOP, 400, "BMSUserErrorObjectLocked", job);
	refuse(f, "DELETE", ITEM_URL V, NULL, 400, "BMSUserErrorObjectLocked", job);
	(void)snprintf(url, sizeof(url), VAULT_ID "/backupJobs/%s/cancel" V, job);
	ask(f, "POST", url, NULL, 202, &cancel);
	finish(f, cancel.async, "Succeeded", &done);
	job_is(f, job, "status", "Cancelled");
	ask(f, "GET", cancel.location, NULL, 204, &result);
	refuse(f, "POST", url, NULL, 400, "UserErrorJobNotInCancelableState",
	    "The job isn't in a cancelable state");
}

static void a_configure_job_cannot_be_cancelled(void **state)
{
	char job[64], url[640];

	carry_out(*state, "PUT", ITEM_URL V, PROTECT, job);
	(void)snprintf(url, sizeof(url), VAULT_ID "/backupJobs/%s/cancel" V, job);
	refuse(*state, "POST", url, NULL, 400, "UserErrorJobCancellationNotSupported",
	    "Cancellation isn't supported for this job type");
}

static void a_restore_shares_its_id_with_its_job(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer a = { 0 }, done = { 0 }, result = { 0 };
	auto_conn struct db_conn *c = NULL;
	auto_job_row struct job_row row = { 0 };
	const char *job;
	struct err e;

	world_item(f->world.db);
	ask(f, "POST", POINT_ID "/restore" V, RESTORE, 202, &a);
	finish(f, a.async, "Succeeded", &done);
	job = jstr(done.body, "properties.jobId", "");
	assert_string_equal(job, jstr(done.body, "id", "?"));
	ask(f, "GET", a.location, NULL, 204, &result);
	CONTAINS(result.async, "/operationsStatus/");
	OK(db_read_begin(f->world.db, &c, &e));
	assert_int_equal(job_get(c, job, &row, &e), 1);
	assert_string_equal(jstr(row.args, "recoveryType", ""), "RestoreDisks");
	assert_string_equal(jstr(row.args, "request.recoveryType", ""), "RestoreDisks");
	assert_string_equal(jstr(row.args, "pointId", ""), POINT_ID);
	assert_string_equal(jstr(row.args, "baseUrl", ""), "https://h");
	assert_string_equal(jstr(row.args, "target.accountName", ""), "stage1");
	assert_true(jbool(row.args, "target.unmanaged", false));
	assert_string_equal(jstr(row.internal_bag, "restoreLocationType", ""), "RestoreDisks");
	db_rollback(&c);
	refuse(f, "POST", POINT_ID "/restore" V, RESTORE, 400,
	    "UserErrorRestoreOperationInProgress",
	    "Unable to initiate restore as another restore operation is currently in progress.");
}

static void a_wrong_point_is_named(void **state)
{
	struct fixture *f = *state;

	world_item(f->world.db);
	refuse(f, "POST", ITEM_ID "/recoveryPoints/42/restore" V, RESTORE, 404,
	    "UserErrorRpNotFound",
	    "'42'");
	refuse(f, "GET", ITEM_ID "/recoveryPoints/42" V, NULL, 404, "UserErrorRpNotFound", "'42'");
}

static void points_are_listed_by_time_without_their_disks(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer all = { 0 }, none = { 0 }, one = { 0 }, bad = { 0 };

	world_item(f->world.db);
	world_edit(f->world.db, POINT_ID, "properties.recoveryPointDiskConfiguration",
	    json_pack("{s:i, s:[]}", "numberOfDisksIncludedInBackup", 3, "includedDiskList"));
	ask(f, "GET",
	    ITEM_URL "/recoveryPoints" V "&$filter=startDate+eq+'2024-05-14+12:00:00+AM'+and+"
	    "endDate+eq+'2024-05-15+12:00:00+AM'", NULL, 200, &all);
	assert_int_equal(json_array_size(jat(all.body, "value")), 1);
	assert_null(jat(json_array_get(jat(all.body, "value"), 0),
	    "properties.recoveryPointDiskConfiguration.includedDiskList"));
	ask(f, "GET", POINT_ID V, NULL, 200, &one);
	assert_non_null(jat(one.body,
	    "properties.recoveryPointDiskConfiguration.includedDiskList"));
	assert_null(jat(one.body, "internal"));
	ask(f, "GET", ITEM_URL "/recoveryPoints" V "&$filter=startDate%20eq%20'2024-05-15 "
	    "12:00:00 AM'",
	    NULL, 200, &none);
	assert_int_equal(json_array_size(jat(none.body, "value")), 0);
	ask(f, "GET", ITEM_URL "/recoveryPoints" V "&$filter=colour eq 'red'", NULL, 400, &bad);
}

static void items_are_filtered_and_a_lost_vm_shows(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer all = { 0 }, none = { 0 }, gone = { 0 }, ext = { 0 };
	const json_t *row;

	world_item(f->world.db);
	ask(f, "GET", VAULT_ID "/backupProtectedItems?api-version=2021-01-01&$filter="
	    "backupManagementType eq 'AzureIaasVM' and itemType eq 'VM' and containerName eq "
	    "'IaasVMContainer;iaasvmcontainerv2;RG1;VM-ONE'", NULL, 200, &all);
	assert_int_equal(json_array_size(jat(all.body, "value")), 1);
	row = json_array_get(jat(all.body, "value"), 0);
	assert_string_equal(jstr(row, "properties.kpisHealths.BackupOperationStatusKPI."
	    "resourceHealthStatus", ""), "Healthy");
	ask(f, "GET", VAULT_ID "/backupProtectedItems" V "&$filter=friendlyName eq 'other'", NULL,
	    200,
	    &none);
	assert_int_equal(json_array_size(jat(none.body, "value")), 0);
	world_remove(f->world.db, VM_ID);
	ask(f, "GET", VAULT_ID "/backupProtectedItems" V, NULL, 200, &gone);
	row = json_array_get(jat(gone.body, "value"), 0);
	assert_string_equal(jstr(row, "properties.healthStatus", ""), "ActionRequired");
	assert_int_equal(jint(json_array_get(jat(row, "properties.healthDetails"), 0), "code", 0),
	    400136);
	refuse(f, "POST", ITEM_URL "/backup" V, NULL, 404, "ResourceNotFound",
	    "Could not perform the operation as VM no longer exists.");
	ask(f, "GET", ITEM_URL V "&$filter=expand eq 'extendedinfo'", NULL, 200, &ext);
	assert_int_equal(jint(ext.body, "properties.extendedInfo.recoveryPointCount", 0), 1);
	assert_string_equal(jstr(ext.body, "properties.extendedInfo.oldestRecoveryPoint", ""),
	    "2024-05-14T09:00:00Z");
}

static void jobs_are_filtered_exported_and_not_found(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer all = { 0 }, none = { 0 }, export = { 0 }, result = { 0 },
	    file = { 0 };
	char job[64], url[1024];

	carry_out(f, "PUT", ITEM_URL V, PROTECT, job);
	ask(f, "GET", VAULT_ID "/backupJobs" V "&$filter=status eq 'completed' and operation eq "
	    "'ConfigureBackup' and startTime eq '2024-05-14 12:00:00 AM'", NULL, 200, &all);
	assert_int_equal(json_array_size(jat(all.body, "value")), 1);
	assert_null(jat(json_array_get(jat(all.body, "value"), 0), "properties.extendedInfo"));
	ask(f, "GET", VAULT_ID "/backupJobs" V "&$filter=status eq 'Failed'", NULL, 200, &none);
	assert_int_equal(json_array_size(jat(none.body, "value")), 0);
	refuse(f, "GET", VAULT_ID "/backupJobs/0f0f" V, NULL, 404, "ResourceNotFound", "'0f0f'");
	refuse(f, "GET", VAULT_ID "/backupOperations/0f0f" V, NULL, 404, "ResourceNotFound",
	    "'0f0f'");
	ask(f, "POST", VAULT_ID "/backupJobsExport" V, NULL, 202, &export);
	ask(f, "GET", export.location, NULL, 200, &result);
	(void)snprintf(url, sizeof(url), "%s%s", jstr(result.body, "operation.blobUrl", ""),
	    jstr(result.body, "operation.blobSasKey", ""));
	ask(f, "GET", url, NULL, 200, &file);
	assert_string_equal(jstr(json_array_get(jat(file.body, "value"), 0), "name", ""), job);
	url[strlen(url) - 1] ^= 1;
	refuse(f, "GET", url, NULL, 403, "AuthenticationFailed", "signature");
	refuse(f, "GET", VAULT_ID "x/backupJobsExport/0f0f?sig=0", NULL, 403, "AuthenticationFailed",
	    "signature");
}

static void validation_lists_what_a_restore_would_answer(void **state)
{
	struct fixture *f = *state;
	auto_answer struct answer fine = { 0 }, bad = { 0 }, op = { 0 }, status = { 0 },
	    result = { 0 };
	static const char list[] = "validateOperationResponse.validationResults";

	world_item(f->world.db);
	ask(f, "POST", VAULT_ID "/backupValidateOperation" V,
	    "{\"id\":\"" POINT_ID "\",\"properties\":{"
	    "\"objectType\":\"ValidateIaasVMRestoreOperationRequest\",\"restoreRequest\":{"
	    "\"recoveryType\":\"RestoreDisks\",\"storageAccountId\":\"" ACCOUNT_ID "\"}}}", 200,
	    &fine);
	assert_true(json_is_array(jat(fine.body, list)));
	assert_int_equal(json_array_size(jat(fine.body, list)), 0);
	ask(f, "POST", VAULT_ID "/backupValidateOperation?api-version=2019-05-13",
	    "{\"objectType\":"
	    "\"ValidateIaasVMRestoreOperationRequest\",\"restoreRequest\":{\"recoveryPointId\":\""
	    POINT_NAME "\",\"sourceResourceId\":\"" VM_ID "\",\"recoveryType\":\"RestoreDisks\","
	    "\"storageAccountId\":\"" ACCOUNT_ID "x\",\"region\":\"mars\"}}", 200, &bad);
	assert_int_equal(json_array_size(jat(bad.body, list)), 2);
	ask(f, "POST", VAULT_ID "/backupTriggerValidateOperation" V, "{\"id\":\"" POINT_ID "\","
	    "\"properties\":{\"objectType\":\"ValidateIaasVMRestoreOperationRequest\","
	    "\"restoreRequest\":{\"recoveryType\":\"Offline\"}}}", 202, &op);
	ask(f, "GET", op.async, NULL, 200, &status);
	assert_string_equal(jstr(status.body, "properties.objectType", ""),
	    "OperationStatusValidateOperationExtendedInfo");
	ask(f, "GET", op.location, NULL, 200, &result);
	assert_string_equal(jstr(json_array_get(jat(result.body, list), 0), "code", ""),
	    "BMSUserErrorInvalidInput");
}

static void time_spans_are_dot_nets(void **state)
{
	char out[TIME_TEXT_MAX];

	(void)state;
	assert_string_equal(timespan_text(0, out), "00:00:00");
	assert_string_equal(timespan_text(-5, out), "00:00:00");
	assert_string_equal(
	    timespan_text((((13LL * 24 + 23) * 60 + 59) * 60 + 42) * 1000000 + 865600, out),
	    "13.23:59:42.8656000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(protecting_makes_an_item_that_waits_for_its_first_backup),
		T(the_first_item_locks_the_vaults_redundancy),
		T(bad_requests_to_protect_name_the_member),
		T(a_vm_elsewhere_or_of_another_vault_is_refused),
		T(disks_are_chosen_kept_and_reset),
		T(stop_resume_delete_undelete),
		T(deleting_twice_is_no_error),
		T(a_delete_is_tracked_under_the_vault),
		T(a_running_backup_locks_the_item_until_it_is_cancelled),
		T(a_configure_job_cannot_be_cancelled),
		T(a_restore_shares_its_id_with_its_job),
		T(a_wrong_point_is_named),
		T(points_are_listed_by_time_without_their_disks),
		T(items_are_filtered_and_a_lost_vm_shows),
		T(jobs_are_filtered_exported_and_not_found),
		T(validation_lists_what_a_restore_would_answer),
		cmocka_unit_test(time_spans_are_dot_nets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
