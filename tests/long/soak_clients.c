/* SPDX-License-Identifier: MIT */

/* Those who use soak's server: each does one thing after the other, chosen at
 * random, some of it badly; what they have a right to is compared byte by
 * byte. */

#include "soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST = 32, SMALL = 200, LARGE = 256 << 10, UPLOAD = 512 << 10 };

struct actor {
    uint64_t seed;
    long number;
    long said; /* publications */
    char *data;
};

static unsigned some(struct actor *a, unsigned n)
{
    a->seed ^= a->seed << 13;
    a->seed ^= a->seed >> 7;
    a->seed ^= a->seed << 17;
    return (unsigned)(a->seed >> 32) % n;
}

static int64_t patience(void)
{
    return ws_after(SOAK_PATIENCE_MS);
}

static const char *port_of(const ws_listener *l)
{
    return strrchr(ws_listener_addr(l), ':') + 1;
}

/* ---- Connections -------------------------------------------------------- */

/* bits: -1 for no compression, 0 for no takeover. */
static ws_conn *dial_with(struct actor *a, const char *path, int bits)
{
    bool tls = some(a, 3) == 0;
    const ws_dialer d = {
        .proxy = "",
        .tls = &soak.trust,
        .handshake_timeout_ms = SOAK_PATIENCE_MS,
        .enable_compression = bits >= 0,
        .context_takeover_bits = bits > 0 ? bits : 0,
    };
    char url[64];
    ws_error err;

    snprintf(url, sizeof(url), "%s://127.0.0.1:%s%s", tls ? "wss" : "ws",
             port_of(tls ? soak.tls : soak.plain), path);
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c)
        soak_lost("a dial", err.text);
    else
        soak_did(SOAK_CONNECTIONS, 1);
    if (c)
        ws_enable_write_compression(c, d.enable_compression);
    return c;
}

static ws_conn *dial(struct actor *a, const char *path)
{
    int bits = some(a, 2) ? 0 : 9 + (int)some(a, 7);

    return dial_with(a, path, some(a, 2) ? bits : -1);
}

/* A reset, when it is closed. */
static void prefer_reset(int fd)
{
    const struct linger now = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    soak_did(SOAK_RESETS, 1);
}

/* In one of the ways there are. */
static void hang_up(struct actor *a, ws_conn *c, bool polite)
{
    switch (polite ? 0 : some(a, 5)) {
    case 0:
        if (ws_finish(c, WS_CLOSE_NORMAL, "bye", patience()) != 0)
            soak_lost("a close frame", ws_conn_error(c)->text);
        break;
    case 1:
        ws_write_close(c, WS_CLOSE_GOING_AWAY, NULL);
        break;
    case 2:
        ws_shutdown(c);
        break;
    case 3:
        prefer_reset(ws_fd(c));
        ws_shutdown(c);
        break;
    case 4:
        break;
    }
    ws_close(c);
}

/* ---- Echoes ------------------------------------------------------------- */

static size_t fill(struct actor *a, unsigned kind)
{
    size_t n = some(a, kind < 90 ? SMALL : kind < 99 ? 8192 : LARGE);
    unsigned step = 1 + some(a, 25);

    for (size_t i = 0; i < n; i++)
        a->data[i] = (char)('a' + (i * step + i / 64) % 26);
    return n;
}

static int say(struct actor *a, ws_conn *c, size_t n)
{
    if (some(a, 10) > 0)
        return ws_write_message(c, WS_TEXT, a->data, n);

    size_t half = n > 0 ? some(a, (unsigned)n) : 0;
    int r = ws_next_writer(c, WS_BINARY);

    r = r != 0 ? r : ws_write(c, a->data, half);
    r = r != 0 ? r : ws_flush(c);
    r = r != 0 ? r : ws_write(c, a->data + half, n - half);
    return r != 0 ? r : ws_end_message(c);
}

/* The same message some times, and the same times back. */
static bool exchange(struct actor *a, ws_conn *c, unsigned kind)
{
    size_t n = fill(a, kind);
    int burst = n <= SMALL ? 1 + (int)some(a, BURST) : 1;
    ws_message m;

    for (int i = 0; i < burst; i++)
        if (say(a, c, n) != 0)
            return soak_lost("a write", ws_conn_error(c)->text);
    if (some(a, 8) == 0)
        ws_write_control(c, WS_PING, "?", 1, patience());
    for (int i = 0; i < burst; i++) {
        if (ws_read_message_by(c, &m, patience(), NULL) != 0)
            return soak_lost("an echo", ws_conn_error(c)->text);
        if (m.len != n || memcmp(m.data, a->data, n) != 0)
            return soak_lost("an echo", "another one came");
    }
    soak_did(SOAK_MESSAGES, 2L * burst);
    return true;
}

