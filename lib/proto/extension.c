/* SPDX-License-Identifier: MIT */

#include "proto/extension.h"

#include <stdio.h>

#include "proto/header.h"

enum {
    BITS_MIN = 8,
    BITS_MAX = 15,
    ZLIB_BITS_MIN = 9, /* zlib compresses with no raw window of 8 */
    VALUE_ONCE = -1,   /* the parameter was given without a value */
    VALUE_MAX = 16,
};

/* The parameters of one offer or answer, as they stand. */
struct terms {
    bool server_no_takeover;
    bool client_no_takeover;
    int server_bits; /* 0: not given */
    int client_bits; /* 0: not given; VALUE_ONCE: without a value */
};

static const char name[] = "permessage-deflate";

/* 1*DIGIT without a leading zero, 8 to 15 (RFC 7692, section 7.1.2). */
static bool bits_of(struct ws__str value, int *bits)
{
    unsigned long long n;

    if (!value.p || value.n == 0 || value.p[0] == '0' ||
        !ws__str_number(value, BITS_MAX, &n) || n < BITS_MIN)
        return false;
    *bits = (int)n;
    return true;
}

static bool flag(bool *seen, struct ws__str value)
{
    bool first = !*seen;

    *seen = true;
    return first && !value.p;
}

/* Take one parameter.  Returns false for an unknown or repeated one, or one
 * with a value that it cannot have. */
static bool take_param(struct terms *t, struct ws__str param,
                       struct ws__str value)
{
    if (ws__str_is_nocase(param, "server_no_context_takeover"))
        return flag(&t->server_no_takeover, value);
    if (ws__str_is_nocase(param, "client_no_context_takeover"))
        return flag(&t->client_no_takeover, value);
    if (ws__str_is_nocase(param, "server_max_window_bits"))
        return t->server_bits == 0 && bits_of(value, &t->server_bits);
    if (!ws__str_is_nocase(param, "client_max_window_bits") ||
        t->client_bits != 0)
        return false;
    t->client_bits = VALUE_ONCE;
    return !value.p || bits_of(value, &t->client_bits);
}

/* Take all parameters of an extension, good or not, so that the next one can be
 * read. */
static bool take_terms(struct terms *t, struct ws__params *p)
{
    struct ws__str param, value;
    char buf[VALUE_MAX];
    bool good = true;

    *t = (struct terms){ 0 };
    while (ws__params_next(p, &param, &value, buf, sizeof(buf)))
        good = take_param(t, param, value) && good;
    return good && !p->bad;
}

/* ---- Server ------------------------------------------------------------- */

static int at_most(int limit, int wanted)
{
    return wanted > 0 && wanted < limit ? wanted : limit;
}

static int valid_limit(int takeover_bits)
{
    return takeover_bits < ZLIB_BITS_MIN ? ZLIB_BITS_MIN
                                         : at_most(BITS_MAX, takeover_bits);
}

/* The client's window is bounded only if it has offered that (RFC 7692, section
 * 7.1.2.2); what cannot be bounded is not kept. */
static void bound_client(struct ws__deflate_params *p, const struct terms *t,
                         int limit)
{
    bool can = t->client_bits == VALUE_ONCE || t->client_bits > BITS_MIN;
    int bits = at_most(limit, t->client_bits);

    p->client_takeover = !t->client_no_takeover;
    if (can && bits < BITS_MAX) {
        p->client_bits = bits;
        p->say_client_bits = true;
    } else if (!can && limit < BITS_MAX) {
        p->client_takeover = false;
    }
}

static bool accept(struct ws__deflate_params *p, const struct terms *t,
                   int takeover_bits)
{
    int limit = takeover_bits == 0 ? BITS_MAX : valid_limit(takeover_bits);

    if (t->server_bits == BITS_MIN)
        return false;
    *p = (struct ws__deflate_params){ .on = true, .client_bits = BITS_MAX };
    p->server_bits = at_most(limit, t->server_bits);
    p->say_server_bits = t->server_bits != 0 || p->server_bits < BITS_MAX;
    if (takeover_bits != 0) {
        p->server_takeover = !t->server_no_takeover;
        bound_client(p, t, limit);
    }
    p->client_unasked = !p->client_takeover && !t->client_no_takeover;
    return true;
}

static bool choose_in(struct ws__deflate_params *p, const char *value,
                      int takeover_bits)
{
    struct ws__params params = { .rest = ws__str(value) };
    struct ws__str extension;
    struct terms t;

    while (ws__params_next_name(&params, &extension))
        if (take_terms(&t, &params) && ws__str_is_nocase(extension, name) &&
            accept(p, &t, takeover_bits))
            return true;
    return false;
}

