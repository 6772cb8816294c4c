/* SPDX-License-Identifier: MIT */

#ifndef TOOL_SERVE_H
#define TOOL_SERVE_H

#include <silverback.h>

#include "settings.h"
#include "status.h"
#include "watch.h"

/* What the modes that listen have in common. */
struct serve {
    const struct settings *settings;
    ws_upgrader upgrader; /* by the settings; for the mode to change before */
    ws_tls tls;
    ws_listener *listener;
    ws_goodbye goodbye; /* by the settings, or who sets ending */
    ws_event ending;
    struct watch watch;
    ws_socket_fn socket; /* of serve_all */
    void *arg;
    bool has_page;
};

/* Fill what is the settings'. */
void serve_init(struct serve *v, const struct settings *s);

/* A route for all paths: whoever asks for a WebSocket has socket, in the way of a
 * ws_route's; others have files (--static), or else the page to try it from, if
 * there is one. */
ws_route serve_all(struct serve *v, ws_socket_fn socket, void *arg, bool page);

/* Listen at "PORT" of this machine, "[HOST]:PORT", "unix:PATH" or "fd:N".  Takes
 * the routes by reference.  threads: see ws_server.  Returns false, and has said
 * why, if that cannot be. */
bool serve_begin(struct serve *v, const char *where, const ws_route *routes,
                 bool threads);

/* From anywhere: end, with this close code. */
void serve_finish(struct serve *v, int code);

/* Wait for the end, and for the connections to close. */
enum status serve_end(struct serve *v);

#endif
