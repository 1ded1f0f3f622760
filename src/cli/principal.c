/* principal.c - holdfast principal: its verbs and options. */
#include "cli/principal.h"
#include "cli/record.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#define DAYS_MAX 36500
#define OVERLAP_DAYS 7

static const char help[] =
    "Usage: holdfast principal VERB [PRINCIPAL] [--dir DIR] [--json] ...\n"
    "\n"
    "Who may call the server, and what proves them.  Works beside a running server, which heeds a\n"
    "change at once; tokens that were given out before live to their end.\n"
    "\n"
    "  list                      all principals\n"
    "  show PRINCIPAL            one, with its credentials\n"
    "  add NAME                  a new one, with a client secret that is shown once\n"
    "  add --to PRINCIPAL        one more credential for it\n"
    "    --certificate FILE      instead of a secret: a client certificate with an RSA key, PEM\n"
    "    --issuer URL            instead of a secret: a subject of an issuer that holdfast.conf\n"
    "    --subject TEXT          names; tokens with this sub are taken, and at the token endpoint\n"
    "    --audience TEXT         those with this aud (api://AzureADTokenExchange)\n"
    "    --role ROLE             of a new principal, over everything; without it, it has none:\n"
    "                            'holdfast role assign' gives it one where it needs it\n"
    "    --expires DAYS          end of the credential; 0: never.  Preset 365 for secrets, 0 for\n"
    "                            others; a certificate ends with itself at the latest\n"
    "  rotate PRINCIPAL          a new secret, or with --certificate a new certificate; the old ones\n"
    "                            of that kind end later.  The administrator's goes into admin.env too\n"
    "    --overlap DAYS          when the old ones end; preset 7, 0: at once\n"
    "  remove PRINCIPAL          with all its credentials\n"
    "    --credential ID         only that one\n"
    "\n"
    "  PRINCIPAL     its name or its client id\n"
    "  --dir DIR     the data directory; without it $HOLDFAST_DIR\n"
    "  --json        one JSON document\n"
    "  --help        this text\n";

static const struct verb {
	const char *name;
	bool is_named;		/* a principal comes behind it */
	bool changes;		/* and is recorded */
	int (*run)(struct principal_cmd *c);
} verbs[] = {
	{ "add", true, true, principal_cmd_add },
	{ "list", false, false, principal_cmd_list },
	{ "show", true, false, principal_cmd_show },
	{ "rotate", true, true, principal_cmd_rotate },
	{ "remove", true, true, principal_cmd_remove },
};

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'D' }, { "to", required_argument, NULL, 't' },
	{ "role", required_argument, NULL, 'r' }, { "certificate", required_argument, NULL, 'c' },
	{ "issuer", required_argument, NULL, 'i' }, { "subject", required_argument, NULL, 's' },
	{ "audience", required_argument, NULL, 'a' },
	{ "credential", required_argument, NULL, 'k' },
	{ "expires", required_argument, NULL, 'x' }, { "overlap", required_argument, NULL, 'o' },
	{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool days(const char *text, int64_t *ret)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n > DAYS_MAX)
		return false;
	*ret = n;
	return true;
}

static const char **text_of(struct principal_args *a, int o)
{
	switch (o) {
	case 'D': return &a->dir;
	case 't': return &a->to;
	case 'r': return &a->role;
	case 'c': return &a->certificate;
	case 'i': return &a->issuer;
	case 's': return &a->subject;
	case 'a': return &a->audience;
	case 'k': return &a->credential;
	}
	return NULL;
}

static int take_option(struct principal_args *a, int o, const char *word)
{
	const char **text = text_of(a, o);

	if (text != NULL) {
		*text = optarg;
		return CLI_OK;
	}
	if (o == 'j') {
		a->as_json = true;
		return CLI_OK;
	}
	if (o != 'x' && o != 'o')
		return cli_usage("principal", "%s: no such option, or its value is missing", word);
	if (!days(optarg, o == 'x' ? &a->expires_days : &a->overlap_days))
		return cli_usage("principal", "--%s %s: that is no number of days up to %d",
		    o == 'x' ? "expires" : "overlap", optarg, DAYS_MAX);
	return CLI_OK;
}

static int check(const struct principal_args *a, const char *verb)
{
	if ((a->issuer == NULL) != (a->subject == NULL))
		return cli_usage("principal", "--issuer and --subject go together");
	if (a->audience != NULL && a->issuer == NULL)
		return cli_usage("principal", "--audience is for --issuer only");
	if (a->issuer != NULL && a->certificate != NULL)
		return cli_usage("principal", "--issuer or --certificate, not both");
	if (a->to != NULL && a->role != NULL)
		return cli_usage("principal", "--role is for a new principal only");
	if (strcmp(verb, "rotate") == 0 && a->issuer != NULL)
		return cli_usage("principal",
		    "rotate: a subject of an issuer has nothing to change");
	return CLI_OK;
}

/* The verb, and the principal behind it. */
static int take_words(int argc, char **argv, struct principal_args *a, const struct verb **ret)
{
	if (optind >= argc)
		return cli_usage("principal", "what to do?");
	for (size_t i = 0; i < ARRAY_LEN(verbs) && *ret == NULL; i++)
		if (strcmp(argv[optind], verbs[i].name) == 0)
			*ret = &verbs[i];
	if (*ret == NULL)
		return cli_usage("principal", "'%s' is nothing that can be done with principals",
		    argv[optind]);
	if (a->to != NULL && (*ret)->run != principal_cmd_add)
		return cli_usage("principal", "--to is for add only");
	if (argc - optind - 1 != ((*ret)->is_named && a->to == NULL))
		return cli_usage("principal", "%s: wants %s behind it", argv[optind],
		    (*ret)->is_named && a->to == NULL ? "one principal" : "nothing");
	a->name = argv[optind + 1];
	return check(a, (*ret)->name);
}

static int run(const struct verb *verb, const struct principal_args *a)
{
	auto_offline struct offline o = { 0 };
	auto_close int audit_fd = -1;
	struct principal_cmd c = { .args = a, .offline = &o,
		.now_us = clock_now_us(&clock_system) };
	struct err e = { 0 };
	int r;

	if (offline_open(a->dir, &o, &e) != 0 ||
	    (verb->changes && record_begin(o.dir, &audit_fd, &e) != 0))
		return cli_fail("principal", &e);
	c.audit_fd = audit_fd;
	r = verb->run(&c);

	/* a secret that did not arrive is lost */
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return r;
	(void)err_sys(&e, errno, "writing to standard output");
	return cli_fail("principal", &e);
}

int cmd_principal(int argc, char **argv)
{
	struct principal_args a = { .overlap_days = OVERLAP_DAYS, .expires_days = -1 };
	const struct verb *verb = NULL;
	int o, r;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		r = take_option(&a, o, argv[optind - 1]);
		if (r != CLI_OK)
			return r;
	}
	r = take_words(argc, argv, &a, &verb);
	return r != CLI_OK || verb == NULL ? r : run(verb, &a);
}
