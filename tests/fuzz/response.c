/* SPDX-License-Identifier: MIT */

/* The answer to a client's request, with whatever 1xx come before, and what of
 * its body is kept: the same however it comes; and whether it is a handshake's
 * (RFC 6455, section 4.1). */

#include "fuzz/feed.h"
#include "fuzz/fields.h"

#include "base/buf.h"
#include "client/response.h"
#include "client/retry.h"
#include "proto/handshake_client.h"

enum { KEPT_MAX = 1024 };

struct answer {
    ws_response *r;
    int error;
    int minor;
    size_t left; /* bytes behind it */
    ws_error err;
};

static const int room[] = { 0, 1, 1000, -1 };

static void read_answer(struct answer *a, struct input in, struct steps steps,
                        unsigned settings)
{
    struct feed feed = feed_of(in, steps);
    struct ws__exchange x = {
        .stream = &feed.stream,
        .tunnel = settings & 1,
        .max_fields = room[settings >> 1 & 3],
    };

    *a = (struct answer){ 0 };
    a->error = ws__response_read(&x, &a->r, &a->minor, &a->err);
    a->left = feed.in.n + ws__buf_used(&x.in);
    ws__buf_release(&x.in, NULL);
    if (a->error == WS_ERR_HTTP)
        check_error(a->error, &a->err);
    CHECK(a->error == 0 || a->error == WS_ERR_HTTP || a->error == WS_ERR_EOF);
    CHECK(a->left <= in.n);
}

static void check_same_fields(const ws_header *a, const ws_header *b)
{
    for (; a->name && b->name; a++, b++)
        CHECK(strcmp(a->name, b->name) == 0 && strcmp(a->value, b->value) == 0);
    CHECK(!a->name && !b->name);
}

/* Of a faulty head, what came of it is quoted, and its end is not waited for. */
static void check_same(const struct answer *a, const struct answer *b)
{
    CHECK(a->error == b->error);
    if (a->error != 0)
        return;
    CHECK(a->r->status == b->r->status && a->minor == b->minor);
    CHECK(a->r->body_len == b->r->body_len);
    CHECK(memcmp(a->r->body, b->r->body, a->r->body_len) == 0);
    check_same_fields(a->r->headers, b->r->headers);
    if (a->r->status == 101)
        CHECK(a->left == b->left);
}

static void check_handshake(const ws_response *r, unsigned settings)
{
    static const char *const subprotocols[] = { "chat", "superchat", NULL };
    const struct ws__asked asked = {
        .key = "dGhlIHNhbXBsZSBub25jZQ==",
        .tls = settings & 8,
        .subprotocols = settings & 16 ? subprotocols : NULL,
        .compression = settings & 32,
        .context_takeover_bits = settings & 64 ? 12 : 0,
    };
    struct ws__deflate_params p = { 0 };
    const char *chosen = NULL;
    ws_error err = { 0 };
    int error =
        ws__handshake_verify(&asked, r->status, r->headers, &chosen, &p, &err);

    check_error(error, &err);
    if (error != 0)
        return;
    CHECK(r->status == 101);
    CHECK(!chosen || asked.subprotocols);
    CHECK(!p.on || asked.compression);
    if (!p.on)
        return;
    CHECK(p.server_bits >= 8 && p.server_bits <= 15);
    CHECK(p.client_bits >= 9 && p.client_bits <= 15);
    CHECK(asked.context_takeover_bits != 0 || !p.client_takeover);
}

static void check_answer(const struct answer *a, unsigned settings)
{
    const ws_response *r = a->r;

    CHECK(r->status == 101 || (r->status >= 200 && r->status <= 999));
    CHECK(r->body_len <= KEPT_MAX && r->body[r->body_len] == '\0');
    CHECK(r->status != 101 || r->body_len == 0);
    check_fields(r->headers);
    int64_t wait = ws__retry_after(r, 784111777);
    CHECK(wait >= 0 && wait <= (int64_t)24 * 60 * 60 * 1000);
    check_handshake(r, settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct answer whole, split;
    unsigned settings = take_byte(&in);
    struct steps steps = take_steps(&in);

    read_answer(&whole, in, (struct steps){ 0 }, settings);
    read_answer(&split, in, steps, settings);
    check_same(&whole, &split);
    if (whole.error == 0) {
        check_answer(&whole, settings);
        ws_response_free(split.r);
        ws_response_free(whole.r);
    }
    return 0;
}
