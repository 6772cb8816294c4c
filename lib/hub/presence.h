/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_PRESENCE_H
#define WS_HUB_PRESENCE_H

#include <silverback/hub.h>

#include "hub/topic.h"

/* One who is present in a topic, by so many subscriptions. */
struct ws__member {
    struct ws__link link; /* spare: so many */
    char name[];
};

/* With the lock of its shard held: one more subscription of the one of that name;
 * NULL: no memory.  And one less. */
struct ws__member *ws__member_add(ws_hub *h, struct ws__topic *t,
                                  const char *name);
void ws__member_remove(struct ws__topic *t, struct ws__member *m);

/* Who is present here.  One block, for ws_free; NULL: no memory. */
ws_presence *ws__hub_present(ws_hub *h, const char *topic);

#endif
