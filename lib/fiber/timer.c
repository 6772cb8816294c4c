/* SPDX-License-Identifier: MIT */

#include <time.h>

#include <silverback/base.h>

int64_t ws_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    return ms > 0 ? ms : 1;
}

int64_t ws_after(int64_t ms)
{
    int64_t now = ws_now();

    if (ms > INT64_MAX - now)
        return INT64_MAX;
    return ms > -now ? now + ms : 1;
}
