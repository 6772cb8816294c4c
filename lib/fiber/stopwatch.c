/* SPDX-License-Identifier: MIT */

#include "fiber/stopwatch.h"

#include <stdatomic.h>
#include <time.h>

int64_t ws__now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

enum { TRIAL_US = 50 };

uint64_t ws__ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t t;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return (uint64_t)ws__now_us();
#endif
}

static uint64_t measure(void)
{
    int64_t begin = ws__now_us(), now;
    uint64_t ticks = ws__ticks(), n;

    do
        now = ws__now_us();
    while (now < begin + TRIAL_US);
    n = (ws__ticks() - ticks) / (uint64_t)(now - begin);
    return n > 0 ? n : 1;
}

uint64_t ws__ticks_per_us(void)
{
    static _Atomic uint64_t rate;
    uint64_t n = atomic_load_explicit(&rate, memory_order_relaxed);

    if (n == 0) {
        n = measure();
        atomic_store_explicit(&rate, n, memory_order_relaxed);
    }
    return n;
}
