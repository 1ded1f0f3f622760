/* fields.c - see fields.h. */
#include "api/fields.h"

#define TAGS_MAX 50
#define TAG_NAME_MAX 512
#define TAG_VALUE_MAX 256

int fields_tags(const json_t *body, json_t **ret, struct err *e)
{
	json_t *tags = NULL, *value;
	const char *name;
	int got = jget_obj(body, "tags", &tags, e);

	if (got <= 0)
		return got;
	if (json_object_size(tags) > TAGS_MAX)
		return err_code(
		    e, ERR_INVALID, "InvalidTagCount", "tags: more than %d are given", TAGS_MAX);
	json_object_foreach(tags, name, value) {
		if (name[0] == '\0' || strlen(name) > TAG_NAME_MAX)
			return err_code(e, ERR_INVALID, "InvalidTagName",
			    "tags: the name '%.100s' is not 1 to %d bytes long", name,
			    TAG_NAME_MAX);
		if (!json_is_string(value) || json_string_length(value) > TAG_VALUE_MAX)
			return err_code(e, ERR_INVALID, "InvalidTagValue",
			    "tags.%.100s: a text of at most %d bytes is expected", name,
			    TAG_VALUE_MAX);
	}
	*ret = tags;
	return 1;
}

int fields_location(struct api_call *c, const char **ret, struct err *e)
{
	const char *given = NULL;
	int got = jget_str(c->body, "location", &given, e);

	if (got < 0)
		return -1;
	if (got == 0 || given[0] == '\0')
		return err_code(e, ERR_INVALID, "LocationRequired",
		    "The location property is required for this definition.");
	return api_location(c, given, ret, e);
}

int fields_same_location(const struct resource *old, const char *location, struct err *e)
{
	if (str_ieq(str_c(old->location), str_c(location)))
		return 0;
	return err_code(e, ERR_CONFLICT, "InvalidResourceLocation",
	    "The resource '%s' already exists in location '%s' in resource group '%s'. A resource "
	    "with the same name cannot be created in location '%s'. Please select a new resource "
	    "name.", old->name, old->location, old->group, location);
}

bool fields_name_valid(const char *name, size_t max, const char *others)
{
	size_t n = strlen(name);

	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '_')
			continue;
		if (i == 0 || strchr(others, c) == NULL)
			return false;
	}
	return true;
}
