/* SPDX-License-Identifier: MIT */

#include "io/random.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Bytes are taken from the end of those that are left. */
struct pool {
    uint8_t bytes[256];
    size_t left;
};

static _Thread_local struct pool pool;

/* Runs in the only thread that the child has. */
static void wipe(void)
{
    explicit_bzero(&pool, sizeof(pool));
}

/* Of two threads at once both may register it: it is wiped twice then. */
static int watch_forks(void)
{
    static atomic_bool watched;

    if (atomic_load(&watched))
        return 0;
    int r = -pthread_atfork(NULL, NULL, wipe);
    atomic_store(&watched, r == 0);
    return r;
}

static int refill(void)
{
    int r = watch_forks();

    if (r != 0)
        return r;
    if (getentropy(pool.bytes, sizeof(pool.bytes)) != 0)
        return -errno;
    pool.left = sizeof(pool.bytes);
    return 0;
}

int ws__random(void *p, size_t n)
{
    assert(n <= sizeof(pool.bytes));

    int r = n <= pool.left ? 0 : refill();
    if (r != 0)
        return r;
    pool.left -= n;
    memcpy(p, pool.bytes + pool.left, n);
    explicit_bzero(pool.bytes + pool.left, n);
    return 0;
}
