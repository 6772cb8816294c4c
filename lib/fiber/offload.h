/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_OFFLOAD_H
#define WS_FIBER_OFFLOAD_H

/* Whom helper threads work for.  Each kind has threads of its own, so that none
 * waits for the jobs of another. */
enum ws__helpers {
    WS__FOR_HANDLERS, /* ws_blocking: 64 at a time */
    WS__FOR_FILES,    /* the library's own, 64 */
    WS__FOR_NAMES,    /* 256: those that were given up still have theirs */
    WS__FOR_HUBS,     /* 4: none of them waits */
};

/* Something that blocks, for a helper thread. */
struct ws__job {
    struct ws__job *next;
    void (*fn)(struct ws__job *j);
    void (*done)(struct ws__job *j); /* after it, and at once; may free it */
};

/* Have it done, in the order in which jobs of the kind come.  Returns 0, or
 * -ENOMEM when there is no thread. */
int ws__offload(enum ws__helpers kind, struct ws__job *j);

/* ws_blocking, by helpers of a kind. */
int ws__blocking(enum ws__helpers kind, int (*fn)(void *arg), void *arg);

/* End the helpers that have nothing to do, and wait for that. */
void ws__offload_cleanup(void);

#endif
