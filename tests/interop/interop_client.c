/* SPDX-License-Identifier: MIT */
/* interop_client URL [--ca FILE] [--deflate [BITS]]: talk to an echo server, with
 * windows of that many bits that are kept, and print a line for each case. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { PATIENCE_MS = 60000 };

/* What is to be sent, at most 1 MiB. */
static char data[1 << 20];

/* Prints the outcome of a case: why is NULL if it went well. */
static void report(const char *name, const char *why)
{
    if (why)
        printf("not ok %s: %s\n", name, why);
    else
        printf("ok %s\n", name);
}

static void fill_text(size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (char)('a' + i * 7 % 26);
}

static void fill_binary(size_t n)
{
    uint32_t x = (uint32_t)n + 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = (char)(x >> 24);
    }
}

static size_t fill_many_byte_text(void)
{
    static const char unit[] = "größer, 你好, 🦍; ";
    size_t n = 0;

    for (int i = 0; i < 3000; i++, n += strlen(unit))
        memcpy(data + n, unit, strlen(unit));
    return n;
}

static const char *failure(const ws_conn *c, int code)
{
    const char *text = ws_conn_error(c)->text;

    return *text ? text : ws_strerror(code);
}

/* Read one message, which must be n bytes of data. */
static const char *expect(ws_conn *c, ws_type type, size_t n)
{
    ws_message m;
    int error = ws_read_message(c, &m);

    if (error != 0)
        return failure(c, error);
    if (m.type != type)
        return "the other type came back";
    if (m.len != n || memcmp(m.data, data, n) != 0)
        return "other bytes came back";
    return NULL;
}

static const char *round_trip(ws_conn *c, ws_type type, size_t n)
{
    int error = ws_write_message(c, type, data, n);

    return error != 0 ? failure(c, error) : expect(c, type, n);
}

static void sizes(ws_conn *c)
{
    static const size_t list[] = {
        0, 1, 125, 126, 127, 4096, 65535, 65536, 200000, sizeof(data),
    };
    char name[64];

    for (size_t i = 0; i < COUNT(list); i++) {
        fill_text(list[i]);
        snprintf(name, sizeof(name), "text of %zu bytes", list[i]);
        report(name, round_trip(c, WS_TEXT, list[i]));

        fill_binary(list[i]);
        snprintf(name, sizeof(name), "binary of %zu bytes", list[i]);
        report(name, round_trip(c, WS_BINARY, list[i]));
    }
}

/* Noise that a window of 9 bits holds (zlib looks back 250 bytes then). */
static const char *same_again(ws_conn *c)
{
    fill_binary(230);
    const char *why = round_trip(c, WS_BINARY, 230);
    return why ? why : round_trip(c, WS_BINARY, 230);
}

/* Where the smaller windows must not look back to. */
static const char *same_far_behind(ws_conn *c)
{
    enum { FAR = 20000 };

    fill_binary(FAR);
    memcpy(data + FAR, data, FAR);
    return round_trip(c, WS_BINARY, 2 * FAR);
}

static int on_pong(ws_conn *c, const char *payload, size_t len, void *arg)
{
    bool *right = arg;

    (void)c;
    *right = len == 13 && memcmp(payload, "are you there", 13) == 0;
    return 0;
}

static const char *ping(ws_conn *c)
{
    bool right = false;

    ws_set_pong_handler(c, on_pong, &right);
    int error = ws_write_control(c, WS_PING, "are you there", 13,
                                 ws_after(PATIENCE_MS));
    if (error != 0)
        return failure(c, error);
    const char *why = round_trip(c, WS_TEXT, 0);
    ws_set_pong_handler(c, NULL, NULL);
    return why || right ? why : "no pong, or another";
}

static const char *fragments(ws_conn *c)
{
    static const size_t pieces[] = { 1, 1000, 0, 70000 };
    size_t n = 0;
    int error = ws_next_writer(c, WS_TEXT);

    fill_text(sizeof(data));
    for (size_t i = 0; error == 0 && i < COUNT(pieces); i++) {
        error = ws_write(c, data + n, pieces[i]);
        n += pieces[i];
        if (error == 0)
            error = ws_flush(c);
    }
    if (error == 0)
        error = ws_end_message(c);
    return error != 0 ? failure(c, error) : expect(c, WS_TEXT, n);
}

static const char *closing(ws_conn *c)
{
    int error = ws_finish(c, WS_CLOSE_NORMAL, "bye", ws_after(PATIENCE_MS));

    if (error != 0)
        return failure(c, error);
    return ws_closed_with(c, WS_CLOSE_NORMAL) ? NULL : "another close code";
}

static const char *agreed(const ws_response *resp, bool deflate)
{
    static const char name[] = "permessage-deflate";
    const char *got = ws_header_get(resp->headers, "Sec-WebSocket-Extensions");
    bool on = got && strncmp(got, name, strlen(name)) == 0;

    if (on == deflate)
        return NULL;
    return on ? "compression was agreed" : "compression was declined";
}

struct options {
    const char *url;
    ws_tls tls;
    bool deflate;
    int bits;
};

static bool parse(struct options *o, char **args)
{
    o->url = *args ? *args++ : NULL;
    if (*args && strcmp(*args, "--ca") == 0) {
        o->tls.ca_file = *++args;
        args += *args != NULL;
    }
    if (*args && strcmp(*args, "--deflate") == 0) {
        o->deflate = true;
        args++;
        o->bits = *args ? (int)strtol(*args++, NULL, 10) : 0;
    }
    return o->url && !*args;
}

static void talk(ws_conn *c, const ws_response *resp, bool deflate)
{
    ws_set_read_deadline(c, ws_after(PATIENCE_MS));
    report("compression as asked", agreed(resp, deflate));
    sizes(c);
    report("text of many-byte characters",
           round_trip(c, WS_TEXT, fill_many_byte_text()));
    report("the same again", same_again(c));
    report("the same far behind", same_far_behind(c));
    report("ping", ping(c));
    report("fragments", fragments(c));
    report("close", closing(c));
}

int main(int argc, char **argv)
{
    struct options o = { 0 };
    ws_response *resp;
    ws_error err;

    (void)argc;
    if (!parse(&o, argv + 1)) {
        fputs("usage: interop_client URL [--ca FILE] [--deflate [BITS]]\n",
              stderr);
        return 2;
    }
    const ws_dialer dialer = {
        .enable_compression = o.deflate,
        .context_takeover_bits = o.bits,
        .tls = &o.tls,
    };
    ws_conn *c = ws_dial(&dialer, o.url, NULL, &resp, &err);
    if (!c) {
        fprintf(stderr, "interop_client: %s\n", err.text);
        ws_response_free(resp);
        return 1;
    }
    talk(c, resp, o.deflate);
    ws_response_free(resp);
    ws_close(c);
    return 0;
}
