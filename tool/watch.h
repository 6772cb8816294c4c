/* SPDX-License-Identifier: MIT */

#ifndef TOOL_WATCH_H
#define TOOL_WATCH_H

#include <silverback.h>

/*
 * What ends the tool from outside.  The first SIGINT, SIGTERM or SIGHUP, and a
 * standard output that nobody reads any more, call wish, once each; then the
 * terminal is as it was, and a second signal ends the process, as signals do.
 * One that is ignored stays so.
 */
struct watch {
    void (*wish)(bool signaled, void *arg);
    void *arg;
    ws_event signaled;
    ws_event over;
    ws_fiber *thread;
};

void watch_begin(struct watch *w);
void watch_end(struct watch *w);

/* For wish; arg is an event, which it sets. */
void watch_set(bool signaled, void *arg);

#endif
