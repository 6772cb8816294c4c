/* SPDX-License-Identifier: MIT */

/* Connections that somebody else has accepted. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fiber/sched.h"
#include "server/listener.h"
#include "server/running.h"
#include "server/seat.h"
#include "server/welcome.h"

struct given {
    struct ws__seat *seat;
    int fd;
    char remote[WS__ADDR_LEN];
};

static bool is_connected_stream(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(int), len = sizeof(peer);
    int type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM &&
           getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

/* One at a time of a seat: where more are handed in than there is room for, each
 * of them would wait until none was turned away any more. */
static void look_after(struct ws__seat *seat)
{
    int64_t due;

    if (seat->looks_after)
        return;
    seat->looks_after = true;
    while ((due = ws__welcome_look_after(seat)) != 0)
        if (ws_event_wait(&seat->listener->stop, due) == 0)
            break;
    seat->looks_after = false;
}

/* In a fiber of the seat's worker, as an acceptor does. */
static void given_run(void *arg)
{
    struct given *g = arg;
    struct ws__seat *seat = g->seat;

    ws__welcome(seat, g->fd, g->remote);
    ws_free(g);
    ws__seat_accepts_no_more(seat->listener);
    look_after(seat);
    ws__running_ends(seat->listener);
}

static void given_abandon(void *arg)
{
    struct given *g = arg;

    close(g->fd);
    ws__seat_accepts_no_more(g->seat->listener);
    ws__running_ends(g->seat->listener);
    ws_free(g);
}

static int given_start(ws_listener *l, int fd, const char *remote)
{
    struct given *g = ws__alloc(sizeof(*g));

    if (!g)
        return -ENOMEM;
    g->seat = ws__welcome_seat(l);
    g->fd = fd;
    if (remote)
        snprintf(g->remote, sizeof(g->remote), "%s", remote);
    else
        ws__remote_name(fd, g->remote);
    ws__running_begins(l);
    atomic_fetch_add(&l->accepting, 1); /* so a shutdown welcomes it first */
    int r = ws__go_in(g->seat->worker, given_run, given_abandon, g);
    if (r != 0) {
        ws__seat_accepts_no_more(l);
        ws__running_ends(l);
        ws_free(g);
    }
    return r;
}

int ws_listener_serve_fd(ws_listener *l, int fd, const char *remote)
{
    int r = l && is_connected_stream(fd) ? ws__nonblocking(fd) : WS_ERR_INVALID;

    if (r == 0)
        ws__nodelay(fd);
    if (r == 0)
        r = ws__registry_closing(l->host.registry) ? WS_ERR_CANCELED
                                                   : given_start(l, fd, remote);
    if (r != 0 && fd >= 0)
        close(fd);
    return r;
}
