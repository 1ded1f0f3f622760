/* serve.c - holdfast serve: from the command line to a clean end. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/cli.h"
#include "server/notify.h"
#include "server/server.h"

static const char help[] =
    "Usage: holdfast serve DIR [--listen ADDR:PORT]\n"
    "\n"
    "Serves the data directory DIR in the foreground, until SIGTERM or SIGINT.  Logs to stderr.\n"
    "Requests that are being handled are finished; jobs go on at the next start.  A second\n"
    "signal ends it at once.\n"
    "\n"
    "  --listen ADDR:PORT  instead of what the settings say; port 0 is any free one\n"
    "  --help              this text\n";

/* Blocked in every thread, so that only sigwait() below sees them. */
static int block_signals(sigset_t *ret, struct err *e)
{
	int rc;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(e, errno, "ignoring SIGPIPE");
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGINT);
	rc = pthread_sigmask(SIG_BLOCK, ret, NULL);
	return rc == 0 ? 0 : err_sys(e, rc, "blocking signals");
}

static int serve(const char *dir, const char *listen, struct err *e)
{
	struct server *s;
	sigset_t ends;
	int sig = 0;

	(void)umask(077);
	if (block_signals(&ends, e) != 0 || server_start(dir, listen, &s, e) != 0)
		return -1;
	log_event(LOG_INFO, "ready", "url", server_url(s), "dir", dir, "version", HOLDFAST_VERSION,
	    NULL);
	notify_manager("READY=1");
	while (sigwait(&ends, &sig) != 0)
		;
	log_event(LOG_INFO, "stopping", "signal", sig == SIGTERM ? "SIGTERM" : "SIGINT", NULL);
	notify_manager("STOPPING=1");
	(void)pthread_sigmask(SIG_UNBLOCK, &ends, NULL);
	server_stop(s);
	log_event(LOG_INFO, "stopped", NULL);
	return 0;
}

int cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *listen = NULL;
	struct err e = { 0 };
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o != 'l')
			return cli_usage(argv[0], "%s: no such option, or its value is missing",
			    argv[optind - 1]);
		listen = optarg;
	}
	if (argc - optind != 1)
		return cli_usage(argv[0], "one data directory is wanted");
	return serve(argv[optind], listen, &e) == 0 ? CLI_OK : cli_fail("serve", &e);
}
