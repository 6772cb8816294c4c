/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_SEAT_H
#define WS_SERVER_SEAT_H

#include "server/listener.h"

/*
 * Start a thread for each seat, which accepts until the listener is stopped.
 * Any of them may hand a connection to any other, so none accepts before all
 * run.  Returns 0 or -ENOMEM: then what has started has ended again,
 * and has accepted none.
 */
int ws__seats_start(ws_listener *l);

/* One that l->accepting counts does no more. */
void ws__seat_accepts_no_more(ws_listener *l);

/* Wait for their end, and let go of what they had. */
void ws__seats_join(ws_listener *l);

#endif