void ws__deflate_choose(struct ws__deflate_params *p, const ws_header *headers,
                        int takeover_bits)
{
    for (const ws_header *h = headers; h && h->name; h++)
        if (ws__equal_nocase(h->name, "sec-websocket-extensions") &&
            choose_in(p, h->value, takeover_bits))
            return;
    *p = (struct ws__deflate_params){ 0 };
}

enum { BITS_TEXT = 48 };

static void bits_text(char out[static BITS_TEXT], const char *param, int bits)
{
    if (bits > 0)
        snprintf(out, BITS_TEXT, "; %s=%d", param, bits);
    else
        out[0] = '\0';
}

void ws__deflate_answer(char out[static WS__DEFLATE_FIELD_MAX],
                        const struct ws__deflate_params *p)
{
    char server[BITS_TEXT], client[BITS_TEXT];

    bits_text(server, "server_max_window_bits",
              p->say_server_bits ? p->server_bits : 0);
    bits_text(client, "client_max_window_bits",
              p->say_client_bits ? p->client_bits : 0);
    snprintf(out, WS__DEFLATE_FIELD_MAX, "%s%s%s%s%s", name,
             p->server_takeover ? "" : "; server_no_context_takeover",
             p->client_takeover ? "" : "; client_no_context_takeover", server,
             client);
}

/* ---- Client ------------------------------------------------------------- */

void ws__deflate_offer(char out[static WS__DEFLATE_FIELD_MAX],
                       int takeover_bits)
{
    int limit = valid_limit(takeover_bits);

    if (takeover_bits == 0)
        snprintf(out, WS__DEFLATE_FIELD_MAX,
                 "%s; server_no_context_takeover; client_no_context_takeover",
                 name);
    else if (limit == BITS_MAX)
        snprintf(out, WS__DEFLATE_FIELD_MAX, "%s; client_max_window_bits",
                 name);
    else
        snprintf(out, WS__DEFLATE_FIELD_MAX,
                 "%s; server_max_window_bits=%d; client_max_window_bits=%d",
                 name, limit, limit);
}

/* A server that says nothing of its window, though a limit was offered, has not
 * read the offer; but it can be read: the largest window reads every message
 * (RFC 7692, sections 7.1.1.1 and 7.1.2.1 have the client fail for none of
 * this). */
static const char *terms_fault(const struct terms *t, int takeover_bits)
{
    int limit = valid_limit(takeover_bits);

    if (takeover_bits == 0 && t->client_bits != 0)
        return "the server asks for client_max_window_bits, which was not "
               "offered";
    if (t->client_bits == VALUE_ONCE)
        return "the server's client_max_window_bits has no value";
    if (t->client_bits == BITS_MIN)
        return "the server asks for a window of 8 bits, which zlib cannot do";
    if (t->client_bits > limit)
        return "the server's client_max_window_bits is above what was offered";
    if (takeover_bits != 0 && t->server_bits > limit)
        return "the server's server_max_window_bits is above what was offered";
    return NULL;
}

static void agree(struct ws__deflate_params *p, const struct terms *t,
                  int takeover_bits)
{
    int limit = takeover_bits == 0 ? BITS_MAX : valid_limit(takeover_bits);

    *p = (struct ws__deflate_params){
        .on = true,
        .server_takeover = !t->server_no_takeover,
        .client_takeover = takeover_bits != 0 && !t->client_no_takeover,
        .server_bits = t->server_bits > 0 ? t->server_bits : BITS_MAX,
        .client_bits = at_most(limit, t->client_bits),
    };
}

static const char *check_field(struct ws__deflate_params *p, const char *value,
                               bool offered, int takeover_bits)
{
    struct ws__params params = { .rest = ws__str(value) };
    struct ws__str extension;
    struct terms t;

    while (ws__params_next_name(&params, &extension)) {
        if (!offered || !ws__str_is_nocase(extension, name))
            return "the server chose an extension that was not offered";
        if (p->on)
            return "the server chose an extension twice";
        if (!take_terms(&t, &params))
            return "the server answered with a parameter that is unknown, "
                   "repeated or malformed";
        const char *fault = terms_fault(&t, takeover_bits);
        if (fault)
            return fault;
        agree(p, &t, takeover_bits);
    }
    return params.bad ? "the server's Sec-WebSocket-Extensions is malformed"
                      : NULL;
}

const char *ws__deflate_check(struct ws__deflate_params *p,
                              const ws_header *headers, bool offered,
                              int takeover_bits, const char **held)
{
    const char *fault = NULL;

    *p = (struct ws__deflate_params){ 0 };
    for (const ws_header *h = headers; !fault && h && h->name; h++)
        if (ws__equal_nocase(h->name, "sec-websocket-extensions")) {
            *held = h->value;
            fault = check_field(p, h->value, offered, takeover_bits);
        }
    return fault;
}
