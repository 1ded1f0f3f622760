/* policy_preset.h - the policies that every new vault owns. */
#ifndef API_POLICY_PRESET_H
#define API_POLICY_PRESET_H

#include "model/resource.h"

/* DefaultPolicy (daily), EnhancedPolicy (every four hours, V2), HourlyLogBackup (databases). */
must_check int policy_presets_add(struct db_conn *conn, const struct resource *vault,
    int64_t now_us, struct err *e);

#endif
