/* restore_config.c - the config blob and the template, in a container of their own. */
#include <stdio.h>

#include "blob/blob.h"
#include "work/vmconfig.h"

/* The segment after "/word/" in an id, or `otherwise`. */
static const char *segment(struct arena *a, const char *id, const char *word,
    const char *otherwise)
{
	for (const char *p = strchr(id, '/'); p != NULL; p = strchr(p + 1, '/')) {
		struct str s = { p + 1, strcspn(p + 1, "/") };

		if (str_ieq(s, str_c(word)) && s.p[s.n] == '/')
			return arena_str(a, (struct str){ s.p + s.n + 1, strcspn(s.p + s.n + 1, "/") });
	}
	return otherwise;
}

/* The network that the VM's first interface is in today, as far as that is known. */
static int find_network(struct restore *r, struct template_network *n, struct err *e)
{
	const json_t *vm = restore_source_vm(r);
	const char *id = jstr(json_array_get(jat(vm,
	    "body.properties.networkProfile.networkInterfaces"), 0), "id", NULL), *subnet = "";
	const char *vnet = arena_fmt(&r->arena, "%s-vnet", jstr(vm, "name", "vm"));
	auto_resource struct resource nic = { 0 };
	auto_conn struct db_conn *c = NULL;

	if (vnet == NULL)
		return err_nomem(e);
	if (id != NULL) {
		if (db_read_begin(r->world->db, &c, e) != 0 || resource_get(c, id, &nic, e) < 0)
			return -1;
		subnet = jstr(json_array_get(jat(nic.body, "properties.ipConfigurations"), 0),
		    "properties.subnet.id", "");
	}
	n->vnet = segment(&r->arena, subnet, "virtualNetworks", vnet);
	n->group = segment(&r->arena, subnet, "resourceGroups",
	    segment(&r->arena, jstr(vm, "id", ""), "resourceGroups", ""));
	n->subnet = segment(&r->arena, subnet, "subnets", "default");
	return n->vnet != NULL && n->group != NULL && n->subnet != NULL ? 0 : err_nomem(e);
}

static int put_config(struct restore *r, const char *root, const char *name, struct err *e)
{
	auto_json json_t *config = NULL, *metadata = NULL;
	auto_buf struct buf text = { 0 };
	char size[24];

	if (vmconfig_make(r, &config, e) != 0 || vmconfig_encode(config, &text, e) != 0)
		return -1;
	(void)snprintf(size, sizeof(size), "%zu", text.n);
	metadata = json_pack("{s:s}", "ConfigBlobSize", size);
	if (metadata == NULL)
		return err_nomem(e);
	return blob_put(root, restore_container(r), name, text.p, text.n, true,
	    "application/octet-stream", metadata, e);
}

static int put_template(struct restore *r, const char *root, const char *name, struct err *e)
{
	struct template_network n;
	auto_json json_t *template = NULL;
	auto_buf struct buf text = { 0 };

	if (find_network(r, &n, e) != 0 || template_make(r, &n, &template, e) != 0 ||
	    jdump(template, &text, e) != 0)
		return -1;
	return blob_put(root, restore_container(r), name, text.p, text.n, false,
	    "application/json", NULL, e);
}

static int put_both(struct restore *r, struct err *e)
{
	const char *id = job_id(r->job), *root;
	const char *name = arena_fmt(&r->arena, "config-%s-%s.json", jstr(r->state, "part", ""), id);
	const char *template = arena_fmt(&r->arena, "azuredeploy%s.json", id);

	if (name == NULL || template == NULL)
		return err_nomem(e);
	if (restore_account_dir(r, &root, e) != 0 ||
	    blob_container_create(root, restore_container(r), e) != 0 ||
	    put_config(r, root, name, e) != 0 || put_template(r, root, template, e) != 0)
		return err_in(e, "writing the configuration to storage account '%s'",
		    jstr(r->target, "accountName", ""));
	return jset(r->state, "config", json_pack("{s:s,s:s}", "name", name, "template", template), e);
}

int restore_config(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };

	if (restore_init(&r, j, world, e) != 0)
		return -1;
	if (r.type != RESTORE_TO_DISKS)
		return 0;
	return restore_load_point(&r, e) != 0 ? -1 : put_both(&r, e);
}

int restore_config_undo(struct job *j, void *world, struct err *e)
{
	auto_restore struct restore r = { 0 };
	const char *root;

	if (restore_init(&r, j, world, e) != 0)
		return -1;
	if (r.type != RESTORE_TO_DISKS || restore_container(&r)[0] == '\0')
		return 0;
	if (restore_account_dir(&r, &root, e) != 0)
		return -1;
	return blob_container_delete(root, restore_container(&r), e);
}
