/* SPDX-License-Identifier: MIT */

#ifndef TOOL_ENTRANCE_H
#define TOOL_ENTRANCE_H

#include <silverback.h>

#include "peers.h"
#include "status.h"

/* Clients that come by plain TCP, each in a thread of its own. */
struct entrance {
    void (*serve)(struct entrance *e, int fd); /* takes fd; while it has a
                                                * connection, that is in peers */
    void *arg;
    struct peers peers;
    ws_mutex lock; /* of what follows */
    int inside;
    ws_event empty;
};

/* Listen there until a signal comes, or ending is set; then say goodbye to the
 * peers and wait for them. */
enum status entrance_run(struct entrance *e, const char *where,
                         ws_event *ending);

/* Close by a reset: there is nobody to talk to. */
void entrance_refuse(int fd);

#endif
