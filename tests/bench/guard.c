/* SPDX-License-Identifier: MIT */
/* What guard.py counts the instructions of: connections in a loop of this
 * program's own, and peers at the other ends of socketpairs, that write frames
 * and take answers in turn with it.  Nothing depends on time, so that the
 * counts repeat.  Prints how many messages each row's count is of. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <silverback.h>
#include <sys/socket.h>
#include <valgrind/callgrind.h>

#include "bench_cast.h"
#include "load_frames.h"
#include "load_request.h"
#include "../echo.h"

enum { PEERS = 64, WARMUP = 4, ROUNDS = 16, STEPS = 1000, ROOM = 65536 };

/* ---- What echoes --------------------------------------------------------- */

static ws_loop *loop;
static ws_upgrader plain = { .check_origin = ws_any_origin };
static ws_upgrader packed = { .check_origin = ws_any_origin,
                              .enable_compression = true };

static const ws_route routes[] = {
    { .path = "/echo", .handler = echo_in_loop, .arg = &plain },
    { .path = "/called", .handler = echo_when_called, .arg = &plain },
    { .path = "/cast", .handler = cast_by_hub, .arg = &plain },
    { .path = "/packed/echo", .handler = echo_in_loop, .arg = &packed },
    { .path = "/packed/called", .handler = echo_when_called, .arg = &packed },
    { 0 },
};

/* The other side of a connection: what a server sends comes back, masked. */
static void echo_masked(void *fd)
{
    ws_conn *c = ws_adopt(*(int *)fd, &(ws_adoption){ .client = true }, NULL);

    if (!c)
        load_fail("a connection is not adopted");
    echo(c, NULL);
    ws_close(c);
}

/* A step, and the only thing that is counted. */
static void step(void)
{
    CALLGRIND_TOGGLE_COLLECT;
    int64_t again = ws_loop_step(loop);
    CALLGRIND_TOGGLE_COLLECT;
    if (again < 0)
        load_fail("ws_loop_step: %s", ws_strerror((int)again));
}

/* ---- What is counted ---------------------------------------------------- */

struct row {
    const char *name; /* as in rows.py */
    const char *path; /* NULL: we are the client */
    size_t senders;   /* of the peers */
    size_t depth;
    size_t size;
};

static const struct row rows[] = {
    { "b", "/echo", PEERS, 1, 20 },
    { "b --on-message", "/called", PEERS, 1, 20 },
    { "c", "/echo", PEERS, 16, 20 },
    { "c --on-message", "/called", PEERS, 16, 20 },
    { "d", "/echo", PEERS, 1, 1024 },
    { "d --on-message", "/called", PEERS, 1, 1024 },
    { "g", "/packed/echo", PEERS, 1, 1024 },
    { "g --on-message", "/packed/called", PEERS, 1, 1024 },
    { "k", "/cast", 1, 1, 100 },
    { "k16", "/cast", 1, 16, 100 },
    { "client b", NULL, PEERS, 1, 20 },
    { "client d", NULL, PEERS, 1, 1024 },
};

static bool is_packed(const struct row *row)
{
    return row->path && strncmp(row->path, "/packed", 7) == 0;
}

/* ---- The peers ---------------------------------------------------------- */

static int peers[PEERS];

/* Goes on until so many answers have come to each peer: take tells how many
 * there are in what has come to one. */
static void await(const struct row *row, size_t answers,
                  size_t (*take)(const uint8_t *p, size_t n))
{
    static uint8_t came[PEERS][ROOM];
    size_t n[PEERS] = { 0 }, done = 0;

    for (int steps = 0; done < PEERS; steps++) {
        if (steps == STEPS)
            load_fail("%s: no answer in %d steps", row->name, STEPS);
        step();
        done = 0;
        for (size_t i = 0; i < PEERS; i++) {
            ssize_t got =
                recv(peers[i], came[i] + n[i], ROOM - n[i], MSG_DONTWAIT);
            if (got == 0 || (got < 0 && errno != EAGAIN))
                load_fail("%s: the connection has ended", row->name);
            n[i] += got > 0 ? (size_t)got : 0;
            done += take(came[i], n[i]) == answers;
        }
    }
}

