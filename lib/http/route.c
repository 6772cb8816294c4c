/* SPDX-License-Identifier: MIT */

#include "http/route.h"

#include <string.h>

#include <silverback/upgrade.h>

#include "base/error.h"
#include "proto/origin.h"

static int route_check(const ws_route *r, ws_error *err)
{
    ws_error why = { 0 };

    if (r->path[0] != '/')
        return ws__fail(err, WS_ERR_INVALID,
                        "route \"%s\": expected a path that begins with '/'",
                        r->path);
    if (!r->handler == !r->socket)
        return ws__fail(err, WS_ERR_INVALID,
                        "route %s: expected a handler or a socket, got %s",
                        r->path, r->handler ? "both" : "neither");
    if (!r->upgrader ||
        ws__origins_check(r->upgrader->allowed_origins, &why) == 0)
        return 0;
    return ws__fail(err, why.code, "route %s: %s", r->path, why.text);
}

int ws__routes_check(const ws_route *routes, ws_error *err)
{
    int error = 0;

    for (const ws_route *r = routes; error == 0 && r && r->path; r++)
        error = route_check(r, err);
    return error;
}

static bool route_matches(const char *route, const char *path)
{
    size_t n = strlen(route);

    if (n > 0 && route[n - 1] == '/')
        return strncmp(route, path, n) == 0;
    return strcmp(route, path) == 0;
}

const ws_route *ws__route_find(const ws_route *routes, const char *path)
{
    const ws_route *best = NULL;

    for (const ws_route *r = routes; r && r->path; r++)
        if (route_matches(r->path, path) &&
            (!best || strlen(r->path) > strlen(best->path)))
            best = r;
    return best;
}
