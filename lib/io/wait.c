/* SPDX-License-Identifier: MIT */

#include "io/wait.h"

#include <stddef.h>

#include "fiber/lot.h"
#include "fiber/park.h"
#include "fiber/sync.h"

/* If a waker took the caller off the queue, the wait counts as canceled, whatever
 * else came meanwhile. */
int ws__wait_while(int fd, struct ws__watch *watch, int events,
                   int64_t deadline, bool (*still)(const void *key),
                   const void *key)
{
    struct ws__waiter w;
    int r = 0;

    while (r == 0) {
        if (!ws__lot_enter(&w, key, still))
            return WS_ERR_CANCELED;
        r = ws__park_fd(fd, watch, events, deadline, false);
        if (!ws__lot_leave(&w))
            return WS_ERR_CANCELED;
    }
    return r;
}

int ws__wait_watched(int fd, struct ws__watch *watch, int events,
                     int64_t deadline, ws_event *event)
{
    if (!event)
        return ws__park_fd(fd, watch, events, deadline, true);
    return ws__wait_while(fd, watch, events, deadline, ws__event_is_unset,
                          event);
}

int ws__wait(int fd, int events, int64_t deadline, ws_event *event)
{
    return ws__wait_watched(fd, NULL, events, deadline, event);
}

int ws_wait_fd(int fd, int events, int64_t deadline)
{
    return ws__wait(fd, events, deadline, NULL);
}
