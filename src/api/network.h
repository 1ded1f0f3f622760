/* network.h - virtual networks, subnets, network interfaces and security groups:
 * records, since nothing here moves packets. */
#ifndef API_NETWORK_H
#define API_NETWORK_H

#include "api/api.h"

/* subnet.c */
must_check int subnet_get(struct api_call *c, struct err *e);
must_check int subnet_list(struct api_call *c, struct err *e);
must_check int subnet_put(struct api_call *c, struct err *e);
must_check int subnet_delete(struct api_call *c, struct err *e);

/* A subnet of a stored network as clients see it. NULL out of memory. */
json_t *subnet_json(struct api_call *c, const struct resource *vnet, const json_t *subnet);

/* Check a subnet object of a request ({"name","properties"}) and make what is stored of it.
 * `path` names it in errors; `name` NULL takes the object's own. */
must_check int subnet_document(const json_t *given, const char *path, const char *name,
    json_t **ret, struct err *e);

/* The subnet of that name among a network's, or NULL; its place in *ret_index if not NULL. */
json_t *subnet_named(const struct resource *vnet, const char *name, size_t *ret_index);

/* InUseSubnetCannotBeDeleted if a network interface uses the subnet. */
must_check int subnet_check_unused(struct api_call *c, struct db_conn *conn,
    const struct resource *vnet, const char *name, struct err *e);

/* An array of one or more CIDR texts at `path`. */
must_check int network_check_prefixes(const json_t *body, const char *path, struct err *e);

/* nic.c */
must_check int nic_get(struct api_call *c, struct err *e);
must_check int nic_put(struct api_call *c, struct err *e);
must_check int nic_patch(struct api_call *c, struct err *e);
must_check int nic_delete(struct api_call *c, struct err *e);
must_check int nic_list_group(struct api_call *c, struct err *e);
must_check int nic_list_all(struct api_call *c, struct err *e);

/* security_group.c */
must_check int security_group_get(struct api_call *c, struct err *e);
must_check int security_group_put(struct api_call *c, struct err *e);
must_check int security_group_patch(struct api_call *c, struct err *e);
must_check int security_group_delete(struct api_call *c, struct err *e);
must_check int security_group_list(struct api_call *c, struct err *e);
must_check int security_group_list_all(struct api_call *c, struct err *e);

/* `props` of a subnet or interface `user` in `location` names no security group, or one that is there, in
 * that region, and that the caller may join. */
must_check int security_group_check_named(struct api_call *c, struct db_conn *conn, const char *user,
    const char *location, const json_t *props, struct err *e);

/* Replace the tags of the resource `id` by the request's; the answer is made by `render`. */
must_check int network_patch_tags(struct api_call *c, const char *id,
    json_t *(*render)(struct api_call *c, const struct resource *r), struct err *e);

#endif
