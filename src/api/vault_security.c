/* vault_security.c - see vault_security.h. */
#include "api/vault_security.h"

#define CONFIG "internal.vaultConfig"
#define DAYS_MIN 14
#define DAYS_MAX 180

const struct vault_security_keys vault_config_keys = { "softDeleteFeatureState",
	"enhancedSecurityState", "softDeleteRetentionPeriodInDays" };
const struct vault_security_keys vault_settings_keys = { "softDeleteState",
	"enhancedSecurityState", "softDeleteRetentionPeriodInDays" };

static const char *const states[] = { "Enabled", "Disabled", "AlwaysON", NULL };

json_t *vault_security_new(void)
{
	return json_pack("{s:s, s:s, s:i}", "enhancedSecurityState", states[0],
	    "softDeleteFeatureState", states[0], "softDeleteRetentionPeriodInDays", DAYS_MIN);
}

const char *vault_soft_delete(const struct resource *vault)
{
	return jstr(vault->body, CONFIG ".softDeleteFeatureState", states[0]);
}

const char *vault_enhanced_security(const struct resource *vault)
{
	return jstr(vault->body, CONFIG ".enhancedSecurityState", states[0]);
}

int64_t vault_soft_delete_days(const struct resource *vault)
{
	return jint(vault->body, CONFIG ".softDeleteRetentionPeriodInDays", DAYS_MIN);
}

/* "Invalid" is what clients send for a state that they do not mean to change. */
static int read_state(const struct place *p, const char *key, const char **ret, struct err *e)
{
	static const char *const words[] = { "Enabled", "Disabled", "AlwaysON", "Invalid", NULL };
	const char *word = NULL;
	int r = place_word(p, key, words, &word, e);

	if (r < 0)
		return -1;
	*ret = r > 0 && word != words[3] ? word : NULL;
	return 0;
}

int vault_security_apply(struct resource *vault, const struct place *p,
    const struct vault_security_keys *keys, struct err *e)
{
	json_t *config = jat(vault->body, CONFIG);
	const char *soft = NULL, *enhanced = NULL, *old = vault_soft_delete(vault);
	int64_t days = vault_soft_delete_days(vault);

	if (config == NULL)
		return err_set(e, ERR_BUG, "vault '%s' has no %s", vault->id, CONFIG);
	if (read_state(p, keys->soft_delete, &soft, e) != 0 ||
	    read_state(p, keys->enhanced, &enhanced, e) != 0 ||
	    place_int(p, keys->days, DAYS_MIN, DAYS_MAX, &days, e) < 0)
		return -1;
	if (enhanced != NULL && strcmp(enhanced, "Disabled") == 0 &&
	    strcmp(vault_enhanced_security(vault), "Disabled") != 0)
		return err_code(e, ERR_INVALID, "UserErrorChangeEnhancedSecurityStateNotAllowed",
		    "Enhanced Security is enabled for this vault. You cannot disable Enhanced "
		    "Security after enabling it.\r\nEnhanced Security is enabled for this vault. "
		    "You cannot disable Enhanced Security after enabling it.");
	if (soft != NULL && strcmp(old, "AlwaysON") == 0 && strcmp(soft, old) != 0)
		return place_wrong(p, keys->soft_delete, e,
		    "soft delete is always on for this vault and cannot be changed any more");
	if (soft != NULL && jset(config, "softDeleteFeatureState", json_string(soft), e) != 0)
		return -1;
	if (enhanced != NULL && jset(config, "enhancedSecurityState", json_string(enhanced),
	    e) != 0)
		return -1;
	return jset(config, "softDeleteRetentionPeriodInDays", json_integer(days), e);
}
