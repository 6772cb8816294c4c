/* SPDX-License-Identifier: MIT */

/* Whether a listener's workers turn. */

#include <stddef.h>

#include "server/listener.h"

/* In the worker's loop. */
static void pulse_came(struct ws__post *p)
{
    struct ws__seat *seat =
        (struct ws__seat *)((char *)p - offsetof(struct ws__seat, pulse));

    atomic_store(&seat->pulse_out, false);
    ws_event_set(&seat->turned);
}

/* One that is still on its way is waited for, not sent again.  A worker that has
 * ended is held up by nothing. */
static void pulse_send(struct ws__seat *seat)
{
    if (atomic_load(&seat->pulse_out))
        return;
    ws_event_clear(&seat->turned);
    seat->pulse.fn = pulse_came;
    atomic_store(&seat->pulse_out, true);
    if (!ws__worker_post(seat->worker, &seat->pulse))
        pulse_came(&seat->pulse);
}

int ws_listener_alive(ws_listener *l, int64_t deadline)
{
    int r = 0;

    if (!l)
        return WS_ERR_INVALID;
    ws_mutex_lock(&l->pulse_lock);
    for (int i = 0; i < l->nseats; i++)
        pulse_send(&l->seats[i]);
    for (int i = 0; r == 0 && i < l->nseats; i++)
        r = ws_event_wait(&l->seats[i].turned, deadline);
    ws_mutex_unlock(&l->pulse_lock);
    return r;
}
