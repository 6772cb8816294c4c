/* SPDX-License-Identifier: MIT */

#include "tunnel.h"

#include <sys/socket.h>
#include <unistd.h>

enum {
    STALLED_MS = 60 * 1000, /* takes nothing for so long: is gone */
    DRAIN_MS = 10 * 1000,   /* to say the rest, when the other end has gone */
    PART = 16 * 1024,
};

struct tunnel {
    ws_conn *conn;
    int fd;
    ws_event drained; /* all that the stream has said is told */
    ws_event over;    /* and no more is wanted */
};

static void carry_to_conn(void *arg)
{
    struct tunnel *t = arg;
    char data[PART];
    ptrdiff_t n;

    while ((n = ws_read_fd(t->fd, data, sizeof(data), 0, &t->over)) > 0 &&
           ws_write_message(t->conn, WS_BINARY, data, (size_t)n) == 0)
        ;
    ws_write_close(t->conn, n == 0 ? WS_CLOSE_NORMAL : WS_CLOSE_BAD_GATEWAY,
                   NULL);
    ws_event_set(&t->drained);
}

/* Returns why it has ended. */
static int carry_to_stream(const struct tunnel *t)
{
    ws_message m;
    int r;

    while ((r = ws_read_message(t->conn, &m)) == 0) {
        r = ws_write_fd(t->fd, m.data, m.len, ws_after(STALLED_MS), NULL);
        if (r != 0)
            break;
    }
    return r;
}

void tunnel(ws_conn *c, int fd)
{
    struct tunnel t = { .conn = c, .fd = fd };

    ws_set_close_delay(c, DRAIN_MS);
    ws_fiber *f = ws_go(carry_to_conn, &t);

    /* After a goodbye, what the stream says to that still goes before the
     * answer. */
    if (carry_to_stream(&t) == WS_ERR_CLOSED && shutdown(fd, SHUT_WR) == 0)
        ws_event_wait(&t.drained, ws_after(DRAIN_MS));
    ws_event_set(&t.over);
    ws_join(f);
    close(fd);
}
