/* env_field.c - see env_field.h; and the end of a struct admin_env. */
#include "cli/env_field.h"

#include <assert.h>

const char *const env_names[ENV_COUNT] = { "HOLDFAST_URL", "HOLDFAST_CA", "HOLDFAST_TENANT",
	"HOLDFAST_SUBSCRIPTION", "HOLDFAST_CLIENT_ID", "HOLDFAST_CLIENT_SECRET" };

char **env_field(struct admin_env *v, size_t i)
{
	char **const fields[ENV_COUNT] = { &v->url, &v->ca, &v->tenant, &v->subscription,
		&v->client_id, &v->client_secret };

	assert(i < ENV_COUNT);
	return fields[i];
}

void admin_env_done(struct admin_env *v)
{
	for (size_t i = 0; i < ENV_COUNT; i++) {
		free(*env_field(v, i));
		*env_field(v, i) = NULL;
	}
}
