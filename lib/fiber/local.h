/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_LOCAL_H
#define WS_FIBER_LOCAL_H

#include "fiber/parker.h"

struct ws__worker;

/* What the layers above keep for each worker, and for each fiber or thread. */

extern _Thread_local void *ws__local
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* What the calling thread's worker keeps; NULL outside of one.  Whoever sets it
 * runs in a worker; local_free is called when that ends. */
static inline void *ws__worker_local(void)
{
    return ws__local;
}

void ws__worker_set_local(void *local, void (*local_free)(void *local));

/* The calling thread goes on with w, and leaves it; or w ends there. */
void ws__local_enter(struct ws__worker *w);
void ws__local_leave(void);
void ws__local_free(struct ws__worker *w);

/* What the calling fiber or thread keeps. */
static inline void *ws__own(void)
{
    return ws__parker_self()->own;
}

static inline void ws__set_own(void *own)
{
    ws__parker_self()->own = own;
}

#endif
