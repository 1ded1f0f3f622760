/* restore.c - the restore job: its steps, and how it ends.
 *
 * prepare   choose disks, names, paths                        nothing to undo
 * rehydrate a point that is in the archive, into the vault    it stays for its time
 * point     original location: a recovery point of what is    once published it stays
 * transfer  disk data from the vault into new files           files are removed
 * config    RestoreDisks: config and template blobs           the container is removed
 * publish   one transaction: rows of disks, VM, interface     the same, backwards
 *
 * Nothing is visible before publish; publish is the only step that touches what existed. */
#include "work/restore.h"

#include "base/clock.h"

static bool type_parse(const char *text, enum restore_type *ret)
{
	static const char *const names[] = { [RESTORE_TO_DISKS] = "RestoreDisks",
		[RESTORE_TO_ORIGINAL] = "OriginalLocation",
		[RESTORE_TO_ALTERNATE] = "AlternateLocation" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0) {
			*ret = (enum restore_type)i;
			return true;
		}
	return false;
}

int restore_init(struct restore *r, struct job *j, void *world, struct err *e)
{
	const json_t *args = job_args(j);
	const char *type = jstr(args, "recoveryType", "");

	*r = (struct restore){ .job = j, .world = world };
	r->target = jat(args, "target");
	r->state = job_state(j);
	r->disks = json_object_get(r->state, "disks");
	r->is_unmanaged = jbool(r->target, "unmanaged", false);
	if (r->target == NULL || !type_parse(type, &r->type))
		return err_set(e, ERR_BUG, "restore job '%s': recovery type '%s' is not known",
		    job_id(j), type);
	return 0;
}

void restore_done(struct restore *r)
{
	arena_done(&r->arena);
	resource_done(&r->point);
}

int restore_account_dir(struct restore *r, const char **ret, struct err *e)
{
	return world_account_dir(r->world, jstr(r->target, "region", ""),
	    jstr(r->target, "accountName", ""), &r->arena, ret, e);
}

const char *restore_container(const struct restore *r)
{
	return jstr(r->state, "container", "");
}

int restore_blob_url(struct restore *r, const char *blob, const char **ret, struct err *e)
{
	*ret = arena_fmt(&r->arena, "%s/%s/%s/%s", jstr(job_args(r->job), "baseUrl", ""),
	    jstr(r->target, "accountName", ""), restore_container(r), blob);
	return *ret != NULL ? 0 : err_nomem(e);
}

const json_t *restore_source_vm(const struct restore *r)
{
	return jat(r->point.body, "internal.vm");
}

json_t *restore_by_lun(const json_t *list, int64_t lun)
{
	json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
		if (jint(x, "lun", -1) == lun)
			return x;
	return NULL;
}

const char *restore_caching(const struct restore *r, const json_t *disk)
{
	const json_t *profile = jat(restore_source_vm(r), "body.properties.storageProfile");
	int64_t lun = jint(disk, "lun", -1);

	if (lun < 0)
		return jstr(profile, "osDisk.caching", "ReadWrite");
	return jstr(restore_by_lun(jat(profile, "dataDisks"), lun), "caching", "None");
}

/* ---- how it ends ---- */

/* Names joined as "a; b", of the members of `list`. */
static const char *joined(struct arena *a, const json_t *list, const char *key)
{
	const char *text = "";
	const json_t *x;
	size_t i;

	json_array_foreach(list, i, x)
		if (text != NULL)
			text = arena_fmt(a, "%s%s%s", text, i > 0 ? "; " : "", jstr(x, key, ""));
	return text;
}

static int tell_selection(struct restore *r, struct err *e)
{
	const char *restored = joined(&r->arena, r->disks, "source");
	const char *all = jstr(r->state, "backedUp", "");

	if (jat(r->target, "luns") == NULL)
		return 0;
	if (restored == NULL)
		return err_nomem(e);
	if (job_bag_set(r->job, "Restored disk(s)", restored, e) != 0)
		return -1;
	return job_bag_set(r->job, "Backed-up disk(s)", all, e);
}

static int tell_blobs(struct restore *r, struct err *e)
{
	const char *name = jstr(r->state, "config.name", ""), *url, *template_url;

	if (restore_blob_url(r, name, &url, e) != 0 ||
	    restore_blob_url(r, jstr(r->state, "config.template", ""), &template_url, e) != 0 ||
	    job_bag_set(r->job, "Config Blob Name", name, e) != 0 ||
	    job_bag_set(r->job, "Config Blob Container Name", restore_container(r), e) != 0 ||
	    job_bag_set(r->job, "Config Blob Uri", url, e) != 0)
		return -1;
	return job_bag_set(r->job, "Template Blob Uri", template_url, e);
}

static int ended(struct job *j, struct db_conn *c, const char *status, const struct err *cause,
    void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };

	(void)status;
	if (restore_init(&r, j, world, e) != 0)
		return cause != NULL ? 0 : -1;
	if (cause != NULL)
		return 0;
	switch (r.type) {
	case RESTORE_TO_DISKS:
		if (tell_blobs(&r, e) != 0)
			return -1;
		break;
	case RESTORE_TO_ORIGINAL:
		if (job_bag_set(j, "Target VM Name", jstr(r.target, "vmName", ""), e) != 0 ||
		    restore_swap_settle(&r, c, e) != 0)
			return -1;
		break;
	case RESTORE_TO_ALTERNATE:
		break;
	}
	return tell_selection(&r, e);
}

static const struct job_step steps[] = {
	{ "prepare", restore_prepare, NULL },
	{ "rehydrate", restore_rehydrate, NULL },
	{ "point", restore_point_first, restore_point_first_undo },
	{ "transfer", restore_transfer, restore_transfer_undo },
	{ "config", restore_config, restore_config_undo },
	{ "publish", restore_publish, restore_publish_undo },
};

const struct job_kind restore_kind = { "restore", steps, ARRAY_LEN(steps), ended };
