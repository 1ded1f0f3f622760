/* restore_request.c - see restore_request.h. */
#include "api/restore_request.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/luns.h"

static struct err *next(struct check *k)
{
	struct restore_problems *p = k->problems;

	return p->count < RESTORE_PROBLEMS_MAX ? &p->list[p->count++] : NULL;
}

/* Texts name members as "properties.…", which is where most requests have them. */
static void move_path(char *text, size_t size, const char *path)
{
	static const char usual[] = "properties";
	char *at = strstr(text, usual), rest[sizeof(((struct err *)NULL)->msg)];

	if (at == NULL || strcmp(path, usual) == 0)
		return;
	(void)snprintf(rest, sizeof(rest), "%s", at + strlen(usual));
	(void)snprintf(at, size - (size_t)(at - text), "%s%s", path, rest);
}

int check_problem(struct check *k, const char *code, const char *fmt, ...)
{
	struct err *slot = next(k);
	char text[sizeof(slot->msg)];
	va_list ap;

	if (slot == NULL)
		return 0;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	move_path(text, sizeof(text), k->in->path);
	(void)err_http(slot, ERR_INVALID, 400, code, "%s", text);
	return 0;
}

int check_input(struct check *k, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return check_problem(k, "BMSUserErrorInvalidInput", " The User input provided for the "
	    "call is invalid. Please check the required inputs\r\n%s", text);
}

const char *check_text(const struct check *k, const char *path)
{
	const char *text = jstr(k->in->request, path, "");

	return text[0] != '\0' ? text : NULL;
}

enum type { TEXT, BOOL, LIST, OBJECT };

static const struct field {
	const char *name;
	enum type type;
} fields[] = {
	{ "objectType", TEXT }, { "recoveryPointId", TEXT }, { "recoveryType", TEXT },
	{ "sourceResourceId", TEXT }, { "targetVirtualMachineId", TEXT },
	{ "targetResourceGroupId", TEXT }, { "storageAccountId", TEXT },
	{ "virtualNetworkId", TEXT }, { "subnetId", TEXT }, { "targetDomainNameId", TEXT },
	{ "region", TEXT }, { "affinityGroup", TEXT }, { "createNewCloudService", BOOL },
	{ "originalStorageAccountOption", BOOL }, { "encryptionDetails", OBJECT },
	{ "encryptionDetails.encryptionEnabled", BOOL }, { "restoreDiskLunList", LIST },
	{ "restoreWithManagedDisks", BOOL }, { "diskEncryptionSetId", TEXT }, { "zones", LIST },
	{ "identityInfo", OBJECT }, { "identityInfo.isSystemAssignedIdentity", BOOL },
	{ "identityInfo.managedIdentityResourceId", TEXT },
	{ "identityBasedRestoreDetails", OBJECT },
	{ "identityBasedRestoreDetails.objectType", TEXT },
	{ "identityBasedRestoreDetails.targetStorageAccountId", TEXT },
	{ "extendedLocation", OBJECT }, { "securedVMDetails", OBJECT },
	{ "securedVMDetails.securedVMOsDiskEncryptionSetId", TEXT },
	{ "targetDiskNetworkAccessSettings", OBJECT },
	{ "targetDiskNetworkAccessSettings.targetDiskNetworkAccessOption", TEXT },
	{ "targetDiskNetworkAccessSettings.targetDiskAccessId", TEXT },
	{ "recoveryPointRehydrationInfo", OBJECT },
	{ "recoveryPointRehydrationInfo.rehydrationRetentionDuration", TEXT },
	{ "recoveryPointRehydrationInfo.rehydrationPriority", TEXT },
	{ "resourceGuardOperationRequests", LIST },
};

static int check_type(const json_t *request, const struct field *f, struct err *e)
{
	const char *text;
	json_t *value;
	bool truth;

	switch (f->type) {
	case TEXT:
		return jget_str(request, f->name, &text, e);
	case BOOL:
		return jget_bool(request, f->name, &truth, e);
	case LIST:
		return jget_arr(request, f->name, &value, e);
	default:
		return jget_obj(request, f->name, &value, e);
	}
}

static void check_texts(struct check *k, const char *name)
{
	const json_t *list = jat(k->in->request, name);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!json_is_string(json_array_get(list, i)))
			(void)check_input(k, "properties.%s[%zu]: expected a string", name, i);
}

static void check_types(struct check *k)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct err why = { 0 };

		if (check_type(k->in->request, &fields[i], &why) < 0)
			(void)check_input(k, "properties.%.300s", why.msg);
	}
	check_texts(k, "zones");
	check_texts(k, "resourceGuardOperationRequests");
}

static void check_kind(struct check *k)
{
	static const enum restore_kind kinds[] = { RESTORE_DISKS, RESTORE_ORIGINAL,
		RESTORE_ALTERNATE };
	const char *type = check_text(k, "recoveryType");

	if (type == NULL) {
		(void)check_input(k, "properties.recoveryType: required, but missing");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_ieq(str_c(type), str_c(restore_kind_name(kinds[i])))) {
			k->kind = kinds[i];
			return;
		}
	(void)check_input(k, "properties.recoveryType: '%.60s' is not 'RestoreDisks', "
	    "'OriginalLocation' or 'AlternateLocation'", type);
}

