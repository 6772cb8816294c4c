/* SPDX-License-Identifier: MIT */

/*
 * soak [SECONDS [ACTORS [PAUSE_MS]]]: a server of every kind of handler, plain and
 * by TLS, and in the same process so many clients that do one thing after the
 * other, chosen at random, with a pause of so long on average in between: messages
 * of all sizes, compressed or not, a hub, uploads, downloads, refused dials, slow
 * readers, resets at any moment.
 *
 * Prints a line each minute.  Ends with 1 if anything was lost, descriptors,
 * fibers, memory or connections are left at the end, or what the process has in
 * memory grew by more than 1 MB an hour, by least squares over all seconds but
 * the first quarter (of 15 minutes at most).  Of less than 20 minutes that is not
 * asked: it would be chance.
 */

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../alloc_fail.h"
#include "../bench/figures.h"
#include "../certs.h"
#include "../descriptors.h"
#include "../openssl_alloc.h"
#include "soak.h"

enum {
    THREADS = 2,         /* workers of clients */
    OUTSIDE = 4,         /* clients that are threads */
    MINUTE = 60,         /* seconds */
    MOST_WARM = 15 * 60, /* seconds that do not count, */
    LEAST_JUDGED = 20 * 60,
    MOST_SLOPE = 1000, /* kB an hour */
    ARENAS = 2,
    MAPPED = 128 << 10,   /* bytes of a block that goes back at once */
    MOST_LEFT = 64 << 10, /* bytes: the lists of fibers' stacks stay */
};

struct soak soak = { .actors = 100, .pause_ms = 50 };

/* ---- What was done ------------------------------------------------------ */

static atomic_long counts[SOAK_COUNTS], losses;
static const char *const words[SOAK_COUNTS] = {
#define SOAK_WORD_(name, word) [name] = word,
    SOAK_COUNT_MAP(SOAK_WORD_)
#undef SOAK_WORD_
};

void soak_did(enum soak_count what, long n)
{
    atomic_fetch_add(&counts[what], n);
}

bool soak_lost(const char *what, const char *why)
{
    if (atomic_fetch_add(&losses, 1) < 20)
        printf("lost: %s: %s\n", what, why);
    return false;
}

/* ---- What the process has ----------------------------------------------- */

static atomic_long of_openssl;

static void *count_openssl(void *p, size_t n, void *arg)
{
    long before = (long)malloc_usable_size(p);

    (void)arg;
    if (n == 0) {
        atomic_fetch_sub(&of_openssl, before);
        free(p);
        return NULL;
    }
    p = realloc(p, n);
    if (p)
        atomic_fetch_add(&of_openssl, (long)malloc_usable_size(p) - before);
    return p;
}

static uint64_t stat_of(enum ws_counter what)
{
    uint64_t all[WS_COUNTERS];

    ws_stats(NULL, all, WS_COUNTERS);
    return all[what];
}

/* ---- How memory grows --------------------------------------------------- */

/* Sums for the straight line through all points (hours, KiB). */
static struct {
    double n, t, y, tt, ty;
} sums;

static void add_point(double hours, double kib)
{
    sums.n++;
    sums.t += hours;
    sums.y += kib;
    sums.tt += hours * hours;
    sums.ty += hours * kib;
}

/* kB an hour. */
static double slope(void)
{
    double d = sums.n * sums.tt - sums.t * sums.t;

    return d > 0 ? (sums.n * sums.ty - sums.t * sums.y) / d * 1.024 : 0;
}

static void print_heading(void)
{
    printf("| min |");
    for (int i = 0; i < SOAK_COUNTS; i++)
        printf(" %s |", words[i]);
    printf(" lost | open | fibers | descriptors | ours KiB | OpenSSL KiB "
           "| RSS KiB | kB/h | CPU %% |\n|");
    for (int i = 0; i < SOAK_COUNTS + 10; i++)
        printf("---|");
    printf("\n");
}

static void print_line(double seconds)
{
    printf("| %.1f |", seconds / MINUTE);
    for (int i = 0; i < SOAK_COUNTS; i++)
        printf(" %ld |", atomic_load(&counts[i]));
    printf(" %ld | %" PRIu64 " | %" PRIu64 " | %d | %ld | %ld | %ld | %.0f "
           "| %.0f |\n",
           atomic_load(&losses), stat_of(WS_COUNT_WEBSOCKETS),
           stat_of(WS_COUNT_FIBERS), descriptors_open(),
           alloc_live_bytes() / 1024, atomic_load(&of_openssl) / 1024,
           figures_rss(getpid()), slope(),
           (double)figures_cpu(getpid()) / seconds / 1e7);
}

