/* server.h - the running server: everything wired together. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/base.h"

int cmd_serve(int argc, char **argv);

struct server;

/* Load what DIR holds and start serving it.  `listen` NULL: as the settings say.  ERR_BUSY if
 * another server has the directory. */
must_check int server_start(const char *dir, const char *listen, struct server **ret,
    struct err *e);

/* "https://localhost:8443", with the port that was really taken. */
const char *server_url(const struct server *s);

/* Finish the requests that are being handled, leave jobs for the next start, close everything.
 * Half-started servers and NULL are fine. */
void server_stop(struct server *s);

#endif