static void check_object_type(struct check *k)
{
	const char *type = check_text(k, "objectType");

	if (type != NULL && !str_ieq(str_c(type), STR("IaasVMRestoreRequest")) &&
	    !str_ieq(str_c(type), STR("IaasVMRestoreWithRehydrationRequest")))
		(void)check_input(k, "properties.objectType: '%.80s' is not "
		    "'IaasVMRestoreRequest'", type);
}

/* What would change the restored disks in a way that cannot be done here is refused,
    not ignored. */
static void check_options(struct check *k)
{
	static const char *const refused[] = { "diskEncryptionSetId", "extendedLocation.name",
		"securedVMDetails.securedVMOsDiskEncryptionSetId",
		"targetDiskNetworkAccessSettings.targetDiskAccessId" };
	const char *access = check_text(k,
	    "targetDiskNetworkAccessSettings.targetDiskNetworkAccessOption");

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (check_text(k, refused[i]) != NULL)
			(void)check_input(k, "properties.%s: '%.200s' is not supported by this "
			    "server",
			    refused[i], check_text(k, refused[i]));
	if (access != NULL && str_ieq(str_c(access), STR("EnablePrivateAccessForAllDisks")))
		(void)check_input(k, "properties.targetDiskNetworkAccessSettings."
		    "targetDiskNetworkAccessOption: '%s' is not supported by this server", access);
	if (jbool(k->in->request, "encryptionDetails.encryptionEnabled", false))
		(void)check_input(k, "properties.encryptionDetails.encryptionEnabled: the virtual "
		    "machine of recovery point '%.40s' was not encrypted", k->in->point->name);
}

void check_request(struct check *k)
{
	if (k->in->request == NULL) {
		(void)check_input(k, "properties: required, but missing");
		return;
	}
	if (!json_is_object(k->in->request)) {
		(void)check_input(k, "properties: expected an object");
		return;
	}
	check_types(k);
	if (k->problems->count > 0)
		return;
	check_object_type(k);
	check_kind(k);
	check_options(k);
	if (k->kind == RESTORE_ORIGINAL && !str_ieq(str_c(k->in->region),
	    str_c(k->in->vault->location)))
		(void)check_problem(k, "UserErrorOlrNotSupported",
		    "The selected restore operation type is not supported.\r\n"
		    "properties.recoveryType: region '%s' is not the virtual machine's, '%s': "
		    "restore its disks or to an alternate location.", k->in->region,
		    k->in->vault->location);
}

void check_source(struct check *k)
{
	const struct restore_input *in = k->in;
	const char *point = check_text(k, "recoveryPointId"), *region = check_text(k, "region");
	const char *source = check_text(k, "sourceResourceId");
	const char *own = jstr(in->item->body, "properties.sourceResourceId", "");
	const struct region_settings *known;

	if (point != NULL && strcmp(point, in->point->name) != 0)
		(void)check_input(k, "properties.recoveryPointId: '%.60s' is not '%.60s', the "
		    "recovery point that %s", point, in->point->name,
		    strcmp(in->path, "properties") == 0 ? "the request's path names" :
		    "the access token is for");
	if (source != NULL && !arm_id_same(str_c(source), str_c(own)))
		(void)check_input(k, "properties.sourceResourceId: '%.140s' is not the virtual "
		    "machine of the item, '%.140s'", source, own);
	if (region == NULL)
		return;
	known = settings_region(in->settings, region);
	if (known == NULL || strcmp(known->name, in->region) != 0)
		(void)check_input(k, "properties.region: '%.60s' is not '%s', the %sregion of "
		    "vault '%.60s'", region, in->region,
		    strcmp(in->region, in->vault->location) == 0 ? "" : "paired ", in->vault->name);
}

static void refuse_lun(struct check *k, size_t i, int lun)
{
	const char *why = luns_find(jat(k->in->point->body, "internal.excluded"), lun) != NULL ?
	    "its disk was excluded from the backup" : "the virtual machine had no such data disk";

	(void)check_input(k, "properties.restoreDiskLunList[%zu]: recovery point '%.40s' has no "
	    "disk with LUN %d: %s", i, k->in->point->name, lun, why);
}

static size_t data_disks(const json_t *disks)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(disks); i++)
		n += jint(json_array_get(disks, i), "lun", -1) >= 0;
	return n;
}

int check_luns(struct check *k, struct err *e)
{
	static const char path[] = "properties.restoreDiskLunList";
	const json_t *list = jat(k->in->request, "restoreDiskLunList");
	const json_t *disks = jat(k->in->point->body, "internal.disks");
	struct err why = { 0 };
	struct luns luns;

	if (list == NULL)
		return 0;	/* every disk */
	if (luns_read(list, path, &luns, &why) != 0)
		return check_input(k, "%s", why.msg);
	for (size_t i = 0; i < luns.count; i++)
		if (luns_find(disks, luns.lun[i]) == NULL)
			refuse_lun(k, i, luns.lun[i]);
	/* A VM whose disks are replaced must get all of them. */
	if (k->kind == RESTORE_ORIGINAL && luns.count < data_disks(disks))
		return check_problem(k, "UserErrorOlrNotSupported",
		    "The selected restore operation type is not supported.\r\n%s must be absent "
		    "or list every data disk of recovery point '%.40s' for 'OriginalLocation'.",
		    path,
		    k->in->point->name);
	return jset(k->target, "luns", json_deep_copy(list), e);
}
