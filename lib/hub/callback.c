/* SPDX-License-Identifier: MIT */

#include "hub/callback.h"

#include <errno.h>

/* Of a thread: while one is called no other fiber runs. */
static _Thread_local bool running;

int ws__callback_frame(const ws_hub_options *o, const ws_publication *p,
                       ws_prepared **made)
{
    if (!o->frame) {
        *made = ws_prepare(p->type, p->data, p->len);
        return *made ? 0 : -ENOMEM;
    }
    running = true;
    *made = o->frame(p, o->arg);
    running = false;
    return 0;
}

ws_prepared *ws__callback_lost(const ws_hub_options *o, const char *topic,
                               const ws_place *now)
{
    if (!o->lost)
        return NULL;
    running = true;
    ws_prepared *made = o->lost(topic, now, o->arg);
    running = false;
    return made;
}

bool ws__callback_is_running(void)
{
    return running;
}