static void watch(int seconds)
{
    uint64_t began = figures_now();
    int warm = seconds / 4 < MOST_WARM ? seconds / 4 : MOST_WARM;

    print_heading();
    for (int s = 1; s <= seconds; s++) {
        ws_sleep((int64_t)s * 1000 -
                 (int64_t)((figures_now() - began) / 1000000));
        if (s > warm)
            add_point(s / 3600.0, (double)figures_rss(getpid()));
        if (s % MINUTE == 0 || s == seconds)
            print_line(s);
    }
}

/* ---- All of it ---------------------------------------------------------- */

static void start_some(void *arg)
{
    intptr_t first = (intptr_t)arg;
    int n = (soak.actors - OUTSIDE) / THREADS;

    for (int i = 0; i < n; i++)
        ws_detach(ws_go(soak_act, (void *)(first * n + i)));
}

static void run_some(void *arg)
{
    ws_run(start_some, arg);
}

static void live(int seconds)
{
    ws_fiber *threads[THREADS + OUTSIDE];

    soak.until = ws_after(1000 * (int64_t)seconds);
    for (intptr_t i = 0; i < THREADS; i++)
        threads[i] = ws_go(run_some, (void *)i);
    for (intptr_t i = THREADS; i < THREADS + OUTSIDE; i++)
        threads[i] = ws_go(soak_act, (void *)(soak.actors + i));
    watch(seconds);
    for (int i = 0; i < THREADS + OUTSIDE; i++)
        ws_join(threads[i]);
}

static bool make_files(void)
{
    static char block[100 << 10];

    certs_set_up(NULL);
    soak.trust.ca_file = soak.served.cert_file = certs_path("server.pem");
    soak.folder = certs_path("");
    FILE *f = fopen(certs_path("file"), "w");
    bool well = f && fwrite(block, sizeof(block), 1, f) == 1;

    return f && fclose(f) == 0 && well;
}

static void left(const char *what, long n, long before)
{
    if (n != before) {
        printf("left: %s: %ld, before %ld\n", what, n, before);
        atomic_fetch_add(&losses, 1);
    }
}

static void look_what_is_left(int fds)
{
    uint64_t all[WS_COUNTERS], closed = 0;

    ws_stats(NULL, all, WS_COUNTERS);
    for (int i = WS_COUNT_CLOSED_NONE; i <= WS_COUNT_CLOSED_OTHER; i++)
        closed += all[i];
    left("ends", (long)closed, (long)all[WS_COUNT_OPENED]);
    left("connections", (long)all[WS_COUNT_WEBSOCKETS], 0);
    left("fibers", (long)all[WS_COUNT_FIBERS], 0);
    left("bytes unfinished", (long)all[WS_COUNT_UNFINISHED], 0);
    ws_cleanup();
    left("descriptors", descriptors_open(), fds);
    left("times 64 KiB", alloc_live_bytes() / MOST_LEFT, 0);
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 3600;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    /* What malloc itself keeps of each thread would look like a leak, too. */
    mallopt(M_ARENA_MAX, ARENAS);
    mallopt(M_MMAP_THRESHOLD, MAPPED);
    openssl_alloc_install(count_openssl);
    alloc_fail_install();
    if (argc > 2)
        soak.actors = atoi(argv[2]);
    if (argc > 3)
        soak.pause_ms = atoi(argv[3]);
    soak.crowds = seconds > MINUTE;
    int fds = descriptors_open();
    if (!make_files() || !soak_serve())
        return 1;
    live(seconds);
    soak_stop_serving();
    certs_tear_down(NULL);
    look_what_is_left(fds);
    bool judged = seconds >= LEAST_JUDGED;
    bool grown = judged && slope() > MOST_SLOPE;
    printf("%ld lost", atomic_load(&losses));
    if (judged)
        printf("; %.0f kB an hour%s", slope(), grown ? ": too much" : "");
    printf("\n");
    return atomic_load(&losses) > 0 || grown;
}
