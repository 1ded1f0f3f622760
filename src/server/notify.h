/* notify.h - tells a service manager how we are (sd_notify(3), without its library). */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include "base/base.h"

/* Send "READY=1", "STOPPING=1" or the like to $NOTIFY_SOCKET.  Nothing happens if that is not
 * set; a manager that does not listen is no reason to fail, so there is no result. */
void notify_manager(const char *state);

#endif
