/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_WELCOME_H
#define WS_SERVER_WELCOME_H

#include <stdint.h>

#include "server/listener.h"

/* Have a connection, which is taken, served, by a worker with few; or turn it
 * away, when there are too many.  In a fiber of the seat's worker. */
void ws__welcome(struct ws__seat *seat, int fd, const char *remote);

/* The one with the fewest. */
struct ws__seat *ws__welcome_seat(ws_listener *l);

/* Close those turned away that were held long enough, if this seat turned any
 * away.  Returns when to come back; 0: there is no need. */
int64_t ws__welcome_look_after(struct ws__seat *seat);

#endif
