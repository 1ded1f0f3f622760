/* item_intent.c - see item_intent.h. */
#include "api/item_intent.h"

#include <stdio.h>

#include "api/luns.h"

#define EXCLUSION "properties.extendedProperties.diskExclusionProperties"

int item_intent_refuse(struct err *e)
{
	char cause[320];

	if (e->kind != ERR_INVALID)
		return -1;
	(void)snprintf(cause, sizeof(cause), "%.319s", e->msg);
	return err_code(e, ERR_INVALID, "BMSUserErrorInvalidConfigureProtectionRequest",
	    "Input for configure protection is not in proper format\r\nPlease ensure that "
	    "container exists and other parameters are in valid format. %s", cause);
}

static int known_type(const json_t *body, struct err *e)
{
	static const char *const known[] = { "Microsoft.Compute/virtualMachines",
		"AzureIaaSVMProtectedItem", "Microsoft.ClassicCompute/virtualMachines" };
	const char *type;

	if (jneed_str(body, "properties.protectedItemType", &type, e) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_ieq(str_c(type), str_c(known[i])))
			return 0;
	return err_set(e, ERR_INVALID, "properties.protectedItemType: '%.100s' is not a kind of "
	    "item this server protects; use '%s'", type, known[0]);
}

/* NULL in *ret if the state is none that stops the item. */
static int read_state(const json_t *body, const char **ret, struct err *e)
{
	static const char *const stopped[] = { "ProtectionStopped", "BackupsSuspended" };
	static const char *const going[] = { "Protected", "IRPending" };
	const char *state = "Protected";

	if (jget_str(body, "properties.protectionState", &state, e) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(stopped); i++)
		if (str_ieq(str_c(state), str_c(stopped[i]))) {
			*ret = stopped[i];
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(going); i++)
		if (str_ieq(str_c(state), str_c(going[i]))) {
			*ret = NULL;
			return 0;
		}
	return err_set(e, ERR_INVALID, "properties.protectionState: '%.60s' cannot be asked for; "
	    "use 'ProtectionStopped', 'BackupsSuspended' or leave it out", state);
}

static int read_disks(const json_t *body, struct item_intent *in, struct err *e)
{
	json_t *extended, *exclusion, *list = NULL;
	struct luns luns;
	bool inclusion;
	int r = jget_obj(body, "properties.extendedProperties", &extended, e);

	if (r <= 0)
		return r;
	in->sets_disks = true;
	r = jget_obj(body, EXCLUSION, &exclusion, e);
	if (r <= 0)
		return r;
	r = jget_arr(body, EXCLUSION ".diskLunList", &list, e);
	if (r < 0)
		return -1;
	if (r == 0)
		return err_set(e, ERR_INVALID, EXCLUSION ".diskLunList: required, but missing");
	if (luns_read(list, EXCLUSION ".diskLunList", &luns, e) != 0)
		return -1;
	r = jget_bool(body, EXCLUSION ".isInclusionList", &inclusion, e);
	if (r < 0)
		return -1;
	if (r == 0)
		return err_set(e, ERR_INVALID, EXCLUSION ".isInclusionList: required, but missing");
	in->exclusion = exclusion;
	return 0;
}

static int read_body(const json_t *body, struct item_intent *in, struct err *e)
{
	json_t *props;
	const char *policy = NULL;
	bool rehydrate = false;
	int r = jget_obj(body, "properties", &props, e);

	if (r < 0)
		return -1;
	if (r == 0)
		return err_set(e, ERR_INVALID, "properties: required, but missing");
	if (known_type(body, e) != 0 ||
	    jget_str(body, "properties.sourceResourceId", &in->source_id, e) < 0 ||
	    jget_str(body, "properties.policyId", &policy, e) < 0 ||
	    jget_bool(body, "properties.isRehydrate", &rehydrate, e) < 0 ||
	    read_state(body, &in->state, e) != 0 || read_disks(body, in, e) != 0)
		return -1;
	if (policy != NULL && policy[0] != '\0')
		in->policy_id = policy;
	if (rehydrate) {
		in->kind = INTENT_UNDELETE;
		return 0;
	}
	in->kind = in->state != NULL ? INTENT_STOP : INTENT_PROTECT;
	if (in->kind == INTENT_STOP && in->policy_id != NULL)
		return err_set(e, ERR_INVALID, "properties.policyId: must be '' together with "
		    "properties.protectionState '%s'", in->state);
	if (in->kind == INTENT_PROTECT && policy != NULL && policy[0] == '\0')
		return err_set(e, ERR_INVALID, "properties.policyId: must name a policy unless "
		    "properties.protectionState stops protection");
	return 0;
}

int item_intent_read(const json_t *body, struct item_intent *ret, struct err *e)
{
	struct item_intent in = { .kind = INTENT_PROTECT };

	if (read_body(body, &in, e) != 0)
		return item_intent_refuse(e);
	*ret = in;
	return 0;
}
