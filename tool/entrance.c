/* SPDX-License-Identifier: MIT */

#include "entrance.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "output.h"
#include "tcp.h"
#include "watch.h"

enum {
    LEAVE_MS = 10 * 1000,
    PAUSE_MS = 100, /* when there are no descriptors left */
};

struct guest {
    struct entrance *entrance;
    int fd;
};

void entrance_refuse(int fd)
{
    const struct linger reset = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
}

static void entrance_count(struct entrance *e, int change)
{
    ws_mutex_lock(&e->lock);
    e->inside += change;
    if (e->inside == 0)
        ws_event_set(&e->empty);
    else
        ws_event_clear(&e->empty);
    ws_mutex_unlock(&e->lock);
}

static void guest_run(void *arg)
{
    struct guest *g = arg;
    struct entrance *e = g->entrance;

    e->serve(e, g->fd);
    free(g);
    entrance_count(e, -1);
}

static void entrance_admit(struct entrance *e, int fd)
{
    struct guest *g = memory_resize(NULL, sizeof(*g));
    *g = (struct guest){ e, fd };

    entrance_count(e, 1);
    ws_fiber *f = ws_go(guest_run, g);
    if (!f) {
        entrance_refuse(fd);
        free(g);
        entrance_count(e, -1);
    }
    ws_detach(f);
}

static void entrance_accept(struct entrance *e, int listener, ws_event *ending)
{
    while (ws_wait_any(listener, POLLIN, 0, ending, NULL) > 0) {
        int fd = tcp_accept(listener);

        if (fd >= 0)
            entrance_admit(e, fd);
        else if (fd != -EAGAIN && fd != -ECONNABORTED && fd != -EINTR)
            ws_event_wait(ending, ws_after(PAUSE_MS));
    }
}

/* Who does not answer is cut. */
static enum status entrance_empty(struct entrance *e)
{
    peers_close(&e->peers, WS_CLOSE_GOING_AWAY);
    if (ws_event_wait(&e->empty, ws_after(LEAVE_MS)) == 0)
        return STATUS_CLOSED;
    peers_cut(&e->peers);
    return ws_event_wait(&e->empty, ws_after(LEAVE_MS)) == 0 ? STATUS_CLOSED
                                                             : STATUS_TIMEOUT;
}

enum status entrance_run(struct entrance *e, const char *where,
                         ws_event *ending)
{
    struct watch watch = { .wish = watch_set, .arg = ending };
    int listener = tcp_listen(where);

    if (listener < 0)
        return STATUS_NO_CONNECTION;
    char *address = tcp_address(listener);
    output_note("listening on tcp:%s", address);
    free(address);
    ws_event_set(&e->empty);
    watch_begin(&watch);
    entrance_accept(e, listener, ending);
    close(listener);
    enum status status = entrance_empty(e);
    watch_end(&watch);
    return status;
}
