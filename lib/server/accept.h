/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_ACCEPT_H
#define WS_SERVER_ACCEPT_H

#include "server/listener.h"

/* Once the listener is open, accept connections, and have each served by the
 * worker with the fewest, until it is stopped.  With an acceptor, in a fiber of
 * its seat's worker. */
void ws__accept_all(void *acceptor);

#endif
