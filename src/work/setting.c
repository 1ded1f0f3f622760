/* setting.c - every key of holdfast.conf, and how its value is checked and kept. */
#include "work/setting.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define REGION_NAME_MAX 40
#define RATE_MAX 1000000

#define SERVER(member) offsetof(struct settings, member)
#define REGION(member) offsetof(struct region_settings, member)
#define ISSUER(member) offsetof(struct issuer_settings, member)

/* The two rows of a token bucket. */
#define RATE(name, bucket_preset, refill_preset, unit, help) \
	{ SECTION_SERVER, #name "_bucket", SETTING_NUMBER, SERVER(name.bucket), 0, RATE_MAX, \
	    bucket_preset, unit, help ", at once; 0 means no limit." }, \
	{ SECTION_SERVER, #name "_refill", SETTING_NUMBER, SERVER(name.refill), 1, RATE_MAX, \
	    refill_preset, unit, "How many more each second." },

const struct setting setting_table[] = {
	{ SECTION_SERVER, "listen", SETTING_LISTEN, SERVER(listen), 0, 0, LISTEN_PRESET, NULL,
	    "Numeric address and port to listen on: 127.0.0.1:8443, 0.0.0.0:8443 or [::1]:8443." },
	{ SECTION_SERVER, "names", SETTING_NAMES, SERVER(host_names), 0, 0,
	    "localhost, 127.0.0.1, ::1", NULL,
	    "Host names and addresses that clients may use for this server, comma-separated." },
	{ SECTION_SERVER, "retry_after", SETTING_NUMBER, SERVER(retry_after_s), 0, 3600, "60",
	    "seconds", "What Retry-After tells clients that wait for an operation." },
	{ SECTION_SERVER, "api_workers", SETTING_NUMBER, SERVER(api_workers), 1, 256, "16",
	    "threads", "Requests handled at the same time." },
	{ SECTION_SERVER, "job_workers", SETTING_NUMBER, SERVER(job_workers), 1, 64, "4", "threads",
	    "Backups and restores that run at the same time; others wait." },
	{ SECTION_SERVER, "chunk_kib", SETTING_NUMBER, SERVER(chunk_kib), 256, 4096, "256", "KiB",
	    "Size of the pieces in which vaults keep disks. Larger ones need less memory." },
	{ SECTION_SERVER, "replication_interval", SETTING_NUMBER, SERVER(replication_interval_s), 1,
	    86400, "60", "seconds",
	    "How often vaults and their copies in paired regions are compared, changes apart." },
	{ SECTION_SERVER, "replication_limit", SETTING_NUMBER, SERVER(replication_mib), 0, 100000, "0",
	    "MiB a second", "What replication may send at most; 0 means no limit." },
	{ SECTION_SERVER, "archive_after", SETTING_NUMBER, SERVER(archive_days), 0, 9999, "90", "days",
	    "How old a recovery point must be before it may be moved to the archive tier." },
	{ SECTION_SERVER, "connections_max", SETTING_NUMBER, SERVER(connections_max), 8, 16384,
	    "1024", "connections",
	    "Connections kept open at the same time; more are not accepted." },
	{ SECTION_SERVER, "connections_per_address", SETTING_NUMBER,
	    SERVER(connections_per_address), 0, 16384, "256", "connections",
	    "Those of one address; 0 means no limit but connections_max." },
	RATE(reads, "250", "25", "reads", "GET and HEAD calls of one principal")
	RATE(writes, "200", "10", "writes", "PUT, POST and PATCH calls of one principal")
	RATE(deletes, "200", "10", "deletes", "DELETE calls of one principal")
	RATE(sign_ins, "100", "10", "tries", "Sign-ins that one address tries")
	RATE(wrong_secrets, "20", "1", "secrets",
	    "Wrong secrets for one client id from one address")
	{ SECTION_SERVER, "token_lifetime", SETTING_NUMBER, SERVER(token_lifetime_s), 60, 86400,
	    "3600", "seconds",
	    "How long a bearer token is valid. Clients renew it five minutes before the end." },
	{ SECTION_SERVER, "assertion_uses", SETTING_NUMBER, SERVER(assertion_uses), 1, 1000, "20",
	    "times", "How often one client assertion may be used before it expires." },
	{ SECTION_IMAGES, "path", SETTING_PATHS, SERVER(image_dirs), 0, 0, "images", NULL,
	    "Directory whose disk images may become disks. One line for each directory." },
	{ SECTION_ISSUER, "url", SETTING_LINK, ISSUER(url), 0, 0, "", NULL,
	    "What its tokens say as iss; its OpenID configuration is below." },
	{ SECTION_ISSUER, "audience", SETTING_TEXT, ISSUER(audience), 0, 0, "", NULL,
	    "What bearer tokens for this server say as aud; empty or left out: none are taken." },
	{ SECTION_ISSUER, "jwks", SETTING_LINK, ISSUER(jwks), 0, 0, "", NULL,
	    "URL of its keys; left out: its OpenID configuration tells." },
	{ SECTION_ISSUER, "ca", SETTING_PATH, ISSUER(ca), 0, 0, "", NULL,
	    "PEM file of the authority that its server is checked with; left out: the system's." },
	{ SECTION_REGION, "pair", SETTING_REGION, REGION(pair), 0, 0, "", NULL,
	    "The paired region, where copies of vaults go; empty: none, left out: Azure's pair." },
	{ SECTION_REGION, "server", SETTING_URL, REGION(server), 0, 0, "", NULL,
	    "URL of the other server that has this region; empty or left out: this server." },
	{ SECTION_REGION, "store", SETTING_PATH, REGION(store), 0, 0, "", NULL,
	    "Directory of the region's vaults, disks and storage accounts." },
	{ SECTION_REGION, "archive", SETTING_PATH, REGION(archive), 0, 0, "", NULL,
	    "Directory, which must be there, of the region's archive tier; left out: it has none." },
	{ 0, NULL, 0, 0, 0, 0, NULL, NULL, NULL },
};

