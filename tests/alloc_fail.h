/* SPDX-License-Identifier: MIT */

#ifndef TESTS_ALLOC_FAIL_H
#define TESTS_ALLOC_FAIL_H

/* An allocator that fails on request, and counts what lives. */

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <silverback/base.h>

static atomic_long alloc_fail_countdown; /* 0: none is to fail */
static atomic_bool alloc_fail_for_good;
static atomic_bool alloc_fail_happened;
static atomic_long alloc_fail_alive;
static atomic_long alloc_fail_bytes;
static _Thread_local bool alloc_fail_own;

static inline bool alloc_fail_now(void)
{
    long left = atomic_load(&alloc_fail_countdown);

    while (left > 0) {
        if (left == 1 && atomic_load(&alloc_fail_for_good))
            break;
        if (atomic_compare_exchange_weak(&alloc_fail_countdown, &left,
                                         left - 1))
            break;
    }
    if (left == 1)
        atomic_store(&alloc_fail_happened, true);
    return left == 1;
}

static inline void *alloc_fail_function(void *ptr, size_t size, void *arg)
{
    (void)arg;
    long before = (long)malloc_usable_size(ptr);
    if (size == 0) {
        if (ptr)
            atomic_fetch_sub(&alloc_fail_alive, 1);
        atomic_fetch_sub(&alloc_fail_bytes, before);
        free(ptr);
        return NULL;
    }
    if (alloc_fail_own || alloc_fail_now())
        return NULL;
    void *p = realloc(ptr, size);
    if (p && !ptr)
        atomic_fetch_add(&alloc_fail_alive, 1);
    if (p)
        atomic_fetch_add(&alloc_fail_bytes,
                         (long)malloc_usable_size(p) - before);
    return p;
}

/* In main, before anything else. */
static inline void alloc_fail_install(void)
{
    ws_set_allocator(alloc_fail_function, NULL);
}

static inline void alloc_fail_arm(long n, bool for_good)
{
    atomic_store(&alloc_fail_happened, false);
    atomic_store(&alloc_fail_for_good, for_good);
    atomic_store(&alloc_fail_countdown, n);
}

/* The n-th allocation from now fails (from 1; 0: none). */
static inline void alloc_fail_at(long n)
{
    alloc_fail_arm(n, false);
}

/* And all that follow. */
static inline void alloc_fail_from(long n)
{
    alloc_fail_arm(n, true);
}

/* Or all of this thread alone, while others allocate. */
static inline void alloc_fail_here(bool fail)
{
    alloc_fail_own = fail;
}

/* Did one fail since alloc_fail_at? */
static inline bool alloc_failed(void)
{
    return atomic_load(&alloc_fail_happened);
}

/* Blocks that are not freed. */
static inline long alloc_live(void)
{
    return atomic_load(&alloc_fail_alive);
}

/* And their bytes. */
static inline long alloc_live_bytes(void)
{
    return atomic_load(&alloc_fail_bytes);
}

#endif
