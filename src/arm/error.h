/* error.h - a struct err as ARM's HTTP answer. */
#ifndef ARM_ERROR_H
#define ARM_ERROR_H

#include "base/base.h"
#include "json/json.h"

enum arm_error_source {
	ARM_GATEWAY,	/* {"error":{"code","message"}}, x-ms-failure-cause: gateway */
	ARM_SERVICE,	/* + "target":null,"details":null,"innerError":null; cause: service */
};

int arm_error_status(const struct err *e);	/* HTTP status by e->status, else e->kind */
const char *arm_error_code(const struct err *e);	/* e->code, else the kind's usual one */

/* New reference; NULL out of memory. */
json_t *arm_error_body(const struct err *e, enum arm_error_source source);

#endif
