/* SPDX-License-Identifier: MIT */

/* Lists in header fields: of tokens, of extensions with parameters (RFC 6455,
 * section 9.1), of offers and answers of permessage-deflate (RFC 7692). */

#include "fuzz/fuzz.h"

#include "proto/extension.h"
#include "proto/header.h"

enum { TEXT_MAX_BYTES = 16384, VALUE_ROOM = 4096 };

/* A list written anew. */
struct text {
    char bytes[TEXT_MAX_BYTES];
    size_t n;
};

static void put(struct text *t, const char *s, size_t n)
{
    CHECK(t->n + n < sizeof(t->bytes));
    if (n > 0)
        memcpy(t->bytes + t->n, s, n);
    t->n += n;
    t->bytes[t->n] = '\0';
}

/* ---- Tokens ------------------------------------------------------------- */

static size_t read_tokens(struct text *out, struct ws__str whole, bool *bad)
{
    struct ws__str rest = whole, token;
    size_t n = 0;

    out->n = 0;
    put(out, "", 0);
    for (; ws__header_next_token(&rest, &token, bad); n++) {
        CHECK(!*bad && ws__is_token(token) && is_within(token, whole));
        put(out, ", ", n > 0 ? 2 : 0);
        put(out, token.p, token.n);
    }
    CHECK(*bad || rest.n == 0);
    return n;
}

static void check_tokens(const char *value)
{
    static struct text once, twice;
    const ws_header headers[] = { { "List", value }, { 0 } };
    struct ws__str rest, token;
    bool bad, again;
    size_t n = read_tokens(&once, ws__str(value), &bad);

    CHECK(read_tokens(&twice, ws__str(once.bytes), &again) == n && !again);
    CHECK(strcmp(once.bytes, twice.bytes) == 0);
    for (rest = ws__str(once.bytes);
         ws__header_next_token(&rest, &token, &again);) {
        char *copy = string_of(token);

        CHECK(ws__header_has_token(headers, "LIST", copy));
        free(copy);
    }
}

/* ---- Extensions --------------------------------------------------------- */

static void put_quoted(struct text *out, struct ws__str value)
{
    put(out, "\"", 1);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            put(out, "\\", 1);
        put(out, value.p + i, 1);
    }
    put(out, "\"", 1);
}

static void read_params(struct text *out, struct ws__params *p,
                        struct ws__str whole)
{
    struct ws__str name, value;
    char room[VALUE_ROOM];

    while (ws__params_next(p, &name, &value, room, sizeof(room))) {
        CHECK(ws__is_token(name) && is_within(name, whole));
        CHECK(value.p != room || value.n <= sizeof(room));
        put(out, "; ", 2);
        put(out, name.p, name.n);
        if (!value.p)
            continue;
        put(out, "=", 1);
        put_quoted(out, value);
    }
}

/* Returns whether all of it was well formed. */
static bool read_extensions(struct text *out, struct ws__str whole)
{
    struct ws__params p = { .rest = whole };
    struct ws__str name;

    out->n = 0;
    put(out, "", 0);
    while (ws__params_next_name(&p, &name)) {
        CHECK(ws__is_token(name) && is_within(name, whole));
        put(out, ", ", out->n > 0 ? 2 : 0);
        put(out, name.p, name.n);
        read_params(out, &p, whole);
    }
    CHECK(p.bad || p.rest.n == 0);
    return !p.bad;
}

static void check_extensions(const char *value)
{
    static struct text once, twice;

    if (!read_extensions(&once, ws__str(value)))
        return;
    CHECK(read_extensions(&twice, ws__str(once.bytes)));
    CHECK(strcmp(once.bytes, twice.bytes) == 0);
}

/* ---- permessage-deflate -------------------------------------------------- */

static void check_params(const struct ws__deflate_params *p)
{
    if (!p->on)
        return;
    CHECK(p->server_bits >= 8 && p->server_bits <= 15);
    CHECK(p->client_bits >= 9 && p->client_bits <= 15);
}

/* Whatever a server makes of an offer, a client that offered as much takes it;
 * whatever answer a client takes is within what it has offered. */
static void check_deflate(const char *value, int bits)
{
    char answer[WS__DEFLATE_FIELD_MAX];
    const ws_header theirs[] = { { "Sec-WebSocket-Extensions", value }, { 0 } };
    const ws_header ours[] = { { "Sec-WebSocket-Extensions", answer }, { 0 } };
    struct ws__deflate_params p, client;
    const char *held = NULL;

    ws__deflate_choose(&p, theirs, bits);
    check_params(&p);
    if (p.on) {
        CHECK(p.server_bits >= 9); /* zlib has no window of 8 */
        ws__deflate_answer(answer, &p);
        CHECK(!ws__deflate_check(&client, ours, true, 15, &held));
        CHECK(client.server_bits == p.server_bits);
        CHECK(client.client_bits == p.client_bits);
    }
    const char *fault = ws__deflate_check(&client, theirs, true, bits, &held);
    CHECK(!fault || (is_line(fault) && held == value));
    if (!fault)
        check_params(&client);
    if (!fault && bits != 0 && client.on)
        CHECK(client.client_bits <= (bits < 9 ? 9 : bits));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int bits[] = { 0, 15, 9, 12 };
    struct input in = { data, size };
    unsigned settings = take_byte(&in);
    char *value = string_of(as_str(in));

    check_tokens(value);
    check_extensions(value);
    check_deflate(value, bits[settings & 3]);
    free(value);
    return 0;
}
