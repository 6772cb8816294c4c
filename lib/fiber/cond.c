/* SPDX-License-Identifier: MIT */

#include "fiber/cond.h"

#include <time.h>

#include <silverback/base.h>

void ws__cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

/* Not only ETIMEDOUT: EINVAL is a point before the clock began. */
int ws__cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t deadline)
{
    const struct timespec until = {
        .tv_sec = (time_t)(deadline / 1000),
        .tv_nsec = (long)(deadline % 1000) * 1000000,
    };
    int err = deadline == 0 ? pthread_cond_wait(c, lock)
                            : pthread_cond_timedwait(c, lock, &until);

    return err == 0 ? 0 : WS_ERR_TIMEOUT;
}
