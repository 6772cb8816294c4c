/* SPDX-License-Identifier: MIT */

#include "io/wait.h"

#include <stddef.h>

#include "fiber/lot.h"
#include "fiber/park.h"
#include "fiber/sync.h"

/* An event that is set off the queue ended the wait, whatever else did. */
int ws__wait_watched(int fd, struct ws__watch *watch, int events,
                     int64_t deadline, ws_event *event)
{
    struct ws__waiter w;
    int r = 0;

    if (!event)
        return ws__park_fd(fd, watch, events, deadline, true);
    while (r == 0) {
        if (!ws__event_enter(&w, event))
            return WS_ERR_CANCELED;
        r = ws__park_fd(fd, watch, events, deadline, false);
        if (!ws__lot_leave(&w))
            return WS_ERR_CANCELED;
    }
    return r;
}

int ws__wait(int fd, int events, int64_t deadline, ws_event *event)
{
    return ws__wait_watched(fd, NULL, events, deadline, event);
}

int ws_wait_fd(int fd, int events, int64_t deadline)
{
    return ws__wait(fd, events, deadline, NULL);
}
