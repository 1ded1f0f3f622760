/* luns.c - see luns.h. */
#include "api/luns.h"

static bool seen(const struct luns *l, json_int_t lun)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->lun[i] == lun)
			return true;
	return false;
}

int luns_read(const json_t *list, const char *path, struct luns *ret, struct err *e)
{
	struct luns l = { .count = 0 };

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		json_int_t lun = json_integer_value(v);

		if (!json_is_integer(v))
			return err_set(e, ERR_INVALID, "%s[%zu]: expected an integer", path, i);
		if (lun < 0 || lun >= LUNS_MAX)
			return err_set(e, ERR_INVALID, "%s[%zu]: %lld is not the LUN of a data "
			    "disk, which is 0 to %d", path, i, (long long)lun, LUNS_MAX - 1);
		if (seen(&l, lun))
			return err_set(e, ERR_INVALID, "%s[%zu]: LUN %lld is listed twice", path, i,
			    (long long)lun);
		l.lun[l.count++] = (int)lun;
	}
	*ret = l;
	return 0;
}

const json_t *luns_find(const json_t *disks, int64_t lun)
{
	for (size_t i = 0; i < json_array_size(disks); i++) {
		const json_t *disk = json_array_get(disks, i);

		if (json_is_integer(jat(disk, "lun")) && jint(disk, "lun", 0) == lun)
			return disk;
	}
	return NULL;
}
