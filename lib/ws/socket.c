/* SPDX-License-Identifier: MIT */

#include <silverback/upgrade.h>

#include "ws/request.h"
#include "ws/session.h"

enum { GOODBYE_MS = 1000 };

/* What ended the socket may have ended the connection: then there is nothing
 * left to say, and ws_finish returns at once. */
void ws__socket_run(ws_request *r, const ws_route *route)
{
    ws_conn *c = ws_upgrade(route->upgrader, r, NULL);

    if (!c)
        return;
    ((struct ws__request *)r)->session->conn = NULL; /* it is closed below */
    route->socket(c, route->arg);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(GOODBYE_MS));
    ws_close(c);
}
