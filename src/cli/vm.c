/* vm.c - holdfast vm: the command line of registering virtual machines. */
#include "cli/vm.h"

#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"

static const char help[] =
    "Usage: holdfast vm add NAME --os FILE [--data LUN=FILE]... [OPTIONS]\n"
    "\n"
    "Registers disk images (raw, qcow2) where they are and a virtual machine that has them,\n"
    "and prints the machine's id.  The images must lie in a directory that holdfast.conf lists.\n"
    "\n"
    "  --os FILE          image of the disk with the operating system\n"
    "  --data LUN=FILE    image of a data disk and its number, 0 to 63; may be given again\n"
    "  --format FORMAT    raw or qcow2, for every image; without it names that end with .raw or\n"
    "                     .qcow2 tell, and for others the server looks for a qcow2 header\n"
    "  --dir DIR          the server's data directory; without it $HOLDFAST_DIR, else the\n"
    "                     HOLDFAST_* variables of the environment\n"
    "  --group GROUP      resource group, made if it is not there (holdfast)\n"
    "  --location REGION  region (the group's; for a new group the server's first)\n"
    "  --size SIZE        size to show for the machine (Standard_D2s_v3)\n"
    "  --os-type TYPE     Linux or Windows (Linux)\n"
    "  --help             this text\n";

static bool add_data(struct vm_request *q, const char *word)
{
	const char *eq = strchr(word, '=');
	char *end;
	long lun;

	if (eq == NULL || eq[1] == '\0' || *word < '0' || *word > '9')
		return false;
	lun = strtol(word, &end, 10);
	if (end != eq || lun < 0 || lun >= VM_DATA_MAX)
		return false;
	for (size_t i = 1; i < q->disk_count; i++)
		if (q->disk[i].lun == lun)
			return false;
	q->disk[q->disk_count++] = (struct vm_disk){ (int)lun, eq + 1 };
	return true;
}

static int take_option(struct vm_request *q, const char **dir, int o, const char *value)
{
	switch (o) {
	case 'o':
		q->disk[0].file = value;
		return CLI_OK;
	case 'd':
		if (!add_data(q, value))
			return cli_usage("vm", "--data '%s' is not of the form LUN=FILE with a "
			    "number from 0 to 63 that is given once", value);
		return CLI_OK;
	case 'D':
		*dir = value;
		return CLI_OK;
	case 'f':
		q->format = value;
		return strcmp(value, "raw") == 0 || strcmp(value, "qcow2") == 0
		    ? CLI_OK
		    : cli_usage("vm", "--format '%s' is neither raw nor qcow2", value);
	case 'g':
		q->group = value;
		return CLI_OK;
	case 'l':
		q->location = value;
		return CLI_OK;
	case 's':
		q->size = value;
		return CLI_OK;
	default:
		q->os_type = value;
		return strcmp(value, "Linux") == 0 || strcmp(value, "Windows") == 0
		    ? CLI_OK
		    : cli_usage("vm", "--os-type '%s' is neither Linux nor Windows", value);
	}
}

static int run(const char *dir, const struct vm_request *q)
{
	auto_cli_client struct cli_client *c = NULL;
	auto_free char *id = NULL;
	struct err e = { 0 };

	if (cli_client_open(dir, &c, &e) != 0 || vm_add(c, q, &id, &e) != 0)
		return cli_fail("vm add", &e);
	return puts(id) >= 0 && fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cmd_vm(int argc, char **argv)
{
	static const struct option options[] = {
		{ "os", required_argument, NULL, 'o' },
		{ "data", required_argument, NULL, 'd' },
		{ "dir", required_argument, NULL, 'D' },
		{ "format", required_argument, NULL, 'f' },
		{ "group", required_argument, NULL, 'g' },
		{ "location", required_argument, NULL, 'l' },
		{ "size", required_argument, NULL, 's' },
		{ "os-type", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct vm_request q = { .group = "holdfast", .size = "Standard_D2s_v3", .os_type = "Linux",
		.disk = { { -1, NULL } }, .disk_count = 1 };
	const char *dir = NULL;
	int o, rc;

	optind = opterr = 0;
	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (o == 'h') {
			(void)fputs(help, stdout);
			return CLI_OK;
		}
		if (o == '?')
			return cli_usage("vm", "%s: no such option, or its value is missing",
			    argv[optind - 1]);
		rc = take_option(&q, &dir, o, optarg);
		if (rc != CLI_OK)
			return rc;
	}
	if (argc - optind != 2 || strcmp(argv[optind], "add") != 0)
		return cli_usage("vm", "'add' and one name are wanted");
	if (q.disk[0].file == NULL)
		return cli_usage("vm", "--os is missing");
	q.name = argv[optind + 1];
	return run(dir, &q);
}
