/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_TASK_H
#define WS_FIBER_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/fiber.h>

#include "fiber/offload.h"

/*
 * A job that can be left to itself: its helper and all who wait for it hold it,
 * and who lets go last frees it: not the helper, unless all the others have given
 * it up.  Until it is over, what it works on is the
 * helper's; from then on nobody changes it.
 */
struct ws__task {
    struct ws__job job; /* first: a job is cast to this */
    int holders;
    ws_event over; /* set while somebody waits: it lets go last */
    void (*fn)(struct ws__task *t);
    void (*free)(struct ws__task *t);
};

/* With one holder, the caller. */
void ws__task_init(struct ws__task *t, void (*fn)(struct ws__task *t),
                   void (*free)(struct ws__task *t));

/* Returns 0, or -ENOMEM when there is no thread. */
int ws__task_start(struct ws__task *t, enum ws__helpers kind);

/* Wait for its end, the deadline, or cancel (may be NULL).  Returns 0,
 * WS_ERR_TIMEOUT or WS_ERR_CANCELED. */
int ws__task_wait(struct ws__task *t, int64_t deadline, ws_event *cancel);

void ws__task_hold(struct ws__task *t);
void ws__task_let_go(struct ws__task *t);

/* For its fn: does nobody wait for it? */
bool ws__task_is_left(const struct ws__task *t);

#endif
