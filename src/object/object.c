/* object.c - the front of every back end: names are checked here, once. */
#include "object/object.h"

#define NAME_MAX_BYTES (sizeof(((struct object_info *)NULL)->name) - 1)

static bool name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '_' || c == '-';
}

/* One segment: not empty, neither "." nor "..", only permitted characters. */
static bool segment_ok(const char *p, size_t n)
{
	if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!name_char(p[i]))
			return false;
	return true;
}

bool object_name_valid(const char *name)
{
	size_t n = strlen(name);

	if (n > NAME_MAX_BYTES)
		return false;
	for (;;) {
		size_t part = strcspn(name, "/");

		if (!segment_ok(name, part))
			return false;
		if (name[part] == '\0')
			return true;
		name += part + 1;
	}
}

static int check(const char *name, struct err *e)
{
	if (!object_name_valid(name))
		return err_set(e, ERR_INVALID, "'%.300s' is not the name of an object", name);
	return 0;
}

int object_put(struct object_store *s, const char *name, const void *p, size_t n, struct err *e)
{
	return check(name, e) != 0 ? -1 : s->ops->put(s, name, p, n, e);
}

int object_get(struct object_store *s, const char *name, int64_t offset, void *p, size_t n,
    struct err *e)
{
	if (check(name, e) != 0)
		return -1;
	if (offset < 0)
		return err_set(e, ERR_INVALID, "reading object '%s': offset %lld is negative", name,
		    (long long)offset);
	return s->ops->get(s, name, offset, p, n, e);
}

int object_get_all(struct object_store *s, const char *name, size_t max, struct buf *ret,
    struct err *e)
{
	struct object_info info;
	int found = object_head(s, name, &info, e);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(e, ERR_NOT_FOUND, "reading object '%s': it does not exist", name);
	if ((uint64_t)info.size > max)
		return err_set(e, ERR_INVALID, "reading object '%s': its %lld bytes are over %zu",
		    name, (long long)info.size, max);
	if (!buf_reserve(ret, (size_t)info.size + 1))
		return err_nomem(e);
	if (object_get(s, name, 0, ret->p + ret->n, (size_t)info.size, e) != 0)
		return -1;
	ret->n += (size_t)info.size;
	ret->p[ret->n] = '\0';
	return 0;
}

int object_head(struct object_store *s, const char *name, struct object_info *ret, struct err *e)
{
	return check(name, e) != 0 ? -1 : s->ops->head(s, name, ret, e);
}

int object_del(struct object_store *s, const char *name, struct err *e)
{
	return check(name, e) != 0 ? -1 : s->ops->del(s, name, e);
}

int object_list(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
    struct err *e)
{
	return s->ops->list(s, prefix, fn, arg, e);
}

int object_lock(struct object_store *s, struct err *e)
{
	return s->ops->lock(s, e);
}

void object_close(struct object_store *s)
{
	if (s != NULL)
		s->ops->close(s);
}
