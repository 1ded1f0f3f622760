/* dir.h - the directory back end: what dir.c and dir_list.c share.
 *
 * An object is a regular file at ROOT/name.  Half-written objects live under
 * ROOT/#tmp, a name no object can have.  Every open store holds a shared lock
 * on that directory; who gets it exclusively knows that all files in it are
 * left over from a crash and removes them. */
#ifndef OBJECT_DIR_H
#define OBJECT_DIR_H

#include <pthread.h>

#include "object/object.h"

#define DIR_TMP "#tmp"

struct dir_store {
	struct object_store base;
	char *path;
	int root;		/* directory descriptors */
	int tmp;		/* -1 if it cannot be made: then tmp_sys says why and puts fail */
	int tmp_sys;
	pthread_mutex_t making;	/* one thread at a time makes directories and syncs them:
				 * who finds a directory made knows that it is durable */
};

static inline struct dir_store *dir_of(struct object_store *s)
{
	return (struct dir_store *)s;
}

int dir_list(struct object_store *s, const char *prefix, object_list_fn *fn, void *arg,
    struct err *e);

/* Remove every file directly inside the directory `fd`; failures are left for the next time. */
void dir_empty(int fd);

#endif
