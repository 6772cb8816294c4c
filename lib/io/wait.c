/* SPDX-License-Identifier: MIT */

#include "io/wait.h"

#include <stddef.h>

#include "fiber/lot.h"
#include "fiber/park.h"
#include "fiber/sync.h"

struct ws__wait_key ws__wait_unset(const ws_event *event)
{
    return (struct ws__wait_key){ ws__event_is_unset, event };
}

/* Returns whether all were queued still: none was woken. */
static bool leave_keys(struct ws__waiter *w, int n)
{
    bool all = true;

    for (int i = 0; i < n; i++)
        all = ws__lot_leave(&w[i]) && all;
    return all;
}

/* Queue the caller under each of them.  Returns false, and it is under none, if
 * one says no. */
static bool enter_keys(struct ws__waiter *w, const struct ws__wait_key *keys,
                       int n)
{
    for (int i = 0; i < n; i++)
        if (!ws__lot_enter(&w[i], keys[i].key, keys[i].still)) {
            leave_keys(w, i);
            return false;
        }
    return true;
}

/* If a waker took the caller off a queue, the wait counts as canceled, whatever
 * else came meanwhile. */
int ws__wait_while(int fd, struct ws__watch *watch, int events,
                   int64_t deadline, const struct ws__wait_key *keys, int n)
{
    struct ws__waiter w[WS__WAIT_KEYS];
    int r = 0;

    while (r == 0) {
        if (!enter_keys(w, keys, n))
            return WS_ERR_CANCELED;
        r = ws__park_fd(fd, watch, events, deadline, false);
        if (!leave_keys(w, n))
            return WS_ERR_CANCELED;
    }
    return r;
}

int ws__wait_keys(int64_t deadline, const struct ws__wait_key *keys, int n)
{
    struct ws__waiter w[WS__WAIT_KEYS];
    int r = 0;

    while (r == 0) {
        if (!enter_keys(w, keys, n))
            return WS_ERR_CANCELED;
        r = ws__park(deadline);
        if (!leave_keys(w, n))
            return WS_ERR_CANCELED;
    }
    return r;
}

int ws__wait_watched(int fd, struct ws__watch *watch, int events,
                     int64_t deadline, ws_event *event)
{
    if (!event)
        return ws__park_fd(fd, watch, events, deadline, true);
    struct ws__wait_key key = ws__wait_unset(event);
    return ws__wait_while(fd, watch, events, deadline, &key, 1);
}

int ws__wait(int fd, int events, int64_t deadline, ws_event *event)
{
    return ws__wait_watched(fd, NULL, events, deadline, event);
}

int ws_wait_fd(int fd, int events, int64_t deadline)
{
    return ws__wait(fd, events, deadline, NULL);
}
