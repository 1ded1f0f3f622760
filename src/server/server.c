/* server.c - see server.h. */
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

#include "api/api.h"
#include "api/in_flight.h"
#include "base/codec.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "http/server.h"
#include "model/principal.h"
#include "work/archive.h"
#include "work/replicator.h"
#include "work/work.h"
#include "work/world.h"

#define QUEUE_MAX 256		/* requests waiting for a worker */
#define IDLE_TIMEOUT_S 120
#define HEADERS_MS_MAX 30000
#define SPAN_MS 30000		/* 4 KiB/s at least: an old mobile line has more */
#define SPAN_BYTES_MIN ((uint64_t)SPAN_MS / 1000 * 4096)
#define BODY_MAX ((size_t)4 << 20)

struct server {
	struct settings *settings;
	int lock_fd;
	struct db *db;
	struct token_issuer *issuer;
	struct replay *used;
	struct in_flight *deployments;
	struct trusted *trusted;
	struct throttle *throttle;
	struct sign_ins *sign_ins;
	struct world world;
	struct archive_keeper *keeper;
	struct api api;
	struct http_server *http;
	char audit_dir[PATH_MAX];
	char url[SERVER_URL_SIZE];
};

static int path_in(const struct server *s, const char *name, char ret[PATH_MAX], struct err *e)
{
	if (snprintf(ret, PATH_MAX, "%s/%s", s->settings->dir, name) >= PATH_MAX)
		return err_set(
		    e, ERR_INVALID, "path '%.100s/%s' is too long", s->settings->dir, name);
	return 0;
}

/* The lock goes with the process, however it ends; what the file says is only for people. */
static int take_lock(struct server *s, struct err *e)
{
	char path[PATH_MAX], pid[16] = "";
	ssize_t n;

	if (path_in(s, "lock", path, e) != 0)
		return -1;
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return err_sys(e, errno, "opening '%s'", path);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0) {
		(void)snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
		if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, strlen(pid), 0) < 0)
			return err_sys(e, errno, "writing '%s'", path);
		return 0;
	}
	if (errno != EWOULDBLOCK)
		return err_sys(e, errno, "locking '%s'", path);
	n = pread(s->lock_fd, pid, sizeof(pid) - 1, 0);
	pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
	return err_set(e, ERR_BUSY,
	    "data directory '%s' is busy: another server has it (process %s)", s->settings->dir,
	    *pid != '\0' ? pid : "unknown");
}

static int open_database(struct server *s, struct err *e)
{
	auto_conn struct db_conn *c = NULL;
	char path[PATH_MAX];

	if (path_in(s, "control.db", path, e) != 0)
		return -1;
	if (access(path, F_OK) != 0)
		return err_sys(e, errno, "opening '%s'", path);
	if (db_open(path, &s->db, e) != 0 || db_read_begin(s->db, &c, e) != 0 ||
	    fact_id(c, "tenant", s->world.tenant, e) != 0 ||
	    fact_id(c, "subscription", s->world.subscription, e) != 0)
		return -1;
	return 0;
}

/* A data directory from before there were paired regions has none yet.  One that has met another
 * server has lost it: with a new one neither could read the other's copies. */
static int load_pair_key(struct server *s, struct err *e)
{
	char path[PATH_MAX], peers[PATH_MAX];
	uint8_t key[32];
	int r;

	if (path_in(s, "keys/pair.key", path, e) != 0 || path_in(s, "keys/peers", peers, e) != 0)
		return -1;
	if (key_file_load(path, s->world.pair_key, e) == 0)
		return 0;
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	if (access(peers, F_OK) == 0)
		return err_set(e, ERR_NOT_FOUND, "'%s' is missing, but this server is one of a pair: "
		    "copy it from the other one", path);
	random_bytes(key, sizeof(key));
	r = key_file_put(path, key, e);
	if (r == 0)
		memcpy(s->world.pair_key, key, sizeof(key));
	crypto_wipe(key, sizeof(key));
	return r;
}

static int load_keys(struct server *s, struct err *e)
{
	char master[PATH_MAX], token[PATH_MAX], peers[PATH_MAX];

	if (load_pair_key(s, e) != 0 || path_in(s, "keys/master.key", master, e) != 0 ||
	    path_in(s, "keys/token.key", token, e) != 0 ||
	    path_in(s, "keys/peers", peers, e) != 0 ||
	    key_file_load(master, s->world.master_key, e) != 0)
		return -1;
	if (token_issuer_open(token, s->world.tenant, s->settings->token_lifetime_s, &s->issuer,
	    e) != 0)
		return -1;
	return token_issuer_trust(s->issuer, peers, e);
}

static int trust_issuers(struct server *s, struct err *e)
{
	struct trusted_issuer list[ISSUERS_MAX];

	for (size_t i = 0; i < s->settings->issuer_count; i++) {
		const struct issuer_settings *n = &s->settings->issuers[i];

		list[i] = (struct trusted_issuer){ n->url, n->audience, n->jwks, n->ca };
	}
	return trusted_new(list, s->settings->issuer_count, &s->trusted, e);
}

