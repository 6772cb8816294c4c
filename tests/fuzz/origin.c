/* SPDX-License-Identifier: MIT */

/* The Origin of a request (RFC 6454), its Host, and lists of allowed ones, a
 * line each. */

#include "fuzz/fuzz.h"

#include "proto/http_target.h"
#include "proto/origin.h"

enum { ALLOWED_MAX = 8 };

static bool same_origin(const char *origin, const char *host,
                        const char *const *allowed, ws_error *err)
{
    const ws_header headers[] = { { "Origin", origin }, { 0 } };
    const ws_request r = {
        .headers = headers, .host = host, .method = "GET", .path = "/"
    };
    const ws_upgrader u = { .allowed_origins = allowed };
    bool is = ws__origin_allowed(&r, allowed);

    if (!is)
        ws__origin_refused(err, &r, &u);
    return is;
}

/* Nothing but letters, digits and hyphens in labels. */
static bool is_plain_name(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";

    return *s && strspn(s, letters) == strlen(s);
}

/* What is same-origin without a list, and who is not. */
static void check_host(const char *origin, const char *host)
{
    ws_error err = { 0 };
    char text[512];
    bool is = same_origin(origin, host, NULL, &err);

    CHECK(is == (err.code == 0));
    CHECK(is || is_line(err.text));
    if (!is_plain_name(host) || strlen(host) > 200)
        return;
    for (int tls = 0; tls < 2; tls++) {
        const char *scheme = tls ? "https" : "http";

        snprintf(text, sizeof(text), "%s://%s", scheme, host);
        CHECK(same_origin(text, host, NULL, &err));
        snprintf(text, sizeof(text), "%s://%s:%d", scheme, host,
                 tls ? 443 : 80);
        CHECK(same_origin(text, host, NULL, &err));
        snprintf(text, sizeof(text), "%s://x%s", scheme, host);
        CHECK(!same_origin(text, host, NULL, &err));
    }
}

/* A longer list allows no less, and "*" all. */
static void check_list(const char *origin, const char *host,
                       const char **allowed, size_t n)
{
    ws_error err = { 0 }, why = { 0 };
    int r = ws__origins_check(allowed, &err);
    bool without = same_origin(origin, host, NULL, &why);
    bool with = same_origin(origin, host, allowed, &why);

    check_error(r, &err);
    CHECK(r == 0 || r == WS_ERR_INVALID);
    CHECK(!without || with);
    allowed[n] = "*";
    CHECK(same_origin(origin, host, allowed, &why));
    allowed[n] = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    char *origin = string_of(take_until(&in, '\n'));
    char *host = string_of(take_until(&in, '\n'));
    const char *allowed[ALLOWED_MAX + 2] = { NULL };
    size_t n = 0;

    while (n < ALLOWED_MAX && in.n > 0)
        allowed[n++] = string_of(take_until(&in, '\n'));
    if (ws__host_valid(ws__str(host)))
        check_host(origin, host);
    check_list(origin, host, allowed, n);
    while (n-- > 0)
        free((char *)allowed[n]);
    free(host);
    free(origin);
    return 0;
}
