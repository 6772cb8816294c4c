/* SPDX-License-Identifier: MIT */

#include "proto/handshake_server.h"

#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/str.h"
#include "proto/accept_key.h"
#include "proto/origin.h"
#include "proto/header.h"

enum { KEY_BYTES = 16 };

/* ---- May it be upgraded? ------------------------------------------------ */

struct ask {
    const ws_request *r;
    int minor;
    bool has_body;
    const ws_upgrader *u;
    const ws_header *response;
};

static bool is_http_1_1(const struct ask *a)
{
    return a->minor > 0;
}

static bool has_no_body(const struct ask *a)
{
    return !a->has_body;
}

static bool has_one_host(const struct ask *a)
{
    return ws__header_count(a->r->headers, "Host") <= 1;
}

static bool has_one_key(const struct ask *a)
{
    return ws__header_count(a->r->headers, "Sec-WebSocket-Key") <= 1;
}

static bool has_one_origin(const struct ask *a)
{
    return ws__header_count(a->r->headers, "Origin") <= 1;
}

static bool connection_upgrade(const struct ask *a)
{
    return ws__header_has_token(a->r->headers, "Connection", "upgrade");
}

static bool upgrade_websocket(const struct ask *a)
{
    return ws__header_has_token(a->r->headers, "Upgrade", "websocket");
}

static bool is_get(const struct ask *a)
{
    return strcmp(a->r->method, "GET") == 0;
}

static bool is_version_13(const struct ask *a)
{
    return ws__header_has_token(a->r->headers, "Sec-WebSocket-Version", "13");
}

static bool adds_no_extensions(const struct ask *a)
{
    return ws__header_count(a->response, "Sec-WebSocket-Extensions") == 0;
}

static bool has_good_list(const struct ask *a)
{
    return a->u->check_origin ||
           ws__origins_check(a->u->allowed_origins, NULL) == 0;
}

static void explain_list(ws_error *err, const ws_request *r,
                         const ws_upgrader *u)
{
    (void)r;
    ws__origins_check(u->allowed_origins, err);
}

static bool is_origin_good(const struct ask *a)
{
    if (a->u->check_origin)
        return a->u->check_origin(a->r, a->u->arg);
    return ws__origin_allowed(a->r, a->u->allowed_origins);
}

static bool is_key_good(const struct ask *a)
{
    const char *key = ws_header_get(a->r->headers, "Sec-WebSocket-Key");
    uint8_t bytes[KEY_BYTES];

    return key && strlen(key) == WS__KEY_LEN &&
           ws__base64_decode(bytes, sizeof(bytes), key, WS__KEY_LEN) ==
               KEY_BYTES;
}

#define VERSION_13                                                             \
    {                                                                          \
        "Sec-WebSocket-Version", "13"                                          \
    }
#define NOT_WEBSOCKET                                                          \
    "websocket: the client is not using the websocket protocol: "

static const ws_header version_13[] = { VERSION_13, { 0 } };
static const ws_header upgrade[] = { VERSION_13,
                                     { "Upgrade", "websocket" },
                                     { 0 } };
static const ws_header allow_get[] = { VERSION_13, { "Allow", "GET" }, { 0 } };

