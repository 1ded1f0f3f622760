/* vault_security.h - soft delete and enhanced security of a vault.
 *
 * internal.vaultConfig is the one truth; backupconfig and the vault's
 * securitySettings.softDeleteSettings show it. */
#ifndef API_VAULT_SECURITY_H
#define API_VAULT_SECURITY_H

#include "api/place.h"
#include "model/resource.h"

/* Of a new vault: both on, 14 days.  NULL out of memory. */
json_t *vault_security_new(void);

/* Names of the members by which a request speaks of it. */
struct vault_security_keys {
	const char *soft_delete, *enhanced, *days;
};
extern const struct vault_security_keys vault_config_keys;	/* as backupconfig has them */
extern const struct vault_security_keys vault_settings_keys;	/* as softDeleteSettings has them */

/* What `p` names changes in the document; the caller stores it. */
must_check int vault_security_apply(struct resource *vault, const struct place *p,
    const struct vault_security_keys *keys, struct err *e);

const char *vault_soft_delete(const struct resource *vault);
const char *vault_enhanced_security(const struct resource *vault);
int64_t vault_soft_delete_days(const struct resource *vault);

#endif
