/* SPDX-License-Identifier: MIT */

/* Peers that do all they may, at a rate that is bounded: each is a fiber. */

#include "hostile.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <zlib.h>

enum { PATIENCE_MS = 60 * 1000, AGAIN_MS = 200, SECOND = 1000, SMALL = 4096 };

static unsigned some(unsigned *seed, unsigned n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % n;
}

/* Returns whether it is over. */
static bool pause_for(int64_t ms)
{
    return ws_event_wait(&hostile.over, ws_after(ms)) == 0;
}

static void count(long n)
{
    atomic_fetch_add(&hostile.frames, n);
}

/* ---- Connections -------------------------------------------------------- */

static int connect_to(int port)
{
    char addr[32];
    ws_error err;

    snprintf(addr, sizeof(addr), "127.0.0.1:%d", port);
    return ws_connect(addr, ws_after(PATIENCE_MS), &hostile.over, &err);
}

static bool say(int fd, const void *p, size_t n)
{
    return ws_write_fd(fd, p, n, ws_after(PATIENCE_MS), &hostile.over) == 0;
}

static const char ask[] = " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                          "\r\n";

/* What the kernel keeps for one that does not read. */
static void make_small(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ SMALL }, sizeof(int));
}

/* An upgraded connection, or -1. */
static int upgrade(const char *path)
{
    int fd = connect_to(hostile.plain);
    char text[512], head[512];
    ptrdiff_t n = 0;

    if (fd < 0)
        return -1;
    snprintf(text, sizeof(text), "GET %s%s", path, ask);
    if (say(fd, text, strlen(text)))
        n = ws_read_fd(fd, head, sizeof(head), ws_after(PATIENCE_MS),
                       &hostile.over);
    if (n > 12 && memcmp(head + 9, "101", 3) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Drop what has come.  Returns false at the end. */
static bool drop(int fd)
{
    static char dropped[64 * 1024];
    ssize_t n;

    while ((n = recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT)) > 0)
        continue;
    return n < 0;
}

static void reset(int fd)
{
    const struct linger now = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* Masked by zeros, of at most 125 bytes. */
static size_t put_frame(char *out, int first, const void *payload, size_t n)
{
    out[0] = (char)first;
    out[1] = (char)(0x80 | n);
    memset(out + 2, 0, 4);
    memcpy(out + 6, payload, n);
    return 6 + n;
}

/* ---- Who is no enemy ---------------------------------------------------- */

static void be_good(const struct hostile_kind *k, unsigned seed)
{
    char url[64];
    ws_error err;
    ws_message m;

    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/echo", hostile.plain);
    ws_conn *c = ws_dial(&(ws_dialer){ .proxy = "" }, url, NULL, NULL, &err);
    bool over = pause_for(some(&seed, SECOND / (unsigned)k->rate));
    while (c && !over && ws_write_text(c, "twenty bytes of text") == 0 &&
           ws_read_message_by(c, &m, ws_after(PATIENCE_MS), NULL) == 0) {
        count(1);
        over = pause_for(SECOND / k->rate);
    }
    ws_close(c);
}

/* ---- Enemies ------------------------------------------------------------ */

/* Until it is over: does once what it does with a connection of its own. */
static void again_and_again(int (*open)(void), unsigned seed, int rate,
                            bool (*act)(int fd, int rate, unsigned *seed))
{
    bool over = pause_for(some(&seed, SECOND));

    while (!over) {
        int fd = open();
        while (!over && fd >= 0 && act(fd, rate, &seed))
            over = pause_for(SECOND);
        if (fd >= 0)
            close(fd);
        over = over || pause_for(AGAIN_MS);
    }
}

static int open_plain(void)
{
    return connect_to(hostile.plain);
}

static int open_tls(void)
{
    return connect_to(hostile.tls);
}

static int open_echo(void)
{
    return upgrade("/echo");
}

/* A head, a byte a second. */
static bool say_a_byte(int fd, int rate, unsigned *seed)
{
    (void)seed;
    count(rate);
    return say(fd, "GET /", 1) && drop(fd);
}

static void be_slow(const struct hostile_kind *k, unsigned seed)
{
    again_and_again(open_plain, seed, k->rate, say_a_byte);
}

static bool say_many(int fd, int n, const char *frames, size_t len)
{
    char *all = malloc(len * (size_t)n);

    for (int i = 0; all && i < n; i++)
        memcpy(all + (size_t)i * len, frames, len);
    bool well = all && say(fd, all, len * (size_t)n) && drop(fd);
    free(all);
    count(n);
    return well;
}

static bool say_pings(int fd, int rate, unsigned *seed)
{
    char ping[16];

    (void)seed;
    return say_many(fd, rate, ping, put_frame(ping, 0x89, "ping", 4));
}

static void flood_by_pings(const struct hostile_kind *k, unsigned seed)
{
    again_and_again(open_echo, seed, k->rate, say_pings);
}

/* One byte, or none. */
static bool say_fragments(int fd, int rate, unsigned *seed)
{
    char frames[32];
    size_t n = put_frame(frames, 0x00, "x", 1);

    (void)seed;
    n += put_frame(frames + n, 0x00, "", 0);
    return say_many(fd, rate / 2, frames, n);
}

static int open_message(void)
{
    char frame[8];
    int fd = open_echo();

    if (fd >= 0)
        say(fd, frame, put_frame(frame, 0x02, "", 0));
    return fd;
}

static void flood_by_fragments(const struct hostile_kind *k, unsigned seed)
{
    again_and_again(open_message, seed, k->rate, say_fragments);
}

/* A message that inflates to four times the limit; until it is refused. */
static bool say_bomb(int fd, int rate, unsigned *seed)
{
    static char frame[8 + 8192];
    static size_t len;

    (void)seed;
    if (len == 0) {
        uint8_t *zeros = calloc(4, HOSTILE_LIMIT);
        z_stream z = { .next_in = zeros,
                       .avail_in = 4 * HOSTILE_LIMIT,
                       .next_out = (uint8_t *)frame + 8,
                       .avail_out = 8192 };
        deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
        deflate(&z, Z_SYNC_FLUSH);
        size_t n = (size_t)z.total_out - 4; /* 00 00 ff ff */
        memcpy(frame, "\xc2\xfe", 2);
        frame[2] = (char)(n >> 8);
        frame[3] = (char)n;
        len = 8 + n;
        deflateEnd(&z);
        free(zeros);
    }
    count(rate);
    return say(fd, frame, len) && drop(fd);
}

static void bomb(const struct hostile_kind *k, unsigned seed)
{
    again_and_again(open_echo, seed, k->rate, say_bomb);
}

static int open_feed(void)
{
    int fd = upgrade("/feed");

    if (fd >= 0)
        make_small(fd);
    return fd;
}

static bool take_nothing(int fd, int rate, unsigned *seed)
{
    (void)rate;
    (void)seed;
    return poll(&(struct pollfd){ .fd = fd }, 1, 0) == 0;
}

static void be_mute(const struct hostile_kind *k, unsigned seed)
{
    again_and_again(open_feed, seed, k->rate, take_nothing);
}

/* As much of a ClientHello as it likes, and no more. */
static bool say_hello(int fd, int rate, unsigned *seed)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *out = BIO_new(BIO_s_mem());
    char *hello;

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_connect(ssl);
    unsigned n = (unsigned)BIO_get_mem_data(out, &hello);
    bool well = say(fd, hello, 1 + some(seed, n));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    count(rate);
    while (well && drop(fd) && !pause_for(SECOND))
        continue;
    return false;
}

static void leave_handshake(const struct hostile_kind *k, unsigned seed)
{
    again_and_again(open_tls, seed, k->rate, say_hello);
}

/* Some of a request and of frames, and a reset at some moment. */
static void churn(const struct hostile_kind *k, unsigned seed)
{
    bool over = pause_for(some(&seed, SECOND));
    char text[1024];

    while (!over) {
        int fd = open_plain();
        size_t n = (size_t)snprintf(text, sizeof(text), "GET /echo%s", ask);

        for (int i = 0; i < 20; i++)
            n += put_frame(text + n, 0x82, "message", 7);
        if (fd >= 0 && say(fd, text, some(&seed, (unsigned)n)))
            over = pause_for(some(&seed, 20));
        if (fd >= 0)
            reset(fd);
        count(1);
        over = over || pause_for(some(&seed, 2 * SECOND / (unsigned)k->rate));
    }
}

void hostile_hold_connection(const struct hostile_kind *k, unsigned seed)
{
    bool over = false;

    (void)k;
    (void)seed;
    while (!over) {
        int fd = open_plain();
        do
            over = pause_for(SECOND / 10);
        while (!over && fd >= 0 && drop(fd));
        if (fd >= 0)
            close(fd);
        count(1);
    }
}

/* 20,000 frames a second together, but for the first. */
const struct hostile_kind hostile_kinds[] = {
    { "well-behaved", be_good, 1400, 14, 512 },
    { "slow heads", be_slow, 1000, 1, 64 },
    { "pings", flood_by_pings, 100, 90, 512 },
    { "bombs", bomb, 100, 1, 2432 },
    { "mute", be_mute, 100, 1, 1280 },
    { "fragments", flood_by_fragments, 20, 480, 512 },
    { "TLS left", leave_handshake, 50, 1, 320 },
    { "churn", churn, 30, 5, 512 },
    { 0 },
};
