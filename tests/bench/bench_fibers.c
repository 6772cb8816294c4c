/* SPDX-License-Identifier: MIT */

/* What fibers cost: memory while they wait, time to begin, wake and end. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <silverback.h>

static ws_event go;
static unsigned long count, woken;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this process, in KiB. */
static unsigned long resident(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    unsigned long kib = 0;
    char line[256];

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmRSS: %lu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static void wait_for_all(void *arg)
{
    (void)arg;
    ws_event_wait(&go, 0);
    woken++;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void measure(void *failed)
{
    unsigned long before = resident(), n;
    double begin = seconds();

    for (n = 0; n < count; n++) {
        ws_fiber *f = ws_go(wait_for_all, NULL);
        if (!f)
            break;
        ws_detach(f);
        if (n % 256 == 0)
            ws_yield();
    }
    ws_sleep(0);
    double parked = seconds();
    unsigned long after = resident();
    ws_event_set(&go);
    while (woken < n)
        ws_yield();
    double ended = seconds();

    for (unsigned long i = 0; i < count; i++)
        ws_join(ws_go(nothing, NULL));
    double joined = seconds(), each = n > 0 ? 1e9 / (double)n : 0;
    printf("%lu fibers wait: %.2f KiB each\n", n,
           n > 0 ? (double)(after - before) / (double)n : 0);
    printf("begin and wait %.0f ns, wake and end %.0f ns, "
           "begin, end and join one %.0f ns\n",
           (parked - begin) * each, (ended - parked) * each,
           (joined - ended) * 1e9 / (double)count);
    *(bool *)failed = n < count;
}

int main(int argc, char **argv)
{
    bool failed = true;

    count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    if (argc > 2 || count == 0) {
        fputs("usage: bench_fibers [COUNT]\n", stderr);
        return 2;
    }
    return ws_run(measure, &failed) != 0 || failed;
}
