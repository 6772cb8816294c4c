/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_PACE_H
#define WS_HUB_PACE_H

#include <silverback/hub.h>

/*
 * How far publishers may get ahead of the workers that are to send: not of
 * subscribers, for a round waits for none.
 *
 * Wait while too much lies at any desk, or, in a fiber, while more lies at its own
 * worker's by its own fibers than goes together: that worker has but turns between
 * theirs.  Returns 0, or what ended the wait.
 */
int ws__pace_wait(ws_hub *h, int64_t deadline);

#endif
