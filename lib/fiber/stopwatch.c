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

/* Ticks in TRIAL_US, by trial. */
static uint64_t measure(void)
{
    int64_t begin = ws__now_us(), now;
    uint64_t ticks = ws__ticks();

    do
        now = ws__now_us();
    while (now < begin + TRIAL_US);
    return (ws__ticks() - ticks) * TRIAL_US / (uint64_t)(now - begin);
}

uint64_t ws__ticks_of_us(unsigned us)
{
    static _Atomic uint64_t in_trial;
    uint64_t n = atomic_load_explicit(&in_trial, memory_order_relaxed);

    if (n == 0) {
        n = measure();
        atomic_store_explicit(&in_trial, n, memory_order_relaxed);
    }
    return n * us / TRIAL_US;
}
