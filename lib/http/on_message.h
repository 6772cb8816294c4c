/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_ON_MESSAGE_H
#define WS_HTTP_ON_MESSAGE_H

#include "http/session.h"

/*
 * A connection whose messages a function is called for (ws_on_message), in turns:
 * while nothing comes it has no fiber, and the worker's loop starts one for what
 * does.  What it needs in between lies in the connection, which is held by the
 * session's reference in the registry, and holds the worker.
 */

/* The session's handler has returned and left its connection to a function: go
 * on with that, in this fiber or thread.  Takes over the session's reference in
 * the registry. */
void ws__on_message_go_on(struct ws__session *s);

#endif