static void talk(struct actor *a)
{
    static const char *const paths[] = { "/echo",   "/echo",   "/takeover",
                                         "/thread", "/called", "/pieces" };
    ws_conn *c = dial(a, paths[some(a, sizeof(paths) / sizeof(*paths))]);
    bool well = c != NULL;

    for (unsigned i = some(a, 20); well && i > 0; i--)
        well = exchange(a, c, some(a, 100));
    if (well)
        hang_up(a, c, some(a, 2));
    else
        ws_close(c);
}

/* ---- All the same at once ----------------------------------------------- */

/* What is kept for the next one (compressors, buffers) has a bound that chance
 * comes near to ever more seldom, which would look like a leak: so the crowds
 * reach it before what counts begins. */

enum { CROWD_MS = 2000 };

static const struct crowd {
    const char *path;
    int bits;
    bool slowly;
} crowds[] = {
    { "/takeover", 9, false },  { "/takeover", 10, false },
    { "/takeover", 11, false }, { "/takeover", 12, false },
    { "/takeover", 13, false }, { "/takeover", 14, false },
    { "/takeover", 15, false }, { "/echo", 0, false },
    { "/thread", 0, false },    { "/pieces", 0, true },
};

/* In two halves, between which both ends keep a compressor. */
static bool exchange_slowly(struct actor *a, ws_conn *c)
{
    size_t n = fill(a, 99), half = n / 2;
    ws_message m;

    if (ws_next_writer(c, WS_BINARY) != 0 || ws_write(c, a->data, half) != 0 ||
        ws_flush(c) != 0)
        return soak_lost("a half", ws_conn_error(c)->text);
    ws_sleep(CROWD_MS);
    if (ws_write(c, a->data + half, n - half) != 0 || ws_end_message(c) != 0 ||
        ws_read_message_by(c, &m, patience(), NULL) != 0)
        return soak_lost("a half", ws_conn_error(c)->text);
    return (m.len == n && memcmp(m.data, a->data, n) == 0) ||
           soak_lost("a half", "another one came");
}

static void be_one_of_a_crowd(struct actor *a, const struct crowd *k)
{
    int64_t end = ws_after(CROWD_MS);
    ws_conn *c = dial_with(a, k->path, k->bits);
    bool well = c != NULL;

    while (well && ws_now() < end)
        well = k->slowly ? exchange_slowly(a, c) : exchange(a, c, 99);
    if (well)
        hang_up(a, c, true);
    else
        ws_close(c);
}

/* ---- The hub ------------------------------------------------------------ */

/* Offsets one after the other, until one's own last word. */
static bool hear_own(ws_conn *c, const char *own)
{
    unsigned long long offset, last = 0;
    ws_message m;
    int at;

    for (;;) {
        if (ws_read_message_by(c, &m, patience(), NULL) != 0)
            return soak_lost("a publication", ws_conn_error(c)->text);
        soak_did(SOAK_MESSAGES, 1);
        if (sscanf(m.data, "%llu %n", &offset, &at) != 1)
            return soak_lost("a publication", m.data);
        if (last > 0 && offset != last + 1)
            return soak_lost("a publication", "a gap, or one twice");
        last = offset;
        if (strcmp(m.data + at, own) == 0)
            return true;
    }
}

static bool publish(struct actor *a, ws_conn *c, char *own, size_t size)
{
    for (unsigned i = 1 + some(a, 16); i > 0; i--) {
        snprintf(own, size, "%ld of %ld", ++a->said, a->number);
        if (ws_write_text(c, own) != 0)
            return soak_lost("a write", ws_conn_error(c)->text);
    }
    return true;
}

static void join(struct actor *a)
{
    char topic[16], own[64] = "";
    ws_conn *c = dial(a, "/hub");
    ws_message m;
    bool well = c != NULL;

    snprintf(topic, sizeof(topic), "topic %u", some(a, 50));
    if (well)
        well = ws_write_text(c, topic) == 0 &&
               ws_read_message_by(c, &m, patience(), NULL) == 0;
    if (well && some(a, 8) == 0) /* hears of nothing */
        ws_sleep(some(a, 2000));
    else
        for (unsigned i = some(a, 4); well && i > 0; i--)
            well = publish(a, c, own, sizeof(own)) && hear_own(c, own);
    if (well)
        hang_up(a, c, false);
    else
        ws_close(c);
}

/* ---- Slow readers ------------------------------------------------------- */

/* In part, or all of it. */
static void read_slowly(struct actor *a)
{
    ws_conn *c = dial(a, "/blast");
    int most = (int)some(a, 128), i = 0, number = -1;
    ws_message m;

    for (; c && i < most; i++) {
        ws_sleep(some(a, 20));
        if (ws_read_message_by(c, &m, patience(), NULL) != 0)
            break;
        memcpy(&number, m.data, sizeof(number));
        soak_did(SOAK_MESSAGES, 1);
        if (number != i)
            soak_lost("one of many", "another one came");
    }
    if (c && i < most && (i != 64 || ws_close_code(c) != WS_CLOSE_NORMAL))
        soak_lost("one of many", ws_conn_error(c)->text);
    ws_close(c);
}

