/* SPDX-License-Identifier: MIT */

#include "hub/pace.h"

#include "fiber/lot.h"
#include "fiber/park.h"
#include "fiber/sched.h"
#include "hub/hub.h"

static int wait_while(bool (*still)(const void *key), const void *key,
                      int64_t deadline)
{
    struct ws__waiter w;
    int r = 0;

    while (r == 0 && still(key) && ws__lot_enter(&w, key, still)) {
        r = ws__park(deadline);
        if (!ws__lot_leave(&w))
            r = 0;
    }
    return r;
}

static bool some_are_behind(const void *behind)
{
    return atomic_load((const atomic_size_t *)behind) > 0;
}

static bool own_is_ahead(const void *own)
{
    return atomic_load((const atomic_uint *)own) >= WS__TOGETHER;
}

/* Nothing is looked for unless some desk is behind its own fibers. */
static int wait_for_own(ws_hub *h, int64_t deadline)
{
    struct ws__desk *d = NULL;
    int r = 0;

    if (atomic_load(&h->ahead) > 0 && ws__in_fiber())
        d = ws__desk_find(h, ws__worker_here());
    if (d) {
        r = wait_while(own_is_ahead, &d->own, deadline);
        ws__desk_let_go(d);
    }
    return r;
}

int ws__pace_wait(ws_hub *h, int64_t deadline)
{
    int r = wait_while(some_are_behind, &h->behind, deadline);

    return r == 0 ? wait_for_own(h, deadline) : r;
}
