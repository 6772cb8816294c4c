/* SPDX-License-Identifier: MIT */

/*
 * What handlers that block do to others: the time of a round trip on one
 * connection while another one's handler waits for a program, popen of "sleep
 * 2", on the same worker.
 *
 *     bench_blocking [seconds to sleep]
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <silverback.h>

#include "../echo.h"

enum { MOST = 1000 * 1000 };

static char command[64] = "sleep 2";

/* ---- The server --------------------------------------------------------- */

static int run_program(void *arg)
{
    FILE *f = popen(command, "r");

    (void)arg;
    return f ? pclose(f) : -1;
}

static void block(ws_request *r, void *arg)
{
    run_program(arg);
    ws_reply_text(r, 200, "done");
}

static void block_elsewhere(ws_request *r, void *arg)
{
    ws_blocking(run_program, arg);
    ws_reply_text(r, 200, "done");
}

static void wait_only(ws_request *r, void *arg)
{
    (void)arg;
    ws_sleep(1000 * strtol(command + strlen("sleep "), NULL, 10));
    ws_reply_text(r, 200, "done");
}

static const ws_route routes[] = {
    { .path = "/echo", .socket = echo },
    { .path = "/ws_sleep", .handler = wait_only },
    { .path = "/thread", .handler = block, .thread = true },
    { .path = "/ws_blocking", .handler = block_elsewhere },
    { .path = "/neither", .handler = block },
    { 0 },
};

/* ---- The clients -------------------------------------------------------- */

struct waiting {
    const ws_listener *l;
    const char *path;
    ws_event started;
    ws_event answered;
};

/* The answer, which is no upgrade, ends the dial. */
static void wait_for_answer(void *arg)
{
    struct waiting *w = arg;
    char url[128];

    snprintf(url, sizeof(url), "ws://%s%s", ws_listener_addr(w->l), w->path);
    ws_event_set(&w->started);
    ws_close(ws_dial(NULL, url, NULL, NULL, NULL));
    ws_event_set(&w->answered);
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static bool go_round(ws_conn *c, double *took)
{
    ws_message m;
    double before = now_us();

    if (ws_write_text(c, "twenty bytes of text") != 0 ||
        ws_read_message(c, &m) != 0)
        return false;
    *took = now_us() - before;
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_row(const char *path, double *took, size_t n)
{
    qsort(took, n, sizeof(*took), compare);
    printf("| %-12s | %8zu | %9.1f | %9.1f | %9.1f | %11.1f |\n", path + 1, n,
           took[n / 2], took[n * 99 / 100], took[n * 999 / 1000], took[n - 1]);
    fflush(stdout);
}

static bool measure(const ws_listener *l, ws_conn *c, const char *path)
{
    static double took[MOST];
    struct waiting w = { .l = l, .path = path };
    ws_fiber *f = ws_go(wait_for_answer, &w);
    size_t n = 0;

    ws_event_wait(&w.started, 0);
    while (n < MOST && ws_event_wait(&w.answered, 1) != 0 &&
           go_round(c, &took[n]))
        n++;
    ws_join(f);
    if (n > 0)
        print_row(path, took, n);
    return n > 0;
}

static int compare_all(const ws_listener *l)
{
    char url[128];
    ws_error err;
    bool good = true;

    snprintf(url, sizeof(url), "ws://%s/echo", ws_listener_addr(l));
    ws_conn *c = ws_dial(NULL, url, NULL, NULL, &err);
    if (!c) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("| blocked by   | messages |  p50 (us) |  p99 (us) | p999 (us) |"
           "    max (us) |\n"
           "|--------------|---------:|----------:|----------:|----------:|"
           "------------:|\n");
    for (size_t i = 1; routes[i].path && good; i++)
        good = measure(l, c, routes[i].path);
    ws_close(c);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const ws_server s = { .addr = "127.0.0.1:0",
                                 .routes = routes,
                                 .workers = 1 };
    ws_error err;

    if (argc > 1)
        snprintf(command, sizeof(command), "sleep %d", atoi(argv[1]));
    ws_listener *l = ws_listen(&s, &err);
    if (!l) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int result = compare_all(l);
    ws_listener_shutdown(l, ws_after(1000));
    return result;
}
