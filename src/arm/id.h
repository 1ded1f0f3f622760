/* id.h - ARM resource ids and request paths.
 * Source: learn.microsoft.com "Resource ID" and the rules in docs/api.md. */
#ifndef ARM_ID_H
#define ARM_ID_H

#include "base/arena.h"
#include "base/base.h"

#define ARM_DEPTH_MAX 6

/* One resource id, split but not copied: every part points into the text it
 * was parsed from.  A resource group's own id has depth 0 and no provider. */
struct arm_id {
	struct str subscription;
	struct str group;	/* empty for subscription-level resources */
	struct str provider;
	unsigned depth;		/* type/name pairs in use */
	struct {
		struct str type, name;
	} part[ARM_DEPTH_MAX];
};

/* Parse "/subscriptions/S[/resourceGroups/G][/providers/P/T/N[/T/N...]]"; fixed words in any
 * casing, doubled and trailing slashes tolerated.  ERR_INVALID names the text. */
must_check int arm_id_parse(struct str text, struct arm_id *ret, struct err *e);

/* True if its type is `type` ("Microsoft.Compute/virtualMachines"), any casing. */
bool arm_id_is(const struct arm_id *id, const char *type);

/* The id in canonical form: single slashes, canonical words for subscriptions,
 * resourceGroups, providers and every type of TYPE_* (model/resource.h); names kept. */
char *arm_id_canonical(struct arena *a, const struct arm_id *id);

/* Same resource? (slashes, casing) */
bool arm_id_same(struct str a, struct str b);

/* A request path split at '/', each segment percent-decoded, empty ones dropped. */
#define ARM_SEGMENTS_MAX 32
struct arm_path {
	struct str segment[ARM_SEGMENTS_MAX];
	unsigned count;
	bool trailing_slash;
};
/* ERR_INVALID: bad percent-encoding, control characters, no UTF-8, a "." or ".." segment, too
 * many segments, an encoded '/' below /subscriptions. */
must_check int arm_path_split(struct arena *a, struct str raw, struct arm_path *ret, struct err *e);

/* Query: "k=v&k2=v2"; keys and values decoded ('+' is a space). */
#define ARM_QUERY_MAX 32
struct arm_query {
	struct {
		const char *key, *value;
	} pair[ARM_QUERY_MAX];
	unsigned count;
};
must_check int arm_query_parse(struct arena *a, struct str raw, struct arm_query *ret,
    struct err *e);
/* Value by key, any casing; NULL if absent. */
const char *arm_query_get(const struct arm_query *q, const char *key);

/* Names of the Azure VM flow: "IaasVMContainer;iaasvmcontainerv2;<rg>;<vm>" and
 * "VM;iaasvmcontainerv2;<rg>;<vm>", group and VM lower-cased. */
char *arm_container_name(struct arena *a, struct str group, struct str vm);
char *arm_item_name(struct arena *a, struct str group, struct str vm);
/* Splits "[IaasVMContainer;|VM;]iaasvmcontainerv2;rg;vm" (any casing; also "vm;rg;vm"). */
bool arm_workload_name_parse(struct str name, struct str *ret_group, struct str *ret_vm);

#endif
