/* SPDX-License-Identifier: MIT */

/* The peers of bench_neighbours, each kind greedy and even. */

#include "neighbours.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <zlib.h>

#include "figures.h"

enum {
    UNIT = 64 * 1024, /* bytes, where units are of bytes */
    LARGE = 256,      /* units: 16 MiB */
    ROOM = LARGE * UNIT + UNIT,
    CHUNKS = 50, /* of a request */
};

void bench_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

void bench_sleep_until(uint64_t ns)
{
    struct timespec t = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

/* ---- Files -------------------------------------------------------------- */

static char folder[] = "/tmp/bench_neighbours.XXXXXX";

const char *bench_folder(void)
{
    return folder;
}

char *bench_file(const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        bench_fail(name, "no memory");
    return path;
}

static void run(const char *format)
{
    char *command = NULL;

    if (asprintf(&command, format, folder) < 0 || system(command) != 0)
        bench_fail("system", format);
    free(command);
}

void bench_make_files(void)
{
    if (!mkdtemp(folder))
        bench_fail(folder, strerror(errno));
    run("cd %s && openssl req -x509 -newkey ec -nodes -days 2 -subj /CN=a "
        "-addext subjectAltName=IP:127.0.0.1 "
        "-pkeyopt ec_paramgen_curve:P-256 -keyout key.pem -out cert.pem "
        "2>/dev/null");
    run("cd %s && mkdir files && truncate -s 64K files/small && "
        "truncate -s 16M files/large");
}

void bench_remove_files(void)
{
    run("rm -r %s");
}

/* ---- Bytes -------------------------------------------------------------- */

static int dial(int port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        bench_fail("connect", strerror(errno));
    return fd;
}

/* Drop what has come. */
static void drop(int fd)
{
    while (recv(fd, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT) > 0)
        continue;
}

static void drop_until(int fd, uint64_t ns)
{
    for (uint64_t now = figures_now(); now < ns; now = figures_now()) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        struct timespec t = { 0, (long)((ns - now) % 1000000000) };

        if (ppoll(&p, 1, &t, NULL) > 0)
            drop(fd);
    }
}

static void put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t r = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (r < 0 && errno != EAGAIN)
            bench_fail("send", strerror(errno));
        if (r < 0)
            poll(&(struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT }, 1,
                 1000);
        drop(fd);
        p += r > 0 ? r : 0;
        n -= r > 0 ? (size_t)r : 0;
    }
}

/* ---- HTTP --------------------------------------------------------------- */

#define HOST " HTTP/1.1\r\nHost: a\r\n"

static void open_plain(struct peer *p)
{
    p->fd = dial(p->ports->plain);
}

static size_t repeat(char *out, const char *text, int times)
{
    size_t n = strlen(text);

    for (int i = 0; i < times; i++)
        memcpy(out + (size_t)i * n, text, n);
    return n * (size_t)times;
}

static size_t make_requests(struct peer *p, char *out, int units)
{
    (void)p;
    return repeat(out, "GET /" HOST "\r\n", units);
}

static size_t make_chunks(struct peer *p, char *out, int units)
{
    static const char chunk[] = "1;signature=0123456789abcdef0123456789abcdef"
                                "0123456789abcdef0123456789abcdef\r\nx\r\n";
    size_t n = 0;

    (void)p;
    for (int i = 0; i < units; i++) {
        n += repeat(out + n, "POST /" HOST "Transfer-Encoding: chunked\r\n\r\n",
                    1);
        n += repeat(out + n, chunk, CHUNKS);
        n += repeat(out + n, "0\r\n\r\n", 1);
    }
    return n;
}

static size_t make_downloads(struct peer *p, char *out, int units)
{
    (void)p;
    return units == LARGE ? repeat(out, "GET /files/large" HOST "\r\n", 1)
                          : repeat(out, "GET /files/small" HOST "\r\n", units);
}

/* ---- Messages ----------------------------------------------------------- */

static const char upgrade[] =
    "GET /swallow" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

static void open_socket(struct peer *p)
{
    char head[1024];

    open_plain(p);
    if (send(p->fd, upgrade, sizeof(upgrade) - 1, 0) <= 0 ||
        recv(p->fd, head, sizeof(head), 0) < 12 ||
        strncmp(head + 9, "101", 3) != 0)
        bench_fail("upgrade", "refused");
}

/* A key of zeros masks nothing. */
static size_t put_frame(char *out, int first, const void *payload, size_t n)
{
    size_t bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;

    out[0] = (char)first;
    out[1] = (char)(0x80 | (bytes == 0 ? (int)n : bytes == 2 ? 126 : 127));
    for (size_t i = 0; i < bytes; i++)
        out[2 + i] = (char)((uint64_t)n >> 8 * (bytes - 1 - i));
    memset(out + 2 + bytes, 0, 4);
    memcpy(out + 6 + bytes, payload, n);
    return 6 + bytes + n;
}

static size_t make_frames(char *out, int first, int units)
{
    size_t n = 0;

    for (int i = 0; i < units; i++)
        n += put_frame(out + n, first, "", 0);
    return n;
}

static size_t make_pings(struct peer *p, char *out, int units)
{
    (void)p;
    return make_frames(out, 0x89, units);
}

static size_t make_fragments(struct peer *p, char *out, int units)
{
    size_t n = p->made++ == 0 ? put_frame(out, 0x01, "", 0) : 0;

    return n + make_frames(out + n, 0x00, units);
}

