/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_ACCEPT_H
#define WS_SERVER_ACCEPT_H

#include "server/listener.h"

/* Accept connections, and have each served by the worker with the fewest, until
 * the listener is stopped.  In a fiber of the seat's worker. */
void ws__accept_all(struct ws__seat *seat);

#endif