const struct setting *setting_find(enum setting_section section, const char *key)
{
	for (const struct setting *row = setting_table; row->key != NULL; row++)
		if (row->section == section && strcmp(row->key, key) == 0)
			return row;
	return NULL;
}

bool region_name_valid(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= REGION_NAME_MAX && *name >= 'a' && *name <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == n;
}

int settings_listen(const char *text, char ret_address[LISTEN_ADDRESS_MAX], uint16_t *ret_port,
    struct err *e)
{
	const char *colon = strrchr(text, ':'), *from = text;
	char address[LISTEN_ADDRESS_MAX];
	unsigned char raw[16];
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	bool v6 = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	unsigned port;
	int end = 0;

	if (v6) {
		from++;
		n -= 2;
	}
	if (colon == NULL || n == 0 || n >= sizeof(address) || colon[1] < '0' || colon[1] > '9' ||
	    sscanf(colon + 1, "%5u%n", &port, &end) != 1 || colon[1 + end] != '\0' || port > 65535)
		return err_set(e, ERR_INVALID, "'%.80s' is not of the form ADDRESS:PORT", text);
	memcpy(address, from, n);
	address[n] = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, raw) != 1)
		return err_set(e, ERR_INVALID, "'%s' is not a numeric %s address", address,
		    v6 ? "IPv6" : "IPv4");
	memcpy(ret_address, address, n + 1);
	*ret_port = (uint16_t)port;
	return 0;
}

static int store_listen(char **field, const char *value, struct err *e)
{
	char address[LISTEN_ADDRESS_MAX];
	uint16_t port;

	if (settings_listen(value, address, &port, e) != 0)
		return -1;
	return setting_replace(field, str_c(value), e);
}

static int store_number(const struct setting *row, int64_t *field, const char *value, struct err *e)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || v < row->min || v > row->max)
		return err_set(e, ERR_INVALID,
		    "'%.40s' is not a number from %" PRId64 " to %" PRId64, value, row->min,
		    row->max);
	*field = v;
	return 0;
}

/* A name as it may stand in a Host header: no port, brackets or path. */
static bool host_name_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '.' || c == '_' || c == ':'))
			return false;
	}
	return s.n > 0 && s.n <= 253;
}

