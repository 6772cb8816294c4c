/* SPDX-License-Identifier: MIT */

/*
 * A server's end of the opening handshake (RFC 6455, section 4.2) for a good
 * request with fields of the input added or instead, and the client's end for
 * what comes of it: what one side agrees to, the other understands in the same
 * way.
 */

#include "fuzz/fields.h"

#include "proto/handshake_client.h"
#include "proto/handshake_server.h"
#include "proto/http_parse.h"

static const ws_header usual[] = {
    { "Upgrade", "websocket" },
    { "Connection", "keep-alive, Upgrade" },
    { "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==" },
    { "Sec-WebSocket-Version", "13" },
    { "Host", "example.com" },
};

static const char *const subprotocols[] = { "chat", "superchat", NULL };
static const char *const origins[] = { "https://*.example.org", "null",
                                       "file://", NULL };
static const int takeovers[] = { 0, 15, 9, 12 };

static bool is_known_status(int status)
{
    return status == 400 || status == 403 || status == 405 || status == 426;
}

/* What an offer is answered with, a client that has made it takes. */
static void check_deflate(const struct ws__deflate_params *agreed)
{
    char answer[WS__DEFLATE_FIELD_MAX];
    ws_header headers[] = { { "Sec-WebSocket-Extensions", answer }, { 0 } };
    struct ws__deflate_params p;
    const char *held = NULL;

    if (!agreed->on)
        return;
    CHECK(agreed->server_bits >= 9 && agreed->server_bits <= 15);
    CHECK(agreed->client_bits >= 9 && agreed->client_bits <= 15);
    ws__deflate_answer(answer, agreed);
    CHECK(!ws__deflate_check(&p, headers, true, 15, &held));
    CHECK(p.on && p.server_takeover == agreed->server_takeover);
    CHECK(p.client_takeover == agreed->client_takeover);
    CHECK(p.server_bits == agreed->server_bits);
    CHECK(p.client_bits == agreed->client_bits);
}

/* The answer is one that a client takes that has asked for what was chosen. */
static void check_answer(const ws_request *r, const char *subprotocol,
                         const struct ws__deflate_params *deflate)
{
    const char *const chosen[] = { subprotocol, NULL };
    struct ws__asked asked = {
        .key = ws_header_get(r->headers, "Sec-WebSocket-Key"),
        .subprotocols = subprotocol ? chosen : NULL,
        .compression = deflate->on,
        .context_takeover_bits = 15,
        .headers = NULL,
    };
    struct ws__http_out out;
    struct ws__http_head h;
    struct ws__deflate_params p;
    ws_header fields[WS__FIELDS_MAX + 1];
    const char *got = NULL;
    ws_error err = { 0 };

    ws__http_out_init(&out);
    CHECK(ws__handshake_answer(&out, r, subprotocol, deflate, NULL) == 0);
    ws__http_init(&h, true, 4096);
    CHECK(ws__http_parse(&h, out.p, out.len) == (int)out.len);
    CHECK(h.status == 101 && h.minor == 1);
    ws__http_strings(&h, out.p, fields);
    CHECK(ws__handshake_verify(&asked, h.status, fields, &got, &p, &err) == 0);
    CHECK(err.code == 0 && got == subprotocol && p.on == deflate->on);
    ws__http_out_fini(&out);
}

static void shake_hands(const ws_request *r, const ws_upgrader *u, int minor,
                        bool has_body)
{
    struct ws__deflate_params deflate = { 0 };
    ws_error err = { 0 };
    struct ws__refusal no =
        ws__handshake_check(r, minor, has_body, u, NULL, &err);
    const char *chosen = ws__subprotocol_choose(r->headers, u->subprotocols);

    CHECK(!chosen ||
          ws__header_has_token(r->headers, "Sec-WebSocket-Protocol", chosen));
    if (u->enable_compression)
        ws__deflate_choose(&deflate, r->headers, u->context_takeover_bits);
    check_deflate(&deflate);
    if (no.status != 0) {
        CHECK(is_known_status(no.status));
        check_error(WS_ERR_HANDSHAKE, &err);
        return;
    }
    check_error(0, &err);
    CHECK(minor > 0 && !has_body && ws_is_upgrade(r));
    check_answer(r, chosen, &deflate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct fields f = { 0 };
    unsigned settings = take_byte(&in), without = take_byte(&in);
    ws_upgrader u = {
        .subprotocols = settings & 1 ? subprotocols : NULL,
        .allowed_origins = settings & 2 ? origins : NULL,
        .enable_compression = settings & 4,
        .context_takeover_bits = takeovers[settings >> 3 & 3],
    };

    for (size_t i = 0; i < COUNT(usual); i++)
        if (!(without >> i & 1))
            add_field(&f, ws__str(usual[i].name), ws__str(usual[i].value));
    take_fields(&f, &in);

    const char *host = ws_header_get(f.list, "Host");
    ws_request r = {
        .method = settings & 32 ? "POST" : "GET",
        .target = "/",
        .path = "/",
        .query = "",
        .host = host ? host : "",
        .remote_addr = "",
        .headers = f.list,
        .body = "",
    };
    shake_hands(&r, &u, settings & 64 ? 0 : 1, settings & 128);
    free_fields(&f);
    return 0;
}
