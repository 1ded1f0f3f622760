/* region.h - the verbs of holdfast region, about region pairs and the copies of vaults in them.
 *
 * Each has the form of a verb of the program (cli.h): argv[0] is its name. */
#ifndef CLI_REGION_H
#define CLI_REGION_H

#include "cli/cli.h"

int region_cmd_export(int argc, char **argv);
int region_cmd_import(int argc, char **argv);
int region_cmd_status(int argc, char **argv);
int region_cmd_verify(int argc, char **argv);

#endif