static size_t take_upgrade(const uint8_t *p, size_t n)
{
    static const char status[] = "HTTP/1.1 101 ";

    if (n >= strlen(status) && memcmp(p, status, strlen(status)) != 0)
        load_fail("expected an upgrade, got %.*s", (int)n, (const char *)p);
    return n > 4 && memcmp(p + n - 4, "\r\n\r\n", 4) == 0;
}

/* Texts in single frames of less than 64 KiB (RFC 6455, 5.2), compressed or
 * not, masked or not. */
static size_t take_frames(const uint8_t *p, size_t n)
{
    size_t frames = 0, at = 0;

    while (n - at >= 4) {
        size_t len = p[at + 1] & 0x7f;
        if ((p[at] & 0xbf) != 0x81 || len > 126)
            load_fail("expected a text, got %02x %02x", p[at], p[at + 1]);
        len = len < 126 ? 2 + len : 4u + (size_t)(p[at + 2] << 8 | p[at + 3]);
        len += p[at + 1] & 0x80 ? 4 : 0;
        if (n - at < len)
            break;
        at += len;
        frames++;
    }
    return frames;
}

static void send_all(int fd, const void *p, size_t n)
{
    if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
        load_fail("send: %s", strerror(errno));
}

static void upgrade_all(const struct row *row)
{
    char request[LOAD_REQUEST];
    size_t n = load_request(request, row->path, "localhost", is_packed(row));

    for (size_t i = 0; i < PEERS; i++)
        send_all(peers[i], request, n);
    await(row, 1, take_upgrade);
}

static void connect_all(const struct row *row, ws_listener *l)
{
    static int ours[PEERS];

    for (size_t i = 0; i < PEERS; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            load_fail("socketpair: %s", strerror(errno));
        peers[i] = ends[0];
        ours[i] = ends[1];
        if (!row->path)
            ws_detach(ws_go(echo_masked, ours + i));
        else if (ws_listener_serve_fd(l, ours[i], "peer") != 0)
            load_fail("a connection is not served");
    }
    if (row->path)
        upgrade_all(row);
}

/* ---- Rows --------------------------------------------------------------- */

/* What a peer sends: as a client masked, and made once. */
static size_t make_messages(uint8_t *to, const struct row *row)
{
    struct frames f;
    size_t n = 0;

    frames_init(&f, &(struct load_options){ .size = row->size,
                                            .depth = row->depth,
                                            .deflate = is_packed(row) });
    if (row->path) {
        n = f.begin[row->depth];
        memcpy(to, f.wire, n);
    } else {
        size_t head = frames_head(&f, 0);
        memcpy(to, f.wire, head);
        to[1] &= 0x7f; /* not masked */
        memcpy(to + head, frames_plain(&f, 0), row->size);
        n = head + row->size;
    }
    frames_fini(&f);
    return n;
}

static void run_row(const struct row *row, ws_listener *l)
{
    uint8_t messages[8192];
    size_t n = make_messages(messages, row);

    connect_all(row, l);
    for (int round = 0; round < WARMUP + ROUNDS; round++) {
        if (round == WARMUP)
            CALLGRIND_ZERO_STATS;
        for (size_t i = 0; i < row->senders; i++)
            send_all(peers[i], messages, n);
        await(row, row->depth, take_frames);
    }
    CALLGRIND_DUMP_STATS_AT(row->name);
    printf("%s\t%zu\n", row->name, ROUNDS * PEERS * row->depth);
    for (size_t i = 0; i < PEERS; i++)
        close(peers[i]);
    for (int i = 0; i < WARMUP; i++)
        step();
}

int main(void)
{
    loop = ws_loop_new(0);
    cast_setup();
    ws_listener *l = ws_listen(
        &(ws_server){ .addr = "none", .routes = routes, .loop = loop }, NULL);

    if (!loop || !l)
        load_fail("no server");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run_row(rows + i, l);
    ws_listener_shutdown(l, ws_after(1000));
    cast_teardown();
    return ws_loop_free(loop) != 0;
}