/* ---- Requests ----------------------------------------------------------- */

static int connect_to(const ws_listener *l)
{
    ws_error err;
    int fd = ws_connect(ws_listener_addr(l), patience(), NULL, &err);

    if (fd < 0)
        soak_lost("a connection", err.text);
    return fd;
}

/* What comes until the end of the stream, as text. */
static size_t hear_all(int fd, char *text, size_t size)
{
    size_t n = 0;
    ptrdiff_t got;

    while (n + 1 < size &&
           (got = ws_read_fd(fd, text + n, size - n - 1, patience(), NULL)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    return n;
}

static void upload(struct actor *a)
{
    size_t n = some(a, UPLOAD);
    unsigned sum = 0;
    char text[1024], want[64];
    int fd = connect_to(soak.plain);

    if (fd < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        a->data[i] = (char)(i ^ a->seed);
        sum = sum * 31 + (unsigned char)a->data[i];
    }
    snprintf(want, sizeof(want), "\r\n\r\n%zu %u\n", n, sum);
    int head = snprintf(text, sizeof(text),
                        "POST /upload HTTP/1.1\r\nHost: a\r\n"
                        "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                        n);
    if (ws_write_fd(fd, text, (size_t)head, patience(), NULL) != 0 ||
        ws_write_fd(fd, a->data, n, patience(), NULL) != 0)
        soak_lost("an upload", "not taken");
    else if (hear_all(fd, text, sizeof(text)) == 0 || !strstr(text, want))
        soak_lost("an upload", text);
    soak_did(SOAK_REQUESTS, 1);
    close(fd);
}

static void download(struct actor *a)
{
    static const char ask[] = "GET /files/file HTTP/1.1\r\nHost: a\r\n\r\n"
                              "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
                              "GET /files/file HTTP/1.1\r\nHost: a\r\n"
                              "Connection: close\r\n\r\n";
    int fd = connect_to(soak.plain);

    if (fd < 0)
        return;
    if (ws_write_fd(fd, ask, sizeof(ask) - 1, patience(), NULL) != 0)
        soak_lost("a request", "not taken");
    else if (hear_all(fd, a->data, UPLOAD) < 2 * (100 << 10))
        soak_lost("a file", "in full");
    soak_did(SOAK_REQUESTS, 3);
    close(fd);
}

/* ---- Those who do not play by the rules --------------------------------- */

/* A beginning of what others say, or more than that; and gone. */
static void misbehave(struct actor *a)
{
    static const char said[] =
        "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        "\x82\xfe\x03\xe8mask and some of a thousand bytes";
    int fd = connect_to(some(a, 4) == 0 ? soak.tls : soak.plain);

    if (fd < 0)
        return;
    if (ws_write_fd(fd, said, some(a, sizeof(said)), patience(), NULL) == 0)
        ws_sleep(some(a, 50));
    if (some(a, 2) == 0)
        prefer_reset(fd);
    else if (some(a, 2) == 0)
        shutdown(fd, SHUT_WR);
    close(fd);
}

/* Dials that cannot be. */
static void be_refused(struct actor *a)
{
    static const char *const urls[] = { "ws://127.0.0.1:%s/nothing",
                                        "wss://127.0.0.1:%s/echo",
                                        "ws://127.0.0.1:1/echo" };
    ws_response *resp;
    ws_error err;
    char url[64];

    snprintf(url, sizeof(url), urls[some(a, 3)], port_of(soak.plain));
    ws_conn *c = ws_dial(&(ws_dialer){ .proxy = "", .tls = &soak.trust }, url,
                         NULL, &resp, &err);
    if (c)
        soak_lost("a refusal", url);
    ws_response_free(resp);
    ws_close(c);
}

/* ---- One of them -------------------------------------------------------- */

void soak_act(void *arg)
{
    struct actor a = { .number = (long)(intptr_t)arg };

    a.seed = 0x9e3779b97f4a7c15u * (uint64_t)(a.number + 1);
    a.data = malloc(UPLOAD);
    for (size_t i = 0; i < sizeof(crowds) / sizeof(*crowds) && soak.crowds; i++)
        be_one_of_a_crowd(&a, &crowds[i]);
    while (a.data && ws_now() < soak.until) {
        unsigned what = some(&a, 20);

        if (what < 9)
            talk(&a);
        else if (what < 12)
            join(&a);
        else if (what < 13)
            read_slowly(&a);
        else if (what < 15)
            upload(&a);
        else if (what < 16)
            download(&a);
        else if (what < 19)
            misbehave(&a);
        else
            be_refused(&a);
        ws_sleep(some(&a, 2 * (unsigned)soak.pause_ms + 1));
    }
    free(a.data);
}
