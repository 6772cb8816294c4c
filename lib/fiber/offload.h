/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_OFFLOAD_H
#define WS_FIBER_OFFLOAD_H

/* Something that blocks, for a helper thread.  fn may free it. */
struct ws__job {
    struct ws__job *next;
    void (*fn)(struct ws__job *j);
};

/* Have it done: at most 64 at a time, in their order.  Returns 0, or -ENOMEM
 * when there is no thread. */
int ws__offload(struct ws__job *j);

#endif
