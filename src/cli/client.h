/* client.h - calls to a running server as its administrator, for verbs that need one. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/base.h"
#include "cli/env.h"
#include "json/json.h"

/* api-versions that the verbs ask for */
#define VERSION_BACKUP "2024-04-01"
#define VERSION_SECONDARY "2023-01-15"
#define VERSION_GROUP "2021-04-01"
#define VERSION_DISK "2022-07-02"
#define VERSION_VM "2022-11-01"

struct cli_client;

/* Where the server is and who asks comes from DIR/admin.env; with `dir` NULL from
 * $HOLDFAST_DIR/admin.env, and without that variable from the environment itself.  Nothing is
 * sent yet. */
must_check int cli_client_open(const char *dir, struct cli_client **ret, struct err *e);
void cli_client_close(struct cli_client *c);
void cli_client_close_p(struct cli_client **c);
#define auto_cli_client cleanup_with(cli_client_close_p)

const char *cli_client_url(const struct cli_client *c);
const char *cli_client_subscription(const struct cli_client *c);

/* {"status","version"}; needs no sign-in. */
must_check int cli_client_health(struct cli_client *c, json_t **ret, struct err *e);

/* One call.  `path` starts with "/" and is not percent-encoded; `filter` is an OData expression or
 * NULL; `body` is borrowed, NULL for none.  *ret is a new reference, a JSON null when the answer
 * has no body.  An answer of 400 and above is a failure with its code and message; 404 is
 * ERR_NOT_FOUND.  ERR_IO alone means that no answer came. */
must_check int cli_client_call(struct cli_client *c, const char *method, const char *path,
    const char *version, const char *filter, const json_t *body, json_t **ret, struct err *e);

/* GET of a list with all its pages: *ret is an array. */
must_check int cli_client_list(struct cli_client *c, const char *path, const char *version,
    const char *filter, json_t **ret, struct err *e);

/* Is there something at `path`?  1, 0, -1. */
must_check int cli_client_exists(struct cli_client *c, const char *path, const char *version,
    struct err *e);

/* percent_encode() of all but the slashes. */
void cli_encode_path(struct buf *b, const char *path);

#endif