static size_t make_message(struct peer *p, char *out, int units)
{
    size_t n = (size_t)units * UNIT;
    char *zeros = calloc(1, n);

    (void)p;
    n = put_frame(out, 0x82, zeros, n);
    free(zeros);
    return n;
}

static size_t make_bomb(struct peer *p, char *out, int units)
{
    size_t n = (size_t)units * UNIT, room = n / 100 + 1024;
    Bytef *zeros = calloc(1, n), *deflated = malloc(room);
    z_stream z = { .next_in = zeros,
                   .avail_in = (uInt)n,
                   .next_out = deflated,
                   .avail_out = (uInt)room };

    (void)p;
    if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, 0) != Z_OK ||
        deflate(&z, Z_SYNC_FLUSH) != Z_OK)
        bench_fail("deflate", "failed");
    n = put_frame(out, 0xc2, deflated, room - z.avail_out - 4);
    deflateEnd(&z);
    free(zeros);
    free(deflated);
    return n;
}

/* ---- TLS ---------------------------------------------------------------- */

static SSL *new_ssl(int fd)
{
    static SSL_CTX *ctx;
    SSL_CTX *fresh = __atomic_load_n(&ctx, __ATOMIC_ACQUIRE), *none = NULL;

    if (!fresh) {
        fresh = SSL_CTX_new(TLS_client_method());
        if (!__atomic_compare_exchange_n(&ctx, &none, fresh, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            SSL_CTX_free(fresh);
            fresh = none;
        }
    }
    SSL *ssl = SSL_new(fresh);
    SSL_set_fd(ssl, fd);
    SSL_set_connect_state(ssl);
    return ssl;
}

static void open_tls(struct peer *p)
{
    char head[1024];

    p->fd = dial(p->ports->tls);
    p->ssl = new_ssl(p->fd);
    if (SSL_write(p->ssl, upgrade, sizeof(upgrade) - 1) <= 0 ||
        SSL_read(p->ssl, head, sizeof(head)) < 12 ||
        strncmp(head + 9, "101", 3) != 0)
        bench_fail("upgrade", "refused");
    SSL_set0_wbio(p->ssl, BIO_new(BIO_s_mem()));
}

/* Of a stream of frames of seven bytes. */
static size_t make_records(struct peer *p, char *out, int units)
{
    static const char frame[7] = { (char)0x82, (char)0x81, 0, 0, 0, 0, 'x' };
    BIO *b = SSL_get_wbio(p->ssl);

    for (int i = 0; i < units; i++)
        SSL_write(p->ssl, &frame[p->made++ % sizeof(frame)], 1);
    return (size_t)BIO_read(b, out, ROOM);
}

/* All of them say hello before one goes on. */
static void shake_hands(struct peer *p, int units)
{
    SSL *ssl[64];
    int fds[64];

    for (int i = 0; i < units; i++) {
        fds[i] = dial(p->ports->tls);
        ssl[i] = new_ssl(fds[i]);
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        SSL_do_handshake(ssl[i]);
    }
    for (int i = 0; i < units; i++) {
        fcntl(fds[i], F_SETFL, 0);
        if (SSL_do_handshake(ssl[i]) != 1)
            bench_fail("handshake", "failed");
        SSL_free(ssl[i]);
        close(fds[i]);
    }
}

/* ---- All ---------------------------------------------------------------- */

const struct kind bench_kinds[] = {
    { "requests", 2500, 500, .open = open_plain, .make = make_requests },
    { "bombs", 512, LARGE, .open = open_socket, .make = make_bomb },
    { "extensions", 500, 50, .open = open_plain, .make = make_chunks },
    { "pings", 2500, 2500, .open = open_socket, .make = make_pings },
    { "fragments", 2500, 2500, .open = open_socket, .make = make_fragments },
    { "handshakes", 50, 50, .tls = true, .act = shake_hands },
    { "records", 2500, 2500, .tls = true, .open = open_tls,
      .make = make_records },
    { "downloads", LARGE, LARGE, .open = open_plain, .make = make_downloads },
    { "messages", LARGE, LARGE, .open = open_socket, .make = make_message },
    { 0 },
};

static void act(struct peer *p, char *bytes, size_t *n, int units)
{
    const struct kind *k = p->kind;

    if (k->act) {
        k->act(p, units);
        return;
    }
    if (*n == 0 || k->make == make_records || k->make == make_fragments)
        *n = k->make(p, bytes, units);
    put(p->fd, bytes, *n);
}

void *bench_peer(void *peer)
{
    struct peer *p = peer;
    const struct kind *k = p->kind;
    int units = p->greedy ? k->burst : 1;
    uint64_t period =
        UINT64_C(1000000000) * (uint64_t)units / (uint64_t)k->rate;
    uint64_t next = p->begin + period * (uint64_t)p->index / 4;
    char *bytes = malloc(ROOM);
    size_t n = 0;

    if (k->open)
        k->open(p);
    bench_sleep_until(next);
    while (next < p->until) {
        act(p, bytes, &n, units);
        p->done += units;
        uint64_t now = figures_now();
        next = next + period > now ? next + period : now;
        if (k->open)
            drop_until(p->fd, next < p->until ? next : p->until);
        else
            bench_sleep_until(next < p->until ? next : p->until);
    }
    if (k->open)
        close(p->fd);
    SSL_free(p->ssl);
    free(bytes);
    return NULL;
}
