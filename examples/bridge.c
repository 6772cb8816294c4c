/* SPDX-License-Identifier: MIT */
/* Carry what WebSockets say to a TCP server, or a local socket, and back, byte
 * for byte: bridge to [addr], say bridge localhost:5900 :6080 */

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <silverback.h>

enum {
    CONNECT_MS = 10 * 1000,
    STALLED_MS = 60 * 1000, /* takes nothing for so long: is gone */
    DRAIN_MS = 10 * 1000,   /* to say the rest, when the other end has gone */
};

struct bridge {
    ws_conn *c;
    int fd;
    ws_event drained; /* all that TCP has said is told */
    ws_event over;    /* and no more is wanted */
};

static void carry_back(void *arg)
{
    struct bridge *b = arg;
    char buf[16 * 1024];
    ptrdiff_t n;

    while ((n = ws_read_fd(b->fd, buf, sizeof(buf), 0, &b->over)) > 0 &&
           ws_write_message(b->c, WS_BINARY, buf, (size_t)n) == 0)
        ;
    ws_write_close(b->c, n == 0 ? WS_CLOSE_NORMAL : WS_CLOSE_BAD_GATEWAY, NULL);
    ws_event_set(&b->drained);
}

/* Returns why it has ended. */
static int carry_there(const struct bridge *b)
{
    ws_message m;
    int error;

    while ((error = ws_read_message(b->c, &m)) == 0) {
        error = ws_write_fd(b->fd, m.data, m.len, ws_after(STALLED_MS), NULL);
        if (error != 0)
            break;
    }
    return error;
}

static void bridge(ws_conn *c, void *to)
{
    struct bridge b = { .c = c };
    ws_error err;

    b.fd = ws_connect(to, ws_after(CONNECT_MS), NULL, &err);
    if (b.fd < 0) {
        fprintf(stderr, "%s\n", err.text);
        ws_write_close(c, WS_CLOSE_BAD_GATEWAY, NULL);
        return;
    }
    ws_set_close_delay(c, DRAIN_MS);
    ws_fiber *f = ws_go(carry_back, &b);

    /* After a goodbye, what TCP says to that still goes before the answer. */
    if (carry_there(&b) == WS_ERR_CLOSED && shutdown(b.fd, SHUT_WR) == 0)
        ws_event_wait(&b.drained, ws_after(DRAIN_MS));
    ws_event_set(&b.over);
    ws_join(f);
    close(b.fd);
}

int main(int argc, char **argv)
{
    static const char *const protocols[] = { "binary", NULL };
    static const ws_upgrader upgrader = { .subprotocols = protocols };

    if (argc < 2)
        return fprintf(stderr, "usage: bridge to [addr]\n") > 0;
    const ws_route routes[] = {
        { .path = "/",
          .socket = bridge,
          .arg = argv[1],
          .upgrader = &upgrader },
        { 0 },
    };
    return ws_serve(&(ws_server){ .addr = argc > 2 ? argv[2] : "localhost:6080",
                                  .routes = routes }) != 0;
}
