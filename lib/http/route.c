/* SPDX-License-Identifier: MIT */

#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include <silverback/upgrade.h>

#include "base/error.h"
#include "base/str.h"
#include "proto/header.h"
#include "proto/origin.h"

/* NULL: all.  An upgrade is by GET (RFC 6455, section 4.1). */
static const char *method_of(const ws_route *r)
{
    return !r->method && r->socket ? "GET" : r->method;
}

static bool is_method(const ws_route *r, const char *method)
{
    const char *own = method_of(r);

    return own && strcmp(own, method) == 0;
}

/* The next one of the same path, from r on. */
static const ws_route *same_path(const ws_route *r, const char *path)
{
    while (r->path && strcmp(r->path, path) != 0)
        r++;
    return r->path ? r : NULL;
}

/* ---- Can each be called? ------------------------------------------------ */

static int check_calls(const ws_route *r, ws_error *err)
{
    if (r->path[0] != '/')
        return ws__fail(err, WS_ERR_INVALID,
                        "route \"%s\": expected a path that begins with '/'",
                        r->path);
    if (!r->handler == !r->socket)
        return ws__fail(err, WS_ERR_INVALID,
                        "route %s: expected a handler or a socket, got %s",
                        r->path, r->handler ? "both" : "neither");
    return 0;
}

/* Methods are told apart by case (RFC 9110, section 9.1). */
static int check_method(const ws_route *r, ws_error *err)
{
    char allow[WS__ALLOW_SIZE];
    bool capitals = true;

    for (const char *p = r->method; p && *p; p++)
        capitals = capitals && !(*p >= 'a' && *p <= 'z');
    if (r->method && (!capitals || !ws__is_token(ws__str(r->method))))
        return ws__fail(err, WS_ERR_INVALID,
                        "route %s: expected a method as it is sent, such as "
                        "GET, got \"%s\"",
                        r->path, r->method);
    if (r->method && r->socket && strcmp(r->method, "GET") != 0)
        return ws__fail(err, WS_ERR_INVALID,
                        "route %s: a socket's method is GET, got %s", r->path,
                        r->method);
    if (!ws__route_allow(r, allow))
        return ws__fail(err, WS_ERR_INVALID,
                        "route %s: its methods need more than %d bytes",
                        r->path, WS__ALLOW_SIZE - 1);
    return 0;
}

static int check_unique(const ws_route *r, ws_error *err)
{
    const char *method = method_of(r);
    const ws_route *other = r;

    while ((other = same_path(other + 1, r->path)))
        if (method ? is_method(other, method) : !method_of(other))
            return ws__fail(err, WS_ERR_INVALID,
                            "route %s: stands twice for %s", r->path,
                            method ? method : "all methods");
    return 0;
}

static int check_origins(const ws_route *r, ws_error *err)
{
    ws_error why = { 0 };

    if (!r->upgrader ||
        ws__origins_check(r->upgrader->allowed_origins, &why) == 0)
        return 0;
    return ws__fail(err, why.code, "route %s: %s", r->path, why.text);
}

static int check_route(const ws_route *r, ws_error *err)
{
    int error = check_calls(r, err);

    if (error == 0)
        error = check_method(r, err);
    if (error == 0)
        error = check_unique(r, err);
    return error == 0 ? check_origins(r, err) : error;
}

int ws__routes_check(const ws_route *routes, ws_error *err)
{
    int error = 0;

    for (const ws_route *r = routes; error == 0 && r && r->path; r++)
        error = check_route(r, err);
    return error;
}

/* ---- Which is it? ------------------------------------------------------- */

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

/* How well it does for a method: 3 by its name, 2 as GET for HEAD, 1 as one for
 * all, 0 not. */
static int fitness(const ws_route *r, const char *method)
{
    if (is_method(r, method))
        return 3;
    if (!r->socket && strcmp(method, "HEAD") == 0 && is_method(r, "GET"))
        return 2;
    return method_of(r) ? 0 : 1;
}

const ws_route *ws__route_choose(const ws_route *of_path, const char *method)
{
    const ws_route *best = NULL;

    for (const ws_route *r = of_path; r; r = same_path(r + 1, of_path->path))
        if (fitness(r, method) > (best ? fitness(best, method) : 0))
            best = r;
    return best;
}

static bool add_method(char out[static WS__ALLOW_SIZE], const char *method)
{
    size_t used = strlen(out);
    int n = snprintf(out + used, WS__ALLOW_SIZE - used, "%s%s",
                     used > 0 ? ", " : "", method);

    if ((size_t)n < WS__ALLOW_SIZE - used)
        return true;
    out[used] = '\0';
    return false;
}

static bool is_named(const ws_route *of_path, const char *method)
{
    for (const ws_route *r = of_path; r; r = same_path(r + 1, of_path->path))
        if (is_method(r, method))
            return true;
    return false;
}

bool ws__route_allow(const ws_route *of_path, char out[static WS__ALLOW_SIZE])
{
    bool fits = true;

    out[0] = '\0';
    for (const ws_route *r = of_path; r; r = same_path(r + 1, of_path->path)) {
        const char *method = method_of(r);

        fits = fits && (!method || add_method(out, method));
        if (!r->socket && is_method(r, "GET") && !is_named(of_path, "HEAD"))
            fits = fits && add_method(out, "HEAD");
    }
    return fits && (is_named(of_path, "OPTIONS") || add_method(out, "OPTIONS"));
}