static const struct check {
    bool (*good)(const struct ask *a);
    int status;
    const ws_header *headers;
    const char *reason; /* or else: */
    void (*explain)(ws_error *err, const ws_request *r, const ws_upgrader *u);
} checks[] = {
    { is_http_1_1, 426, upgrade,
      .reason = "websocket: the request is HTTP/1.0, not HTTP/1.1 (does a "
                "proxy in between speak 1.0?)" },
    { has_no_body, 400, version_13,
      .reason = "websocket: the request has a body, an upgrade has none" },
    { has_one_host, 400, version_13,
      .reason = "websocket: more than one 'Host' header" },
    { has_one_key, 400, version_13,
      .reason = "websocket: more than one 'Sec-WebSocket-Key' header" },
    { has_one_origin, 400, version_13,
      .reason = "websocket: more than one 'Origin' header" },
    { connection_upgrade, 400, version_13,
      .reason =
          NOT_WEBSOCKET "'upgrade' token not found in 'Connection' header" },
    { upgrade_websocket, 426, upgrade,
      .reason =
          NOT_WEBSOCKET "'websocket' token not found in 'Upgrade' header" },
    { is_get, 405, allow_get,
      .reason = NOT_WEBSOCKET "request method is not GET" },
    { is_version_13, 400, version_13,
      .reason = "websocket: unsupported version: 13 not found in "
                "'Sec-WebSocket-Version' header" },
    { adds_no_extensions, 500, version_13,
      .reason = "websocket: application specific 'Sec-WebSocket-Extensions' "
                "headers are unsupported" },
    { has_good_list, 500, version_13, .explain = explain_list },
    { is_origin_good, 403, version_13, .explain = ws__origin_refused },
    { is_key_good, 400, version_13,
      .reason = "websocket: not a websocket handshake: 'Sec-WebSocket-Key' "
                "header must be Base64 encoded value of 16-byte in length" },
};

struct ws__refusal ws__handshake_check(const ws_request *r, int minor,
                                       bool has_body, const ws_upgrader *u,
                                       const ws_header *response, ws_error *err)
{
    struct ask a = { r, minor, has_body, u, response };

    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        const struct check *c = &checks[i];

        if (c->good(&a))
            continue;
        if (c->explain)
            c->explain(err, r, u);
        else
            ws__fail(err, c->status == 500 ? WS_ERR_INVALID : WS_ERR_HANDSHAKE,
                     "%s", c->reason);
        return (struct ws__refusal){ c->status, c->headers };
    }
    return (struct ws__refusal){ 0 };
}

bool ws_is_upgrade(const ws_request *r)
{
    struct ask a = { .r = r };

    return r && connection_upgrade(&a) && upgrade_websocket(&a);
}

/* ---- The answer --------------------------------------------------------- */

static const char *listed(const char *const *ours, struct ws__str token)
{
    for (; *ours; ours++)
        if (ws__str_is(token, *ours))
            return *ours;
    return NULL;
}

const char *ws__subprotocol_choose(const ws_header *headers,
                                   const char *const *ours)
{
    const char *chosen = NULL;

    for (const ws_header *h = headers; h && h->name && ours; h++) {
        if (!ws__equal_nocase(h->name, "Sec-WebSocket-Protocol"))
            continue;
        struct ws__str rest = ws__str(h->value), token;
        bool bad;
        while (!chosen && ws__header_next_token(&rest, &token, &bad))
            chosen = listed(ours, token);
    }
    return chosen;
}

/* Fields of the response that are the handshake's own. */
static bool is_ours(const char *header)
{
    static const char *const ours[] = {
        "Upgrade",           "Connection",
        "Content-Length",    "Sec-WebSocket-Accept",
        "Transfer-Encoding", "Sec-WebSocket-Protocol",
    };

    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        if (ws__equal_nocase(header, ours[i]))
            return true;
    return false;
}

int ws__handshake_answer(struct ws__http_out *o, const ws_request *r,
                         const char *subprotocol,
                         const struct ws__deflate_params *deflate,
                         const ws_header *response)
{
    char accept[WS__ACCEPT_LEN + 1], extension[WS__DEFLATE_FIELD_MAX];
    int error =
        ws__accept_key(accept, ws_header_get(r->headers, "Sec-WebSocket-Key"));

    if (error != 0)
        return o->error = error;
    ws__http_status_line(o, 101);
    ws__http_field(o, "Upgrade", "websocket");
    ws__http_field(o, "Connection", "Upgrade");
    ws__http_field(o, "Sec-WebSocket-Accept", accept);
    if (subprotocol)
        ws__http_field(o, "Sec-WebSocket-Protocol", subprotocol);
    if (deflate->on) {
        ws__deflate_answer(extension, deflate);
        ws__http_field(o, "Sec-WebSocket-Extensions", extension);
    }
    for (const ws_header *h = response; h && h->name; h++)
        if (!is_ours(h->name))
            ws__http_field(o, h->name, h->value ? h->value : "");
    return ws__http_end(o);
}
