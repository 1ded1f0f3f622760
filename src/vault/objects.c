/* objects.c - a vault and its points by the names of their objects, which are the same in every copy. */
#include "vault/copy.h"
#include "vault/engine.h"

#define CONFIG_NAME "config"

int vault_copy_begin(struct vault *from, struct object_store *to, struct err *e)
{
	auto_buf struct buf config = { 0 }, there = { 0 };
	struct err ignored;

	if (object_get_all(from->store, CONFIG_NAME, 4096, &config, e) != 0)
		return err_in(e, "beginning a copy of the vault");
	if (object_get_all(to, CONFIG_NAME, 4096, &there, e) == 0) {
		if (str_eq(buf_str(&config), buf_str(&there)))
			return 0;
		return err_set(e, ERR_CONFLICT, "beginning a copy of the vault: another vault is there");
	}
	if (e->kind != ERR_NOT_FOUND)
		return err_in(e, "beginning a copy of the vault");
	if (object_put(to, CONFIG_NAME, config.p, config.n, e) != 0) {
		(void)!object_del(to, CONFIG_NAME, &ignored);
		return err_in(e, "beginning a copy of the vault");
	}
	return 0;
}

struct naming {
	vault_name_fn *fn;
	void *arg;
};

static int name_one(void *arg, const struct object_info *info, struct err *e)
{
	const struct naming *n = arg;

	return point_object_valid(info->name) ? n->fn(n->arg, info->name, e) : 0;
}

int vault_point_names(struct vault *v, vault_name_fn *fn, void *arg, struct err *e)
{
	struct naming n = { fn, arg };

	return object_list(v->store, "points/", name_one, &n, e);
}

int vault_point_object(struct vault *v, const char *item, const char *point,
    char ret[VAULT_NAME_SIZE], struct err *e)
{
	return point_object_name(v, item, point, ret, e);
}

static int check_name(const char *object, struct err *e)
{
	return strncmp(object, "points/", 7) == 0 && point_object_valid(object) ? 0 :
	    err_set(e, ERR_INVALID, "'%.200s' is not the name of a point's object", object);
}

int vault_point_open_object(struct vault *v, const char *object, struct vault_point **ret,
    struct err *e)
{
	return check_name(object, e) != 0 ? -1 : point_open(v, object, ret, e);
}

int vault_point_delete_object(struct vault *v, const char *object, struct err *e)
{
	if (check_name(object, e) != 0 || vault_lock_writer(v, e) != 0)
		return -1;
	return point_remove(v, object, e) < 0 ? err_in(e, "removing '%s'", object) : 0;
}
