/* faults.h - the Nth call fails: of those that allocate, or of system calls.  See faults.c. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stdio.h>

enum fault {
	FAULT_NONE,
	FAULT_ALLOC,	/* no memory: what allocates, and what makes contexts and threads */
	FAULT_IO,	/* system calls on files: EIO */
	FAULT_SPACE,	/* those that change files: ENOSPC */
	FAULT_SHORT,	/* reads and writes transfer less than they were asked to */
	FAULT_INTR,	/* or are interrupted */
};

/* Count calls of that sort from now on, in all threads; the `nth` (from 1) fails, all later ones too
 * if `sticky`. */
void fault_arm(enum fault what, unsigned nth, bool sticky);
/* How many failed.  *ret_call: the name of the first that did. */
unsigned fault_disarm(const char **ret_call);

/* Every function that is watched, and how often it failed. */
void fault_report(FILE *to);

#endif
