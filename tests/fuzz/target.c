/* SPDX-License-Identifier: MIT */

/* Request targets, their paths and queries, and Host fields (RFC 9112, section
 * 3.2; RFC 3986). */

#include "fuzz/fuzz.h"

#include "proto/http_target.h"
#include "proto/query.h"
#include "proto/uri.h"

static const char kept_in_path[] = "/!$&'()*+,;=:@";

/* No "." or ".." between slashes, in a path that begins with one. */
static void check_path(const char *path, size_t n)
{
    struct ws__str rest = { path, n };

    CHECK(path[n] == '\0' && strlen(path) == n);
    if (n == 1 && path[0] == '*')
        return;
    CHECK(n > 0 && path[0] == '/');
    while (rest.n > 0) {
        struct ws__str segment = ws__str_take_until(&rest, '/');

        CHECK(!ws__str_is(segment, ".") && !ws__str_is(segment, ".."));
    }
}

/* A path that was decoded is decoded to itself when it is escaped again. */
static void check_path_again(const char *path, size_t n)
{
    char *escaped = malloc(3 * n + 1), *again;

    CHECK(escaped);
    char *end = ws__uri_escape(escaped, path, kept_in_path);
    again = malloc((size_t)(end - escaped) + 1);
    CHECK(again);
    ptrdiff_t len = ws__target_path(again, ws__str(escaped));
    CHECK(len == (ptrdiff_t)n && memcmp(again, path, n) == 0);
    free(again);
    free(escaped);
}

static void decode_path(struct ws__str path)
{
    char *out = malloc(path.n > 0 ? path.n + 1 : 2);

    CHECK(out);
    ptrdiff_t n = ws__target_path(out, path);
    CHECK(n == -1 || (n > 0 && (size_t)n <= (path.n > 0 ? path.n : 1)));
    if (n > 0) {
        check_path(out, (size_t)n);
        if (out[0] == '/')
            check_path_again(out, (size_t)n);
    }
    free(out);
}

/* Each pair lies in the query, in its order; decoded, it is no longer. */
static void check_query(struct ws__str query)
{
    struct ws__str rest = query, name, value;
    const char *at = query.p;

    while (ws__query_next(&rest, &name, &value)) {
        char *out = malloc(value.n + 1);

        CHECK(out);
        CHECK(is_within(name, query) && is_within(value, query));
        CHECK(name.p >= at && rest.p > at);
        CHECK(!memchr(name.p, '=', name.n) && !memchr(name.p, '&', name.n));
        CHECK(ws__query_decode(out, value) <= value.n);
        at = rest.p;
        free(out);
    }
    CHECK(rest.n == 0);
}

static void check_target(struct ws__str target)
{
    struct ws__target t;

    if (!ws__target_split(target, &t))
        return;
    CHECK(t.path.n > 0 && (t.path.p[0] == '/' || ws__str_is(t.path, "*")));
    CHECK(!memchr(t.path.p, '?', t.path.n));
    CHECK(t.authority.n == 0 || ws__host_valid(t.authority));
    CHECK(is_within(t.authority, target) && is_within(t.query, target));
    for (size_t i = 0; i < target.n; i++)
        CHECK(!ws__is_control(target.p[i]) && target.p[i] != ' ');
    decode_path(t.path);
    check_query(t.query);
}

/* A Host is one with the port behind it, unless it has one. */
static void check_host(struct ws__str host)
{
    char *more = malloc(host.n + 6);

    CHECK(more);
    if (host.n > 0)
        memcpy(more, host.p, host.n);
    memcpy(more + host.n, ":65535", 6);
    if (ws__host_valid(host)) {
        bool literal = host.n > 0 && host.p[0] == '[';
        const char *end = literal ? memchr(host.p, ']', host.n) : host.p;
        size_t rest = host.n > 0 ? host.n - (size_t)(end - host.p) : 0;
        bool has_port = host.n > 0 && memchr(end, ':', rest);

        CHECK(ws__host_valid((struct ws__str){ more, host.n + 6 }) != has_port);
        for (size_t i = 0; i < host.n; i++)
            CHECK(host.p[i] > ' ' && host.p[i] < 0x7f && host.p[i] != '/');
    }
    free(more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    unsigned kind = take_byte(&in);

    switch (kind & 3) {
    case 0:
        check_target(as_str(in));
        break;
    case 1: /* no parser lets a NUL through */
        if (!memchr(in.p, '\0', in.n))
            decode_path(as_str(in));
        break;
    case 2:
        check_query(as_str(in));
        break;
    default:
        check_host(as_str(in));
    }
    return 0;
}
