/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_MANAGER_H
#define WS_SERVER_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/http.h>

/* What the service manager, if there is one (ws_server.systemd), is told of a
 * listener. */
struct ws__manager {
    bool present;
    bool held_up;     /* a worker is, and that was logged */
    int64_t feed_ms;  /* how often the watchdog is fed; 0: not */
    int64_t feed_due; /* 0: never */
};

/* Have s listen on what was passed, which lies in fds; on its addresses, if that
 * is nothing.  Returns 0 or a negative code. */
int ws__manager_sockets(ws_server *s, int *fds, size_t max);

/* It serves; it reads its configuration anew, after which it is ready again; it
 * stops, which takes so long at most (< 0: nobody knows). */
void ws__manager_ready(struct ws__manager *m, const ws_listener *l);
void ws__manager_reloading(const struct ws__manager *m);
void ws__manager_stopping(const struct ws__manager *m, int64_t ms);

/* Feed the watchdog, if that is due and all workers turn. */
void ws__manager_feed(struct ws__manager *m, ws_listener *l);

#endif