static int store_names(char **field, const char *value, struct err *e)
{
	size_t count = 0;

	for (const char *p = value; p != NULL;) {
		const char *comma = strchr(p, ',');
		struct str name = { p, comma != NULL ? (size_t)(comma - p) : strlen(p) };

		while (name.n > 0 && *name.p == ' ') {
			name.p++;
			name.n--;
		}
		while (name.n > 0 && name.p[name.n - 1] == ' ')
			name.n--;
		if (!host_name_valid(name))
			return err_set(e, ERR_INVALID, "'%.*s' is not a host name or address",
			    name.n < 60 ? (int)name.n : 60, name.p);
		if (count == HOST_NAMES_MAX)
			return err_set(e, ERR_INVALID, "more than %d names", HOST_NAMES_MAX);
		if (setting_replace(&field[count++], name, e) != 0)
			return -1;
		p = comma != NULL ? comma + 1 : NULL;
	}
	for (; count < HOST_NAMES_MAX; count++) {	/* the preset may have had more */
		free(field[count]);
		field[count] = NULL;
	}
	return 0;
}

static int store_path(char **field, const char *dir, const char *value, struct err *e)
{
	char path[PATH_MAX];

	if (*value == '\0')
		return err_set(e, ERR_INVALID, "a directory is missing");
	if (*value == '/')
		return setting_replace(field, str_c(value), e);
	if (snprintf(path, sizeof(path), "%s/%s", dir, value) >= (int)sizeof(path))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", value);
	return setting_replace(field, str_c(path), e);
}

static int store_more_paths(char **field, const char *dir, const char *value, struct err *e)
{
	size_t n = 0;

	while (field[n] != NULL)
		n++;
	if (n == IMAGE_DIRS_MAX)
		return err_set(e, ERR_INVALID, "more than %d directories", IMAGE_DIRS_MAX);
	return store_path(&field[n], dir, value, e);
}

static int store_region(char **field, const char *value, struct err *e)
{
	if (*value != '\0' && !region_name_valid(value))
		return err_set(e, ERR_INVALID, "'%.60s' is not a region's name", value);
	return setting_replace(field, str_c(value), e);
}

/* A port after its colon: 1 to 65535. */
static bool port_valid(const char *p)
{
	size_t n = strspn(p, "0123456789");
	long v = n > 0 && n <= 5 && p[n] == '\0' ? strtol(p, NULL, 10) : 0;

	return v >= 1 && v <= 65535;
}

/* The end of the host at `p`: a name, a numeric address, or an IPv6 address in brackets.  NULL if
 * it is none of them. */
static const char *skip_host(const char *p)
{
	char address[LISTEN_ADDRESS_MAX];
	unsigned char raw[16];
	size_t n;

	if (*p != '[') {
		n = strcspn(p, ":");
		return host_name_valid((struct str){ p, n }) ? p + n : NULL;
	}
	n = strcspn(p + 1, "]");
	if (n >= sizeof(address) || p[1 + n] != ']')
		return NULL;
	memcpy(address, p + 1, n);
	address[n] = '\0';
	return inet_pton(AF_INET6, address, raw) == 1 ? p + n + 2 : NULL;
}

bool server_url_valid(const char *url)
{
	const char *end = strncmp(url, "https://", 8) == 0 ? skip_host(url + 8) : NULL;

	return end != NULL && (*end == '\0' || (*end == ':' && port_valid(end + 1)));
}

static int store_url(char **field, const char *value, struct err *e)
{
	if (*value != '\0' && !server_url_valid(value))
		return err_set(e, ERR_INVALID,
		    "'%.100s' is not a server's URL: https://HOST or https://HOST:PORT", value);
	return setting_replace(field, str_c(value), e);
}

int setting_store(const struct setting *row, const struct setting_place *at, const char *value,
    struct err *e)
{
	void *field = (char *)at->base + row->offset;

	switch (row->type) {
	case SETTING_LISTEN:
		return store_listen(field, value, e);
	case SETTING_NAMES:
		return store_names(field, value, e);
	case SETTING_NUMBER:
		return store_number(row, field, value, e);
	case SETTING_PATHS:
		return store_more_paths(field, at->settings->dir, value, e);
	case SETTING_PATH:
		return store_path(field, at->settings->dir, value, e);
	case SETTING_REGION:
		return store_region(field, value, e);
	case SETTING_URL:
		return store_url(field, value, e);
	case SETTING_LINK:
		return setting_store_link(field, value, e);
	case SETTING_TEXT:
		return setting_store_text(field, value, e);
	}
	return err_set(e, ERR_BUG, "setting '%s' has no type", row->key);
}
