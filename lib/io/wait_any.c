/* SPDX-License-Identifier: MIT */

#include <silverback/fiber.h>

#include "fiber/lot.h"
#include "fiber/park.h"
#include "fiber/sync.h"

/* Queue the caller until one of them is set.  Returns false if one is. */
static bool enter_both(struct ws__waiter w[2], ws_event *const e[2])
{
    for (int i = 0; i < 2; i++) {
        if (!e[i] || ws__event_enter(&w[i], e[i]))
            continue;
        if (i > 0 && e[0])
            ws__lot_leave(&w[0]);
        return false;
    }
    return true;
}

/* Returns false if one of them woke the caller. */
static bool leave_both(struct ws__waiter w[2], ws_event *const e[2])
{
    bool first = !e[0] || ws__lot_leave(&w[0]);
    bool second = !e[1] || ws__lot_leave(&w[1]);

    return first && second;
}

int ws_wait_any(int fd, int events, int64_t deadline, ws_event *a, ws_event *b)
{
    ws_event *const e[2] = { a, b };
    struct ws__waiter w[2];
    int r = 0;

    while (r == 0) {
        if (!enter_both(w, e))
            return 0;
        r = fd < 0 ? ws__park(deadline)
                   : ws__park_fd(fd, NULL, events, deadline, false);
        if (!leave_both(w, e))
            return 0;
    }
    return r;
}
