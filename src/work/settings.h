/* settings.h - holdfast.conf as a struct; see holdfast.conf(5).
 *
 * One table holds every key with type, bounds, preset and help; parser, the
 * file that `holdfast init` writes and the manual page come from it. */
#ifndef WORK_SETTINGS_H
#define WORK_SETTINGS_H

#include "base/base.h"
#include "base/buf.h"

#define REGIONS_MAX 16
#define IMAGE_DIRS_MAX 32
#define HOST_NAMES_MAX 16
#define ISSUERS_MAX 8

struct region_settings {
	char *name;		/* "eastus" */
	char *pair;		/* name of the paired region, another of these; "" for none */
	char *store;            /* directory of the region's vaults, disks and accounts; absolute.  NULL:
				 * another server's, and out of reach */
	char *server;		/* URL of the server that has this region; "" if it is this one.  Of
				 * another server's region only the copies of vaults are touched */
	char *archive;		/* directory of the region's archive tier, absolute; NULL: it has none */
};

/* Another issuer of tokens that is trusted. */
struct issuer_settings {
	char *name;		/* "github": only for people */
	char *url;		/* what its tokens say as "iss" */
	char *audience;		/* of bearer tokens for this server; "": none are taken */
	char *jwks;		/* URL of its keys; "": its configuration tells */
	char *ca;		/* PEM file that its server is checked with; NULL: the system's */
};

/* A token bucket: so many calls at once, and so many more each second. */
struct rate_settings {
	int64_t bucket;		/* 0: no limit */
	int64_t refill;
};

struct settings {
	char *dir;		/* the data directory, absolute */
	char *listen;		/* "127.0.0.1:8443" or "[::1]:8443" */
	char *host_names[HOST_NAMES_MAX + 1];	/* NULL-terminated */
	char *image_dirs[IMAGE_DIRS_MAX + 1];	/* NULL-terminated, absolute */
	int64_t retry_after_s;
	int64_t chunk_kib;	/* a power of two */
	int64_t replication_interval_s;
	int64_t replication_mib;	/* MiB a second at most; 0: no limit */
	int64_t archive_days;	/* that a point is in the vault before it may be archived */
	int64_t api_workers, job_workers, connections_max, token_lifetime_s;
	int64_t connections_per_address;	/* of connections_max; 0: no limit of its own */
	struct rate_settings reads, writes, deletes;	/* of one principal */
	struct rate_settings sign_ins;	/* of one address */
	struct rate_settings wrong_secrets;	/* for one client id, of one address */
	int64_t assertion_uses;	/* of one client assertion */
	struct region_settings regions[REGIONS_MAX];
	size_t region_count;
	struct issuer_settings issuers[ISSUERS_MAX];
	size_t issuer_count;
};

void settings_free(struct settings *s);	/* NULL is fine */

/* Read DIR/holdfast.conf.  Errors name file, line and key. */
must_check int settings_load(const char *dir, struct settings **ret, struct err *e);

/* Same from a text; `file` names it in errors, `dir` (absolute) is where relative paths begin. */
must_check int settings_parse(struct str text, const char *file, const char *dir,
    struct settings **ret, struct err *e);

/* A region of a new file. */
struct settings_new_region {
	const char *name, *pair;
	const char *server;	/* of another server's; NULL: this server's, in DIR/regions/NAME */
};

/* What `holdfast init` was told; NULL members mean the preset. */
struct settings_new {
	const char *listen;
	const char *const *names;	/* NULL-terminated */
	const char *const *images;	/* NULL-terminated, absolute: in addition to DIR/images */
	const struct settings_new_region *regions;	/* ends with name NULL */
};

/* Text of a new holdfast.conf: every key with its help as a comment.  What it says is what
 * settings_parse() accepts, else ERR_INVALID. */
must_check int settings_write_new(struct buf *b, const struct settings_new *o, struct err *e);

/* "127.0.0.1:8443" or "[::1]:8443" split; the address is numeric, port 0 means any free one. */
#define LISTEN_ADDRESS_MAX 64
#define LISTEN_PRESET "127.0.0.1:8443"
must_check int settings_listen(const char *text, char ret_address[LISTEN_ADDRESS_MAX],
    uint16_t *ret_port, struct err *e);

/* The URL of a server by its first name and port, in brackets where it must be; ERR_INVALID if the
 * name is too long. */
#define SERVER_URL_SIZE 320
must_check int settings_url(const char *name, unsigned port, char ret[SERVER_URL_SIZE],
    struct err *e);
/* "https://HOST" or "https://HOST:PORT", nothing behind it. */
bool server_url_valid(const char *url);

/* Lower-case letters and digits, at most 40, beginning with a letter. */
bool region_name_valid(const char *name);

/* NULL if the region is not configured; name compared without case and spaces ("East US"). */
const struct region_settings *settings_region(const struct settings *s, const char *name);

/* Does this server have the region, not another? */
static inline bool region_is_here(const struct region_settings *r)
{
	return r->server == NULL || *r->server == '\0';
}

/* The region in whose store the copies of `name`'s vaults are: its pair.  ERR_INVALID says what is
 * missing: a pair, or the pair's store. */
must_check int settings_copy_region(const struct settings *s, const char *name,
    const struct region_settings **ret, struct err *e);

#endif
