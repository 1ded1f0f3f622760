/* region_vaults.h - what the verbs of `holdfast region` share that look at vaults and their
 * copies. */
#ifndef CLI_REGION_VAULTS_H
#define CLI_REGION_VAULTS_H

#include "cli/offline.h"
#include "work/replicas.h"

/* "DIR [--json]".  CLI_OK and *ret_dir; or another exit code; or CLI_OK and *ret_dir NULL: help was
 * printed. */
int region_arguments(int argc, char **argv, const char *verb, const char *help,
    const char **ret_dir, bool *ret_json);

/* A vault of one of the data directory's own regions that is copied; `to` NULL: the settings give no
 * place for its copy, as `why` says. */
typedef int region_vault_fn(void *arg, const struct resource *vault,
    const struct region_settings *to, const struct err *why, struct err *e);
/* Each of them, in order of ids; no transaction is open meanwhile. */
must_check int region_vaults(struct offline *o, region_vault_fn *fn, void *arg, struct err *e);

/* One line of JSON on stdout, with everything that was buffered; takes `doc` over. */
must_check int region_print(json_t *doc, struct err *e);

#endif
