/* item_state.c - may an operation on the item start?  See item.h. */
#include "api/item.h"

int item_not_found(const char *id, struct err *e)
{
	return err_code(e, ERR_NOT_FOUND, "BMSUserErrorDataSourceObjectNotFound",
	    "Item not found.\r\nSelected item might have been deleted. Please check if item is "
	    "registered to the vault. Item: '%.300s'", id);
}

bool item_soft_deleted(const struct resource *item)
{
	return jbool(item->body, "properties.isScheduledForDeferredDelete", false);
}

int item_refuse_soft_deleted(const struct resource *item, struct err *e)
{
	if (!item_soft_deleted(item))
		return 0;
	return err_http(e, ERR_CONFLICT, 400, "UserErrorItemInSoftDeletedState",
	    "The operation cannot be performed as the backup item is in soft deleted state.\r\n"
	    "Undelete item '%.250s' first.", item->name);
}

static bool is_restore(const char *operation)
{
	return strcmp(operation, "Restore") == 0 || strcmp(operation, "CrossRegionRestore") == 0;
}

int item_check_free(struct db_conn *conn, const char *item, const char *operation, struct err *e)
{
	auto_job_row struct job_row job = { 0 };
	const char *code = "BMSUserErrorObjectLocked";
	const char *text = "Another operation is in progress on the selected item.";
	int r = job_running_on(conn, item, &job, e);

	if (r <= 0)
		return r;
	if (strcmp(operation, "Backup") == 0 && strcmp(job.operation, operation) == 0) {
		code = "UserErrorBackupOperationInProgress";
		text = "Unable to initiate backup as another backup operation is currently in "
		    "progress.";
	} else if (is_restore(operation) && is_restore(job.operation)) {
		code = "UserErrorRestoreOperationInProgress";
		text = "Unable to initiate restore as another restore operation is currently in "
		    "progress.";
	}
	return err_http(e, ERR_BUSY, 400, code,
	    "%s\r\nPlease wait until job '%s' (%s) of '%.100s' is completed, and then retry.", text,
	    job.id, job.operation, job.friendly_name);
}
