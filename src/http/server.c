/* server.c - starting and stopping: the daemon, its workers.  See server.h. */
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

#include "base/fs.h"

/* Of one connection: its headers (judge.c has the limit of those) and its buffers. */
#define CONNECTION_BYTES_MAX (64u * 1024)
#define TLS_PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define DRAIN_MS_MAX 5000

static void *worker(void *arg)
{
	struct http_server *s = arg;
	struct exchange *x;

	while ((x = queue_get(&s->queue)) != NULL)
		exchange_run(x);
	return NULL;
}

/* The path reaches handlers as it was sent: they split before they decode. */
static size_t keep_escapes(void *cls, struct MHD_Connection *c, char *s)
{
	(void)cls;
	(void)c;
	return strlen(s);
}

static void discard_log(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	(void)fmt;
	(void)ap;
}

static int parse_address(const struct http_server_opts *o, struct sockaddr_storage *ret,
    bool *ret_v6, struct err *e)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, o->address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(o->port);
		*ret_v6 = false;
		return 0;
	}
	if (inet_pton(AF_INET6, o->address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(o->port);
		*ret_v6 = true;
		return 0;
	}
	return err_set(e, ERR_INVALID, "'%s' is not a numeric address to listen on", o->address);
}

static int read_pem(const char *path, char **ret, struct err *e)
{
	auto_buf struct buf b = { 0 };

	if (fs_read_all(path, 1u << 20, &b, e) != 0)
		return -1;
	if (b.p == NULL)
		return err_set(e, ERR_INVALID, "'%s' is empty", path);
	*ret = TAKE(b.p);
	return 0;
}

static int start_daemon(struct http_server *s, const struct http_server_opts *o, struct err *e)
{
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_ERROR_LOG;
	struct sockaddr_storage address;
	bool v6 = false;

	if (parse_address(o, &address, &v6, e) != 0)
		return -1;
	if (v6)
		flags |= MHD_USE_IPv6;
	if (o->cert_path != NULL) {
		if (read_pem(o->cert_path, &s->cert, e) != 0 || read_pem(o->key_path, &s->key, e) != 0)
			return -1;
		flags |= MHD_USE_TLS;
	}
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITY },
		{ MHD_OPTION_END, 0, NULL },
	};
	errno = 0;
	s->daemon = MHD_start_daemon(flags, o->port, NULL, NULL, exchange_step, s,
	    MHD_OPTION_EXTERNAL_LOGGER, discard_log, NULL,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
	    MHD_OPTION_NOTIFY_COMPLETED, exchange_end, s,
	    MHD_OPTION_NOTIFY_CONNECTION, exchange_connection, s,
	    MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	    MHD_OPTION_CONNECTION_LIMIT, o->connections_max,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, o->connections_per_address,
	    MHD_OPTION_CONNECTION_TIMEOUT, o->idle_timeout_s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES_MAX,
	    MHD_OPTION_STRICT_FOR_CLIENT, 0,	/* judge.c is stricter, and answers JSON */
	    MHD_OPTION_ARRAY, o->cert_path != NULL ? tls : &tls[3],
	    MHD_OPTION_END);
	if (s->daemon == NULL && errno != 0)
		return err_sys(e, errno, "listening on %s port %u", o->address, o->port);
	if (s->daemon == NULL)
		return err_set(e, ERR_IO, "listening on %s port %u: the address is in use, or the "
		    "certificate in '%s' is not usable", o->address, o->port,
		    o->cert_path != NULL ? o->cert_path : "");
	return 0;
}

static int start_workers(struct http_server *s, unsigned count, struct err *e)
{
	s->workers = calloc(count, sizeof(*s->workers));
	if (s->workers == NULL)
		return err_nomem(e);
	for (; s->worker_count < count; s->worker_count++) {
		int rc = pthread_create(&s->workers[s->worker_count], NULL, worker, s);

		if (rc != 0)
			return err_sys(e, rc, "starting request worker %u", s->worker_count);
	}
	return 0;
}

int http_server_start(const struct http_server_opts *o, struct http_server **ret, struct err *e)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->body_max = o->body_max;
	s->check_layout = judge_needs_layout();
	s->handler = o->handler;
	s->arg = o->arg;
	if (watch_start(&o->patience, &s->watch, e) != 0 ||
	    queue_init(&s->queue, o->queue_max, e) != 0 || start_workers(s, o->workers, e) != 0 ||
	    start_daemon(s, o, e) != 0) {
		http_server_stop(s);
		return -1;
	}
	*ret = s;
	return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info != NULL ? info->port : 0;
}

void http_server_stop(struct http_server *s)
{
	MHD_socket listening = MHD_INVALID_SOCKET;
	struct timespec tick = { 0, 5 * 1000000 };

	if (s == NULL)
		return;
	if (s->daemon != NULL)
		listening = MHD_quiesce_daemon(s->daemon);
	if (s->queue.ring != NULL)
		queue_close(&s->queue);
	for (unsigned i = 0; i < s->worker_count; i++)
		(void)pthread_join(s->workers[i], NULL);
	/* Every exchange has its answer now; give the loop a moment to send them. */
	for (int ms = 0; atomic_load(&s->open) > 0 && ms < DRAIN_MS_MAX; ms += 5)
		(void)nanosleep(&tick, NULL);
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	if (listening != MHD_INVALID_SOCKET)
		(void)close(listening);
	watch_stop(s->watch);
	queue_done(&s->queue);
	free(s->workers);
	free(s->cert);
	free(s->key);
	free(s);
}
