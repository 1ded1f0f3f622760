/* path.c - splitting request paths.  See id.h. */
#include "arm/id.h"

#include "arm/text.h"

static int add_segment(struct arena *a, struct str raw, struct arm_path *path, struct err *e)
{
	struct str s;
	char *text;

	if (text_decode(a, raw, false, "path", &text, e) != 0)
		return -1;
	s = str_c(text);
	if (str_eq(s, STR(".")) || str_eq(s, STR("..")))
		return err_code(e, ERR_INVALID, "BadRequest", "the path has a segment '%s'", text);
	/* An encoded slash in a name would make another resource's id of it; blob names may
	 * have one. */
	if (path->count > 0 && str_ieq(path->segment[0], STR("subscriptions")) &&
	    strchr(text, '/') != NULL)
		return err_code(e, ERR_INVALID, "BadRequest",
		    "the path segment '%.200s' holds an encoded '/'", text);
	if (path->count == ARM_SEGMENTS_MAX)
		return err_code(e, ERR_INVALID, "BadRequest", "the path has more than %d segments",
		    ARM_SEGMENTS_MAX);
	path->segment[path->count++] = s;
	return 0;
}

int arm_path_split(struct arena *a, struct str raw, struct arm_path *ret, struct err *e)
{
	struct arm_path path = { 0 };
	size_t start = 0;

	for (size_t i = 0; i <= raw.n; i++) {
		if (i < raw.n && raw.p[i] != '/')
			continue;
		if (i > start &&
		    add_segment(a, (struct str){ raw.p + start, i - start }, &path, e) != 0)
			return -1;
		start = i + 1;
	}
	path.trailing_slash = path.count > 0 && raw.p[raw.n - 1] == '/';
	*ret = path;
	return 0;
}
