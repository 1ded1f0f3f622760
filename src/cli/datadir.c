/* datadir.c - see datadir.h; what is inside is in datadir_parts.c. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cli/datadir_parts.h"
#include "crypto/crypto.h"

/* ---- names and addresses ---- */

static int add_name(struct making *m, const char *name, struct err *e)
{
	size_t n = 0;

	for (; m->names[n] != NULL; n++)
		if (strcasecmp(m->names[n], name) == 0)
			return 0;
	if (n == HOST_NAMES_MAX)
		return err_set(e, ERR_INVALID, "more than %d names for the server", HOST_NAMES_MAX);
	m->names[n] = name;
	return 0;
}

/* Given names first, for the first is the one in URLs; then what always leads here. */
static int choose_names(struct making *m, const struct settings_new *o, const char *address,
    struct err *e)
{
	const char *const always[] = { address, "localhost", "127.0.0.1", "::1" };
	bool everywhere = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
	bool here = strcmp(address, "127.0.0.1") == 0 || strcmp(address, "::1") == 0;

	for (size_t i = 0; o->names != NULL && o->names[i] != NULL; i++)
		if (add_name(m, o->names[i], e) != 0)
			return -1;
	for (size_t i = everywhere || here; i < ARRAY_LEN(always); i++)
		if (add_name(m, always[i], e) != 0)
			return -1;
	return 0;
}

static int choose_addresses(struct making *m, const struct settings_new *o, struct err *e)
{
	const char *listen = o->listen != NULL ? o->listen : LISTEN_PRESET;
	uint16_t port;

	if (settings_listen(listen, m->address, &port, e) != 0)
		return -1;
	if (port == 0)
		return err_set(
		    e, ERR_INVALID, "'%s': clients need a port that stays the same", listen);
	if (choose_names(m, o, m->address, e) != 0)
		return -1;
	m->settings = (struct settings_new){ listen, m->names, o->images, o->regions };
	return settings_url(m->names[0], port, m->made.url, e);
}

/* ---- where it goes ---- */

static int check_empty(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *ent;
	int rc = 0;

	if (d == NULL)
		return err_sys(e, errno, "opening '%s'", dir);
	while (rc == 0 && (ent = readdir(d)) != NULL) {
		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
			continue;
		if (faccessat(dirfd(d), "holdfast.conf", F_OK, 0) == 0)
			rc = err_set(e, ERR_CONFLICT, "'%s' is a data directory already", dir);
		else
			rc = err_set(e, ERR_CONFLICT, "'%s' is not empty: it has '%.80s'", dir,
			    ent->d_name);
	}
	(void)closedir(d);
	return rc;
}

/* The absolute path of `dir`, which need not exist but whose parent is made if it does not. */
static int resolve(const char *dir, char ret[PATH_MAX], struct err *e)
{
	char given[PATH_MAX], parent[PATH_MAX], *slash;
	size_t n = strlen(dir);

	if (realpath(dir, ret) != NULL)
		return check_empty(ret, e);
	if (errno != ENOENT)
		return err_sys(e, errno, "opening '%s'", dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (n == 0 || n + 3 > sizeof(given))
		return err_set(e, ERR_INVALID, "directory name '%.100s' is empty or too long", dir);
	/* "./" in front of a relative one, so that there is always a parent */
	(void)snprintf(given, sizeof(given), "%s%.*s", *dir == '/' ? "" : "./", (int)n, dir);
	slash = strrchr(given, '/');
	*slash = '\0';
	if (fs_mkdirs(*given != '\0' ? given : "/", 0755, e) != 0)
		return -1;
	if (realpath(*given != '\0' ? given : "/", parent) == NULL)
		return err_sys(e, errno, "opening '%s'", given);
	return datadir_path(strcmp(parent, "/") == 0 ? "" : parent, slash + 1, ret, e);
}

static void choose_ids(struct making *m)
{
	(void)guid_new(m->made.tenant);
	(void)guid_new(m->made.subscription);
	if (m->pairing == NULL)
		return;
	memcpy(m->made.tenant, m->pairing->tenant, sizeof(m->made.tenant));
	memcpy(m->made.subscription, m->pairing->subscription, sizeof(m->made.subscription));
}

int datadir_make(const char *dir, const struct settings_new *o, const struct pairing *pairing,
    struct datadir_made *ret, struct err *e)
{
	struct making m = { .pairing = pairing };
	char built[PATH_MAX];
	struct err left;
	int rc;

	if (choose_addresses(&m, o, e) != 0 || resolve(dir, m.made.dir, e) != 0)
		return -1;
	if (snprintf(built, sizeof(built), "%s.tmp-XXXXXX", m.made.dir) >= (int)sizeof(built))
		return err_set(e, ERR_INVALID, "path '%.100s' is too long", m.made.dir);
	if (mkdtemp(built) == NULL)
		return err_sys(e, errno, "creating '%s'", built);
	m.built = built;
	choose_ids(&m);
	rc = datadir_build(&m, e);
	if (rc == 0 && rename(built, m.made.dir) != 0)
		rc = err_sys(e, errno, "renaming '%s' to '%s'", built, m.made.dir);
	if (rc != 0)
		(void)!fs_remove_tree(built, &left);
	else
		rc = fs_sync_parent(m.made.dir, e);
	crypto_wipe(m.secret.p, m.secret.cap);
	buf_done(&m.secret);
	if (rc == 0)
		*ret = m.made;
	return rc;
}