static int start_limits(struct server *s, struct err *e)
{
	const struct settings *n = s->settings;
	const struct sign_in_limits l = { n->sign_ins.bucket, n->sign_ins.refill,
		n->wrong_secrets.bucket, n->wrong_secrets.refill };

	return throttle_new(n, &s->throttle, e) != 0 ? -1 : sign_ins_new(&l, &s->sign_ins, e);
}

static void report_job(void *world, const char *event, const char *id, const struct err *why)
{
	(void)world;
	log_event(why != NULL ? LOG_WARN : LOG_INFO, "job", "what", event, "job", id, "error",
	    why != NULL ? why->msg : NULL, NULL);
}

static int start_jobs(struct server *s, struct err *e)
{
	const struct job_engine_opts o = {
		.db = s->db,
		.clock = s->world.clock,
		.world = &s->world,
		.kinds = work_kinds,
		.workers = (unsigned)s->settings->job_workers,
		.report = report_job,
	};

	return job_engine_start(&o, &s->world.engine, e);
}

static int start_http(struct server *s, const char *listen, struct err *e)
{
	char address[LISTEN_ADDRESS_MAX], cert[PATH_MAX], key[PATH_MAX];
	const char *name = s->settings->host_names[0];
	struct http_server_opts o = {
		.address = address,
		.cert_path = cert,
		.key_path = key,
		.workers = (unsigned)s->settings->api_workers,
		.queue_max = QUEUE_MAX,
		.connections_max = (unsigned)s->settings->connections_max,
		.connections_per_address = (unsigned)s->settings->connections_per_address,
		.idle_timeout_s = IDLE_TIMEOUT_S,
		.patience = { HEADERS_MS_MAX, SPAN_MS, SPAN_BYTES_MIN },
		.body_max = BODY_MAX,
		.handler = api_handle,
		.arg = &s->api,
	};

	if (settings_listen(listen, address, &o.port, e) != 0 ||
	    path_in(s, "tls/server.pem", cert, e) != 0 ||
	    path_in(s, "tls/server.key", key, e) != 0 || http_server_start(&o, &s->http, e) != 0)
		return err_in(e, "listening on '%s'", listen);
	return settings_url(name, http_server_port(s->http), s->url, e);
}

static void server_p(struct server **s)
{
	server_stop(*s);
}

int server_start(const char *dir, const char *listen, struct server **ret, struct err *e)
{
	cleanup_with(server_p) struct server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->lock_fd = -1;
	if (settings_load(dir, &s->settings, e) != 0 || take_lock(s, e) != 0 ||
	    open_database(s, e) != 0 || load_keys(s, e) != 0 ||
	    replay_new(s->settings->assertion_uses, &s->used, e) != 0 ||
	    in_flight_new(&s->deployments, e) != 0 ||
	    trust_issuers(s, e) != 0 || start_limits(s, e) != 0 ||
	    vault_cache_new(&s->world.vaults, e) != 0)
		return -1;
	s->world.db = s->db;
	s->world.clock = &clock_system;
	s->world.settings = s->settings;
	if (world_sweep(&s->world, e) != 0)
		return -1;
	if (path_in(s, "audit", s->audit_dir, e) != 0)
		return -1;
	s->api = (struct api){ .world = &s->world, .issuer = s->issuer, .used = s->used,
		.trusted = s->trusted, .deployments = s->deployments, .audit_dir = s->audit_dir,
		.throttle = s->throttle, .sign_ins = s->sign_ins };
	/* first what jobs wake, then what handlers do */
	if (replicator_start(&s->world, &s->world.replicator, e) != 0 || start_jobs(s, e) != 0 ||
	    archive_keeper_start(&s->world, &s->keeper, e) != 0 ||
	    start_http(s, listen != NULL ? listen : s->settings->listen, e) != 0)
		return -1;
	*ret = TAKE(s);
	return 0;
}

const char *server_url(const struct server *s)
{
	return s->url;
}

void server_stop(struct server *s)
{
	if (s == NULL)
		return;
	if (s->http != NULL)
		http_server_stop(s->http);
	if (s->world.engine != NULL)
		job_engine_stop(s->world.engine);
	archive_keeper_stop(s->keeper);
	replicator_stop(s->world.replicator);
	vault_cache_free(s->world.vaults);
	token_issuer_close(s->issuer);
	in_flight_free(s->deployments);
	replay_free(s->used);
	trusted_free(s->trusted);
	throttle_free(s->throttle);
	sign_ins_free(s->sign_ins);
	db_close(s->db);
	close_p(&s->lock_fd);
	settings_free(s->settings);
	crypto_wipe(s->world.master_key, sizeof(s->world.master_key));
	crypto_wipe(s->world.pair_key, sizeof(s->world.pair_key));
	free(s);
}
