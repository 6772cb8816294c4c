/* SPDX-License-Identifier: MIT */

/*
 * What greedy peers do to a neighbour: its round trips on an echo connection
 * beside four peers that send all they may at once, and beside four that do the
 * same work evenly, one thing at a time; in turns, so that whatever else the
 * machine does concerns both.
 *
 *     bench_neighbours [-t] [-s SECONDS] [-r ROUNDS] [KIND]...
 *
 * -t: a server of threads rather than of one worker.
 */

#include "neighbours.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback.h>

#include "figures.h"
#include "../echo.h"

enum {
    PEERS = 4,
    TRIP_NS = 500 * 1000, /* the neighbour begins so often */
    SETTLE_NS = 200 * 1000 * 1000,
};

static struct {
    bool threads;
    double seconds;
    int rounds;
} options = { .seconds = 0.5, .rounds = 5 };

/* ---- The server, a process of its own ----------------------------------- */

static void swallow(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        continue;
}

static void answer(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "hi\n");
}

static void send_file(ws_request *r, void *arg)
{
    ws_reply_file(r, arg);
}

static ws_route routes[] = {
    { .path = "/echo",
      .socket = echo,
      .upgrader = &(ws_upgrader){ .enable_compression = true,
                                  .ping_interval_ms = -1 } },
    { .path = "/swallow",
      .socket = swallow,
      .upgrader = &(ws_upgrader){ .enable_compression = true,
                                  .ping_interval_ms = -1 } },
    { .path = "/files/", .handler = send_file },
    { .path = "/", .handler = answer },
    { 0 },
};

static ws_listener *listen_on(const ws_tls *tls)
{
    ws_error err;
    ws_listener *l = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                             .routes = routes,
                                             .tls = tls,
                                             .threads = options.threads,
                                             .workers = 1 },
                               &err);

    if (!l)
        bench_fail("listen", err.text);
    return l;
}

static void pin(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static int port_of(const ws_listener *l)
{
    return atoi(strrchr(ws_listener_addr(l), ':') + 1);
}

static void serve(int out)
{
    struct ports p;
    ws_tls tls = { .cert_file = bench_file("cert.pem"),
                   .key_file = bench_file("key.pem") };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(0);
    routes[2].arg = (void *)bench_folder();
    p.plain = port_of(listen_on(NULL));
    p.tls = port_of(listen_on(&tls));
    if (write(out, &p, sizeof(p)) == sizeof(p))
        for (;;)
            pause();
    exit(1);
}

/* ---- The neighbour ------------------------------------------------------ */

struct neighbour {
    atomic_bool over;
    atomic_bool counts;
    const struct ports *ports;
    bool tls; /* as the peers: each port has a worker of its own */
};

static void *be_neighbour(void *arg)
{
    const ws_dialer dialer = {
        .tls = &(ws_tls){ .ca_file = bench_file("cert.pem") },
    };
    struct neighbour *n = arg;
    char url[64];
    ws_error err;
    ws_message m;

    /* So that it does not wait for the peers on this side. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 10 });
    snprintf(url, sizeof(url), "%s://127.0.0.1:%d/echo", n->tls ? "wss" : "ws",
             n->tls ? n->ports->tls : n->ports->plain);
    ws_conn *c = ws_dial(&dialer, url, NULL, NULL, &err);
    if (!c)
        bench_fail("dial", err.text);
    uint64_t next = figures_now();
    while (!atomic_load(&n->over)) {
        bench_sleep_until(next += TRIP_NS);
        uint64_t begin = figures_now();
        if (ws_write_text(c, "twenty bytes of text") != 0 ||
            ws_read_message(c, &m) != 0)
            bench_fail("the neighbour", ws_conn_error(c)->text);
        uint64_t now = figures_now();
        if (atomic_load(&n->counts))
            figures_add(now - begin);
        next = now > next ? now : next;
    }
    ws_close(c);
    return NULL;
}

/* ---- Runs --------------------------------------------------------------- */

/* Returns the units that were done in a second. */
static double measure(const struct kind *k, bool greedy, const struct ports *p)
{
    struct neighbour n = { .ports = p, .tls = k->tls };
    struct peer peers[PEERS];
    pthread_t t, of_peers[PEERS];
    uint64_t begin = figures_now();

    for (int i = 0; i < PEERS; i++) {
        peers[i] = (struct peer){ .kind = k,
                                  .ports = p,
                                  .index = i,
                                  .greedy = greedy,
                                  .begin = begin + SETTLE_NS / 2,
                                  .until = begin + SETTLE_NS +
                                           (uint64_t)(options.seconds * 1e9) };
        pthread_create(&of_peers[i], NULL, bench_peer, &peers[i]);
    }
    pthread_create(&t, NULL, be_neighbour, &n);
    bench_sleep_until(begin + SETTLE_NS);
    atomic_store(&n.counts, true);
    bench_sleep_until(peers[0].until);
    atomic_store(&n.counts, false);
    atomic_store(&n.over, true);
    pthread_join(t, NULL);
    double done = 0;
    for (int i = 0; i < PEERS; i++) {
        pthread_join(of_peers[i], NULL);
        done += (double)peers[i].done;
    }
    return done * 1e9 / (double)(peers[0].until - peers[0].begin);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof(*x), compare);
    return x[n / 2];
}

static void run(const struct kind *k, const struct ports *p)
{
    double p50[2][100], p99[2][100], rate[2];
    int rounds = options.rounds < 100 ? options.rounds : 100;

    for (int i = 0; i < rounds; i++)
        for (int greedy = 0; greedy < 2; greedy++) {
            figures_clear();
            rate[greedy] = measure(k, greedy, p);
            p50[greedy][i] = figures_percentile(0.50);
            p99[greedy][i] = figures_percentile(0.99);
        }
    double calm = median(p99[0], rounds), rude = median(p99[1], rounds);
    printf("%-12s %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f %7.2f\n", k->name,
           rate[0], rate[1], median(p50[0], rounds), median(p50[1], rounds),
           calm, rude, rude / calm);
    fflush(stdout);
}

static bool is_wanted(const char *name, char **names)
{
    bool any = *names == NULL;

    for (; *names && !any; names++)
        any = strcmp(*names, name) == 0;
    return any;
}

static char **take_options(int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "ts:r:")) != -1)
        if (c == 't')
            options.threads = true;
        else if (c == 's')
            options.seconds = atof(optarg);
        else if (c == 'r')
            options.rounds = atoi(optarg);
        else
            exit(2);
    return argv + optind;
}

int main(int argc, char **argv)
{
    char **names = take_options(argc, argv);
    struct ports p;
    int fds[2];

    signal(SIGPIPE, SIG_IGN);
    bench_make_files();
    if (pipe(fds) != 0)
        bench_fail("pipe", "");
    pid_t server = fork();
    if (server == 0)
        serve(fds[1]);
    if (read(fds[0], &p, sizeof(p)) != sizeof(p))
        bench_fail("the server", "did not start");
    pin(sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0);
    printf("%-12s %17s %17s %17s\n", options.threads ? "threads" : "one worker",
           "units a second", "p50, us", "p99, us");
    printf("%-12s %8s %8s %8s %8s %8s %8s %7s\n", "", "even", "greedy", "even",
           "greedy", "even", "greedy", "ratio");
    for (const struct kind *k = bench_kinds; k->name; k++)
        if (is_wanted(k->name, names))
            run(k, &p);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    bench_remove_files();
    return 0;
}
