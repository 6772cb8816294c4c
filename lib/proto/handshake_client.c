/* SPDX-License-Identifier: MIT */

#include "proto/handshake_client.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/line.h"
#include "base/str.h"
#include "proto/accept_key.h"
#include "proto/header.h"
#include "proto/http_target.h"

/* ---- The request -------------------------------------------------------- */

static const char *reserved(const struct ws__asked *a, const char *header)
{
    static const char *const names[] = {
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
        "Content-Length",
        "Transfer-Encoding",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (ws__equal_nocase(header, names[i]))
            return names[i];
    if (a->subprotocols && ws__equal_nocase(header, "Sec-WebSocket-Protocol"))
        return "Sec-WebSocket-Protocol";
    return NULL;
}

/* A client refuses what a server would blank: nothing has been sent yet. */
static bool is_value(const char *s)
{
    for (; *s; s++)
        if (ws__is_control(*s) && *s != '\t')
            return false;
    return true;
}

static int check_asked_host(const struct ws__asked *a, ws_error *err)
{
    const char *host = ws_header_get(a->headers, "Host");
    char quote[WS__QUOTED];

    if (ws__header_count(a->headers, "Host") > 1)
        return ws__fail(err, WS_ERR_INVALID, "more than one Host header");
    if (!host || ws__host_valid(ws__str(host)))
        return 0;
    return ws__fail(err, WS_ERR_INVALID,
                    "the Host header is not a host and a port: \"%s\"",
                    ws__quote(quote, ws__str(host)));
}

static int check_headers(const struct ws__asked *a, ws_error *err)
{
    for (const ws_header *h = a->headers; h && h->name; h++) {
        const char *name = reserved(a, h->name);
        char quote[WS__QUOTED];

        if (name)
            return ws__fail(err, WS_ERR_INVALID,
                            "the header %s is the handshake's own", name);
        if (!ws__is_token(ws__str(h->name)) || !h->value || !is_value(h->value))
            return ws__fail(err, WS_ERR_INVALID,
                            "a header cannot be sent as it is: \"%s\"",
                            ws__quote(quote, ws__str(h->name)));
    }
    return check_asked_host(a, err);
}

static int check_subprotocols(const struct ws__asked *a, ws_error *err)
{
    for (size_t i = 0; a->subprotocols && a->subprotocols[i]; i++) {
        const char *p = a->subprotocols[i];
        char quote[WS__QUOTED];
        bool twice = false;

        for (size_t k = 0; k < i; k++)
            twice = twice || strcmp(a->subprotocols[k], p) == 0;
        if (twice || !ws__is_token(ws__str(p)))
            return ws__fail(err, WS_ERR_INVALID, "the subprotocol \"%s\" is %s",
                            ws__quote(quote, ws__str(p)),
                            twice ? "listed twice" : "not a token");
    }
    return 0;
}

/* In one line, as browsers send it: of several many servers read one. */
static void put_subprotocols(struct ws__http_out *o, const struct ws__asked *a)
{
    for (size_t i = 0; a->subprotocols && a->subprotocols[i]; i++)
        if (i == 0)
            ws__http_field(o, "Sec-WebSocket-Protocol", a->subprotocols[i]);
        else
            ws__http_field_more(o, a->subprotocols[i]);
}

static void put_caller_fields(struct ws__http_out *o, const struct ws__asked *a)
{
    for (const ws_header *h = a->headers; h && h->name; h++)
        if (!ws__equal_nocase(h->name, "Host"))
            ws__http_field(o, h->name, h->value);
}

int ws__handshake_request(struct ws__http_out *o, const struct ws__asked *a,
                          ws_error *err)
{
    const char *host = ws_header_get(a->headers, "Host");
    char offer[WS__DEFLATE_FIELD_MAX];
    int error = check_headers(a, err);

    if (error == 0)
        error = check_subprotocols(a, err);
    if (error != 0)
        return error;
    ws__http_request_line(o, "GET", a->target);
    ws__http_field(o, "Host", host ? host : a->host_port);
    ws__http_field(o, "Upgrade", "websocket");
    ws__http_field(o, "Connection", "Upgrade");
    ws__http_field(o, "Sec-WebSocket-Key", a->key);
    ws__http_field(o, "Sec-WebSocket-Version", "13");
    put_subprotocols(o, a);
    if (a->compression) {
        ws__deflate_offer(offer, a->context_takeover_bits);
        ws__http_field(o, "Sec-WebSocket-Extensions", offer);
    }
    if (a->credentials && !ws_header_get(a->headers, "Authorization"))
        ws__http_basic(o, "Authorization", a->credentials);
    put_caller_fields(o, a);
    error = ws__http_end(o);
    return error == 0 ? 0
                      : ws__fail(err, error, "cannot write the request: %s",
                                 ws_strerror(error));
}

/* ---- The response ------------------------------------------------------- */

static const char *hint(int status)
{
    static const struct {
        int first, last;
        const char *text;
    } rows[] = {
        { 200, 299, "; at this path is plain HTTP, and no WebSocket" },
        { 300, 399, "; redirects are not followed" },
        { 400, 400,
          "; is the path right? does a proxy in between drop the Upgrade "
          "header?" },
        { 401, 401, "; it wants credentials (Authorization)" },
        { 403, 403, "; it may want an Origin, credentials, or another path" },
        { 404, 404, "; there is no WebSocket at this path" },
        { 407, 407, "; a proxy in between wants credentials" },
        { 426, 426, "; does a proxy in between drop the Upgrade header?" },
        { 429, 429, "; it is asked too often" },
        { 502, 504, "; the server behind it does not answer" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (status >= rows[i].first && status <= rows[i].last)
            return rows[i].text;
    return "";
}

/* What of the answer was wrong is quoted, unless it is NULL. */
static int bad(ws_error *err, int status, const char *text, const char *what)
{
    char quote[WS__QUOTED];

    if (what)
        ws__fail(err, WS_ERR_HANDSHAKE, "bad handshake: %s: \"%s\"", text,
                 ws__quote(quote, ws__str(what)));
    else
        ws__fail(err, WS_ERR_HANDSHAKE, "bad handshake: %s", text);
    if (err)
        err->http_status = status;
    return WS_ERR_HANDSHAKE;
}

const char *ws__redirect(int status, const ws_header *headers)
{
    const char *to = ws_header_get(headers, "Location");

    return status >= 300 && status <= 399 && to && *to ? to : NULL;
}

/* What the caller can do about it stands in the sentence, if that is known. */
static int refused(const struct ws__asked *a, int status,
                   const ws_header *headers, ws_error *err)
{
    const char *to = ws__redirect(status, headers);
    const char *why =
        to ? "; redirects are not followed, this one goes to " : hint(status);
    char quote[WS__QUOTED];

    if (status == 400 && !a->tls)
        why = "; is the path right? does the port want wss://? does a proxy "
              "in between drop the Upgrade header?";
    if (status == 403 && ws_header_get(a->headers, "Origin")) {
        to = ws_header_get(a->headers, "Origin");
        why = "; it may have refused the path, or Origin ";
    }
    ws__fail(err, WS_ERR_HANDSHAKE,
             "bad handshake: the server answered %d to the upgrade%s%s", status,
             why, to ? ws__quote(quote, ws__str(to)) : "");
    if (err)
        err->http_status = status;
    return WS_ERR_HANDSHAKE;
}

/* The server may choose one of ours, once. */
static const char *choose(const struct ws__asked *a, const char *value)
{
    for (size_t i = 0; a->subprotocols && a->subprotocols[i]; i++)
        if (strcmp(a->subprotocols[i], value) == 0)
            return a->subprotocols[i];
    return NULL;
}

/* Without a list of ours, a caller's own header has asked. */
static bool asked_by_header(const struct ws__asked *a, const char *value)
{
    for (const ws_header *h = a->headers; h && h->name; h++) {
        struct ws__str rest = ws__str(h->value), token;
        bool malformed;

        if (!ws__equal_nocase(h->name, "Sec-WebSocket-Protocol"))
            continue;
        while (ws__header_next_token(&rest, &token, &malformed))
            if (ws__str_is(token, value))
                return true;
    }
    return false;
}

/* An empty field, which some servers send always, counts as none. */
static int check_subprotocol(const struct ws__asked *a, int status,
                             const ws_header *headers, const char **chosen,
                             ws_error *err)
{
    const char *value = NULL;

    *chosen = NULL;
    for (const ws_header *h = headers; h && h->name; h++) {
        if (!ws__equal_nocase(h->name, "Sec-WebSocket-Protocol") || !*h->value)
            continue;
        if (value)
            return bad(err, status,
                       "the server chose more than one subprotocol", h->value);
        value = h->value;
    }
    if (!value)
        return 0;
    *chosen = choose(a, value);
    if (!*chosen && asked_by_header(a, value))
        *chosen = value;
    if (*chosen)
        return 0;
    return bad(err, status,
               "the server chose a subprotocol that was not asked for", value);
}

int ws__handshake_verify(const struct ws__asked *a, int status,
                         const ws_header *headers, const char **subprotocol,
                         struct ws__deflate_params *deflate, ws_error *err)
{
    char expected[WS__ACCEPT_LEN + 1];
    const char *accept = ws_header_get(headers, "Sec-WebSocket-Accept");

    if (status != 101)
        return refused(a, status, headers, err);
    if (!ws__header_has_token(headers, "Upgrade", "websocket"))
        return bad(err, status, "the response lacks 'websocket' in 'Upgrade'",
                   ws_header_get(headers, "Upgrade"));
    if (!ws__header_has_token(headers, "Connection", "upgrade"))
        return bad(err, status, "the response lacks 'upgrade' in 'Connection'",
                   ws_header_get(headers, "Connection"));
    int error = ws__accept_key(expected, a->key);
    if (error != 0)
        return ws__fail(err, error, "out of memory");
    if (ws__header_count(headers, "Sec-WebSocket-Accept") > 1)
        return bad(err, status,
                   "the response has more than one 'Sec-WebSocket-Accept'",
                   NULL);
    if (!accept || strcmp(accept, expected) != 0)
        return bad(err, status,
                   "the response's 'Sec-WebSocket-Accept' is not one that "
                   "answers the key",
                   accept);
    const char *held,
        *fault = ws__deflate_check(deflate, headers, a->compression,
                                   a->context_takeover_bits, &held);
    if (fault)
        return bad(err, status, fault, held);
    return check_subprotocol(a, status, headers, subprotocol, err);
}
