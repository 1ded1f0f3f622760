/* record.c - see record.h. */
#include "cli/record.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/audit.h"
#include "base/clock.h"

int record_begin(const char *dir, int *ret_fd, struct err *e)
{
	char audit[PATH_MAX];

	if (snprintf(audit, sizeof(audit), "%s/audit", dir) >= PATH_MAX)
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", dir);
	if (audit_open(audit, clock_now_us(&clock_system), ret_fd, e) != 0)
		return err_in(e, "nothing was changed, because it cannot be recorded");
	return 0;
}

int record_end(int fd, const char *action, const char *scope, json_t *detail, struct err *e)
{
	auto_json json_t *owned = detail;
	const struct audit_entry entry = {
		.time_us = clock_now_us(&clock_system),
		.method = "CLI",
		.action = action,
		.scope = scope,
		.detail = owned,
	};

	if (owned == NULL || json_object_set_new(owned, "uid", json_integer(getuid())) != 0)
		return err_nomem(e);
	return audit_append(fd, &entry, e);
}
