/* SPDX-License-Identifier: MIT */

/* Publishing. */

#include <string.h>

#include "fiber/budget.h"
#include "hub/callback.h"
#include "hub/deliver.h"
#include "hub/hub.h"
#include "hub/name.h"
#include "hub/pace.h"

static bool is_right(const ws_publication *p)
{
    return (p->type == WS_TEXT || p->type == WS_BINARY) &&
           (p->data || p->len == 0) && ws__name_is_right(p->topic) &&
           (!p->key || strnlen(p->key, WS__NAME_MAX + 1) <= WS__NAME_MAX);
}

static int publish_by(ws_hub *h, const ws_publication *p, int64_t deadline,
                      ws_place *place)
{
    return h->back ? h->back->ops->publish(h->back, p, deadline, place)
                   : ws__hub_number(h, p, place);
}

int ws_hub_publish_by(ws_hub *h, const ws_publication *p, int64_t deadline,
                      ws_place *place)
{
    ws_place at;

    if (!h || !p || !is_right(p))
        return WS_ERR_INVALID;
    if (ws__callback_is_running())
        return WS_ERR_BUSY;
    ws__spend_message();
    ws__topics_sweep(h);
    int r = ws__pace_wait(h, deadline);
    if (r == 0)
        r = publish_by(h, p, deadline, place ? place : &at);
    if (r == 0)
        atomic_fetch_add_explicit(&h->published, 1, memory_order_relaxed);
    return r;
}

int ws_hub_publish(ws_hub *h, const char *topic, ws_type type, const void *data,
                   size_t len, ws_place *place)
{
    const ws_publication p = {
        .topic = topic, .type = type, .data = data, .len = len
    };

    return ws_hub_publish_by(h, &p, h ? ws_after(h->o.publish_timeout_ms) : 0,
                             place);
}
