/* SPDX-License-Identifier: MIT */

/* Request targets, their paths and queries, and Host fields (RFC 9112, section
 * 3.2; RFC 3986). */

#include <ctype.h>

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

static size_t slow_unescape(char *out, struct ws__str path)
{
    size_t n = 0;

    for (size_t i = 0; i < path.n; i++) {
        bool escaped = path.p[i] == '%';
        char digits[3] = { 0 };

        memcpy(digits, path.p + i + 1, escaped ? 2 : 0);
        out[n++] = escaped ? (char)strtoul(digits, NULL, 16) : path.p[i];
        i += escaped ? 2 : 0;
    }
    return n;
}

/* What RFC 3986, section 5.2.4, makes of a path, segment by segment; its
 * length. */
static size_t slow_path(char *out, struct ws__str path)
{
    struct ws__str rest = { out + 1, slow_unescape(out, path) - 1 };
    size_t to = 0; /* where the next slash goes */
    bool last;

    do {
        last = !memchr(rest.p, '/', rest.n);
        struct ws__str segment = ws__str_take_until(&rest, '/');
        bool up = ws__str_is(segment, "..");
        bool dots = up || ws__str_is(segment, ".");

        while (up && to > 0 && out[--to] != '/')
            continue;
        if (dots && !last)
            continue;
        out[to++] = '/';
        if (!dots)
            memmove(out + to, segment.p, segment.n);
        to += dots ? 0 : segment.n;
    } while (!last);
    return to;
}

static void check_slowly(struct ws__str path, const char *got, size_t n)
{
    char *out = malloc(path.n + 1);

    CHECK(out);
    if (got[0] == '/' && path.n > 0) {
        CHECK(slow_path(out, path) == n);
        CHECK(memcmp(out, got, n) == 0);
    }
    free(out);
}

static void decode_path(struct ws__str path)
{
    char *out = malloc(path.n > 0 ? path.n + 1 : 2);

    CHECK(out);
    ptrdiff_t n = ws__target_path(out, path);
    CHECK(n == -1 || (n > 0 && (size_t)n <= (path.n > 0 ? path.n : 1)));
    if (n > 0) {
        check_path(out, (size_t)n);
        check_slowly(path, out, (size_t)n);
        if (out[0] == '/')
            check_path_again(out, (size_t)n);
    }
    free(out);
}

/* Each byte is what was sent, or what its escape stands for. */
static void check_decoded(const char *out, size_t n, struct ws__str s)
{
    for (size_t i = 0; i < n; i++) {
        char escape[4] = "";

        CHECK(s.n > 0);
        memcpy(escape, s.p, s.n < 3 ? s.n : 3);
        bool escaped = escape[0] == '%' && isxdigit((uint8_t)escape[1]) &&
                       isxdigit((uint8_t)escape[2]) &&
                       memcmp(escape, "%00", 3) != 0;
        char meant = escaped ? (char)strtoul(escape + 1, NULL, 16) : escape[0];

        CHECK(out[i] == (meant == '+' && !escaped ? ' ' : meant));
        s.p += escaped ? 3 : 1;
        s.n -= escaped ? 3 : 1;
    }
    CHECK(s.n == 0);
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
        check_decoded(out, ws__query_decode(out, value), value);
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
