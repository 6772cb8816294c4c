/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TORTURE_WORLD_H
#define TESTS_TORTURE_WORLD_H

/* Servers, proxies and a hub in one loop of one thread, and the ways to them. */

#include <silverback.h>

/* Certificates: made once, in memory. */
void world_make_certs(void);

/* Returns 0, or the code of what failed: what had begun is for world_end. */
int world_begin(void);

/* Stops all of it.  Returns whether nothing was left behind. */
bool world_end(void);

/* Run fn in a fiber to its end, and return what it does. */
int world_run(int (*fn)(void *arg), void *arg);

ws_hub *world_hub(void);

/* How to dial.  Zero is: plain, over a socketpair. */
struct way {
    const char *path;
    const char *proxy; /* a URL, of any host: it is played */
    bool tls;
    bool resumed; /* the session of a dial before */
    bool tcp;     /* by the numeric address of a socket that listens, */
    bool name;    /* or by a name */
    int bits;     /* of context takeover */
    bool begin;   /* the world itself, that is to be dialled */
};
ws_conn *world_dial(const struct way *way, int *code);

/* Print what is not as it should be, and end the process with 1. */
_Noreturn void world_wrong(const char *fmt, ...) WS_PRINTF(1, 2);

#endif
