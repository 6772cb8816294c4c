/* SPDX-License-Identifier: MIT */

#ifndef BENCH_CAST_H
#define BENCH_CAST_H

#include <silverback.h>

/* Handlers that send what comes on one connection to all: by a hub, in a loop
 * or by a function that is called for each message; or in a loop over all of
 * them. */
void cast_setup(void);
void cast_teardown(void);
void cast_by_hub(ws_request *r, void *upgrader);
void cast_by_hub_when_called(ws_request *r, void *upgrader);
void cast_by_hand(ws_request *r, void *upgrader);

#endif
