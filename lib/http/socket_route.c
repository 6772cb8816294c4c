/* SPDX-License-Identifier: MIT */

#include "http/socket_route.h"

#include <silverback/upgrade.h>

#include "conn/close.h"

enum { GOODBYE_MS = 1000 };

/* What ended the socket may have ended the connection: then there is nothing
 * left to say, and ws_finish returns at once. */
void ws__socket_route(struct ws__request *r, const ws_route *route)
{
    ws_conn *c = ws_upgrade(route->upgrader, &r->pub, NULL);

    if (!c)
        return;
    ws__close_keep(c);
    route->socket(c, route->arg);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(GOODBYE_MS));
    ws__close_kept(c);
}
