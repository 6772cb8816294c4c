/* SPDX-License-Identifier: MIT */

#include "figures.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Each power of two is cut into so many steps. */
enum { BITS = 6, STEPS = 1 << BITS, BUCKETS = (64 - BITS + 1) * STEPS };

static uint64_t buckets[BUCKETS];
static uint64_t total;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

double figures_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

uint64_t figures_now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t figures_cpu(int pid)
{
    clockid_t clock;

    if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0)
        return 0;
    return clock_ns(clock);
}

uint64_t figures_busy(void)
{
    /* user nice system idle iowait irq softirq steal */
    unsigned long long t[8] = { 0 };
    FILE *file = fopen("/proc/stat", "re");

    if (!file)
        return 0;
    int n = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0],
                   &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]);
    fclose(file);
    if (n != 8)
        return 0;
    return (t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) * 1000000000 /
           (unsigned long long)sysconf(_SC_CLK_TCK);
}

static long rss_in(int pid, const char *name, const char *format)
{
    char line[256];
    long kib = 0;

    snprintf(line, sizeof(line), "/proc/%d/%s", pid, name);
    FILE *file = fopen(line, "re");

    if (!file)
        return 0;
    while (kib == 0 && fgets(line, sizeof(line), file))
        if (sscanf(line, format, &kib) != 1)
            kib = 0;
    fclose(file);
    return kib;
}

long figures_rss(int pid)
{
    if (pid == 0)
        return 0;

    /* The count in status is off by up to some hundred KiB. */
    long kib = rss_in(pid, "smaps_rollup", "Rss: %ld");

    return kib > 0 ? kib : rss_in(pid, "status", "VmRSS: %ld");
}

static unsigned bucket_of(uint64_t v)
{
    if (v < STEPS)
        return (unsigned)v;

    unsigned shift = 63 - (unsigned)__builtin_clzll(v) - BITS;

    return (shift + 1) * STEPS + (unsigned)(v >> shift) - STEPS;
}

static double middle_of(unsigned bucket)
{
    if (bucket < STEPS)
        return bucket;

    unsigned shift = bucket / STEPS - 1;
    uint64_t low = (uint64_t)(STEPS + bucket % STEPS) << shift;

    return (double)low + (double)((uint64_t)1 << shift) / 2;
}

void figures_add(uint64_t latency)
{
    buckets[bucket_of(latency)]++;
    total++;
}

void figures_clear(void)
{
    memset(buckets, 0, sizeof(buckets));
    total = 0;
}

double figures_percentile(double share)
{
    double want = share * (double)total;
    uint64_t seen = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += buckets[i];
        if (seen > 0 && (double)seen >= want)
            return middle_of(i) / 1e3;
    }
    return 0;
}
