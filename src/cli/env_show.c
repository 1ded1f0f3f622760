/* env_show.c - holdfast env: what to paste so that a client of Azure uses this server. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/env.h"

static const char help[] =
    "Usage: holdfast env CLIENT [DIR]\n"
    "\n"
    "Prints lines for a shell, after which the client uses the server of the data directory DIR as\n"
    "its administrator.  No secret is among them: they load DIR/admin.env.\n"
    "\n"
    "  CLIENT  az         registers the cloud and signs in\n"
    "          js         environment of @azure/identity, and a program that lists vaults\n"
    "          python     environment of azure-identity, and a program that lists vaults\n"
    "          terraform  environment of the azurerm provider, and a file that sets it up\n"
    "  DIR     the server's data directory; without it $HOLDFAST_DIR, else the HOLDFAST_*\n"
    "          variables of the environment, which must then be exported\n"
    "  --help  this text\n";

static const char az[] =
    "export REQUESTS_CA_BUNDLE=\"$HOLDFAST_CA\"\n"
    "az cloud register -n holdfast --endpoint-resource-manager \"$HOLDFAST_URL/\" \\\n"
    "  --endpoint-active-directory \"$HOLDFAST_URL/adfs\" \\\n"
    "  --endpoint-active-directory-resource-id \"$HOLDFAST_URL/\" \\\n"
    "  --endpoint-active-directory-graph-resource-id \"$HOLDFAST_URL/graph\" \\\n"
    "  --suffix-storage-endpoint \"${HOLDFAST_URL#https://}\"\n"
    "az cloud set -n holdfast\n"
    "az login --service-principal -u \"$HOLDFAST_CLIENT_ID\" -p \"$HOLDFAST_CLIENT_SECRET\" \\\n"
    "  --tenant \"$HOLDFAST_TENANT\"\n";

/* What the identity libraries of both languages read. */
#define IDENTITY_VARIABLES \
	"export AZURE_AUTHORITY_HOST=\"$HOLDFAST_URL\" AZURE_TENANT_ID=\"$HOLDFAST_TENANT\" \\\n" \
	"  AZURE_CLIENT_ID=\"$HOLDFAST_CLIENT_ID\" AZURE_CLIENT_SECRET=\"$HOLDFAST_CLIENT_SECRET\"\n"

static const char js[] =
    "export NODE_EXTRA_CA_CERTS=\"$HOLDFAST_CA\"\n"
    IDENTITY_VARIABLES
    "node --input-type=module <<'END'\n"
    "import { RecoveryServicesClient } from '@azure/arm-recoveryservices';\n"
    "import { ClientSecretCredential } from '@azure/identity';\n"
    "\n"
    "const { env } = process;\n"
    "const credential = new ClientSecretCredential(env.AZURE_TENANT_ID, env.AZURE_CLIENT_ID,\n"
    "  env.AZURE_CLIENT_SECRET, { authorityHost: env.AZURE_AUTHORITY_HOST,\n"
    "    disableInstanceDiscovery: true });\n"
    "const client = new RecoveryServicesClient(credential, env.HOLDFAST_SUBSCRIPTION,\n"
    "  { endpoint: env.HOLDFAST_URL });\n"
    "for await (const vault of client.vaults.listBySubscriptionId())\n"
    "  console.log(vault.id);\n"
    "END\n";

static const char python[] =
    "export REQUESTS_CA_BUNDLE=\"$HOLDFAST_CA\"\n"
    IDENTITY_VARIABLES
    "python3 - <<'END'\n"
    "import os\n"
    "from azure.identity import ClientSecretCredential\n"
    "from azure.mgmt.recoveryservices import RecoveryServicesClient\n"
    "\n"
    "env = os.environ\n"
    "# the tenant 'adfs' is this server's only one, and spares a question to Microsoft's authority\n"
    "credential = ClientSecretCredential('adfs', env['AZURE_CLIENT_ID'],\n"
    "    env['AZURE_CLIENT_SECRET'], authority=env['AZURE_AUTHORITY_HOST'])\n"
    "client = RecoveryServicesClient(credential, env['HOLDFAST_SUBSCRIPTION'],\n"
    "    base_url=env['HOLDFAST_URL'], credential_scopes=[env['HOLDFAST_URL'] + '/.default'])\n"
    "for vault in client.vaults.list_by_subscription_id():\n"
    "    print(vault.id)\n"
    "END\n";

static const char terraform[] =
    "export SSL_CERT_FILE=\"$HOLDFAST_CA\" ARM_SUBSCRIPTION_ID=\"$HOLDFAST_SUBSCRIPTION\" \\\n"
    "  ARM_TENANT_ID=\"$HOLDFAST_TENANT\" ARM_CLIENT_ID=\"$HOLDFAST_CLIENT_ID\" \\\n"
    "  ARM_CLIENT_SECRET=\"$HOLDFAST_CLIENT_SECRET\"\n"
    "cat > holdfast.tf <<END\n"
    "terraform {\n"
    "  required_providers {\n"
    "    azurerm = { source = \"hashicorp/azurerm\" }\n"
    "  }\n"
    "}\n"
    "\n"
    "provider \"azurerm\" {\n"
    "  metadata_host                   = \"${HOLDFAST_URL#https://}\"\n"
    "  environment                     = \"Holdfast\"\n"
    "  resource_provider_registrations = \"none\"\n"
    "  features {}\n"
    "}\n"
    "END\n";

static const struct {
	const char *name, *lines;
} clients[] = {
	{ "az", az }, { "js", js }, { "python", python }, { "terraform", terraform },
};

static const char *lines_of(const char *client)
{
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		if (strcmp(clients[i].name, client) == 0)
			return clients[i].lines;
	return NULL;
}

/* A path that a shell reads as one word. */
static void print_quoted(const char *path)
{
	(void)putchar('\'');
	for (; *path != '\0'; path++)
		if (*path == '\'')
			(void)fputs("'\\''", stdout);
		else
			(void)putchar(*path);
	(void)putchar('\'');
}

static int print(const char *lines, const char *dir, struct err *e)
{
	auto_admin_env struct admin_env env = { 0 };
	char path[PATH_MAX];

	if (dir == NULL)
		dir = getenv("HOLDFAST_DIR");
	if (admin_env_load(dir, &env, e) != 0)
		return -1;
	if (dir != NULL) {
		if (realpath(dir, path) == NULL)
			return err_set(e, ERR_NOT_FOUND, "'%.200s' is gone", dir);
		(void)fputs("set -a; . ", stdout);
		print_quoted(path);
		(void)puts("/admin.env; set +a");
	}
	(void)fputs(lines, stdout);
	return 0;
}

int cmd_env(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *lines;
	struct err e = { 0 };
	int o;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o != 'h')
			return cli_usage(argv[0], "%s: no such option", argv[optind - 1]);
		(void)fputs(help, stdout);
		return CLI_OK;
	}
	if (argc - optind < 1 || argc - optind > 2)
		return cli_usage(argv[0], "a client and perhaps a data directory are wanted");
	lines = lines_of(argv[optind]);
	if (lines == NULL)
		return cli_usage(argv[0], "client '%s' is none of az, js, python, terraform",
		    argv[optind]);
	return print(lines, argv[optind + 1], &e) != 0 ? cli_fail("env", &e) : CLI_OK;
}
