/* SPDX-License-Identifier: MIT */

/*
 * hostile [PERCENT [SECONDS [KIND]]]: a client that sends a hundred messages a second,
 * beside peers that do all they may, each kind of them and all together, bounded
 * to 20,000 frames a second; and beside as many clients that behave, at the same
 * rate.  With PERCENT of these peers, for so long; one kind of them, "all" or
 * "descriptors" alone.
 *
 * Prints how long its round trips took, and what the server had: with all of the
 * peers the median of three rounds of each, in turns, else no comparison.  Ends with 1 if
 * an answer did not come, the server held more than docs/limits.md allows these
 * peers, or it did not come to rest when they were gone, with as many descriptors
 * and fibers as before.
 */

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../alloc_fail.h"
#include "../bench/figures.h"
#include "../certs.h"
#include "../echo.h"
#include "hostile.h"

enum {
    WORKERS = 2,    /* of each of the two listeners */
    PERIOD_MS = 10, /* from a message of the honest client to the next */
    PATIENCE_MS = 60 * 1000,
    LIMIT_MS = 2000, /* of a request, and of who takes nothing */
    FEED_MS = 20,
    ROUNDS = 3,
    FEW = 256,             /* descriptors */
    WORKER_KIB = 12 << 10, /* that its pools keep */
    BASE_KIB = 4 << 10,
    REST_MS = 500,    /* without work, */
    REST_CPU_MS = 50, /* but so much */
};

struct hostile hostile;
static int percent = 100;
static double seconds = 5;

/* ---- The server, a process of its own ----------------------------------- */

/* What it says of itself. */
static struct about {
    int plain, tls;
    atomic_bool ready;
    atomic_bool rests;      /* nobody is there: look at it less often */
    atomic_long held, most; /* bytes */
    atomic_long fibers;
} * about;

/* Something each moment, for as long as it is taken. */
static void feed(ws_conn *c, void *arg)
{
    static const char data[4 * 1024];

    (void)arg;
    while (ws_write_message(c, WS_BINARY, data, sizeof(data)) == 0)
        ws_sleep(FEED_MS);
}

static const ws_upgrader upgrader = { .read_limit = HOSTILE_LIMIT,
                                      .write_timeout_ms = LIMIT_MS,
                                      .enable_compression = true };
static const ws_route routes[] = {
    { .path = "/echo", .socket = echo, .upgrader = &upgrader },
    { .path = "/feed", .socket = feed, .upgrader = &upgrader },
    { 0 },
};

static void look_at_oneself(void)
{
    uint64_t all[WS_COUNTERS];
    long held = alloc_live_bytes();

    ws_stats(NULL, all, WS_COUNTERS);
    atomic_store(&about->fibers, (long)all[WS_COUNT_FIBERS]);
    atomic_store(&about->held, held);
    if (held > atomic_load(&about->most))
        atomic_store(&about->most, held);
}

static int port_of(const ws_listener *l)
{
    return atoi(strrchr(ws_listener_addr(l), ':') + 1);
}

static ws_listener *listen_on(const ws_tls *tls, size_t max)
{
    /* As usual in a run in which it would not come: a machine may be slow. */
    int limit_ms = seconds * 1000 < LIMIT_MS ? 0 : LIMIT_MS;
    ws_error err;
    ws_listener *l = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                             .routes = routes,
                                             .tls = tls,
                                             .max_connections = max,
                                             .request_timeout_ms = limit_ms,
                                             .write_timeout_ms = limit_ms,
                                             .workers = WORKERS },
                               &err);

    if (!l)
        fprintf(stderr, "%s\n", err.text);
    return l;
}

static void limit_descriptors(rlim_t n)
{
    struct rlimit r;

    getrlimit(RLIMIT_NOFILE, &r);
    r.rlim_cur = n > 0 && n < r.rlim_max ? n : r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
}

/* Until the other end of the pipe is gone.  few: has no more descriptors than
 * that, and does not know. */
static int serve(int end, bool few)
{
    const ws_tls tls = { .cert_file = certs_path("server.pem") };
    char c;

    limit_descriptors(few ? FEW : 0);
    ws_listener *a = listen_on(NULL, few ? 1000 * 1000 : 0);
    ws_listener *b = listen_on(&tls, few ? 1000 * 1000 : 0);
    if (!a || !b)
        return 1;
    about->plain = port_of(a);
    about->tls = port_of(b);
    look_at_oneself();
    atomic_store(&about->ready, true);
    while (ws_wait_fd(end, POLLIN,
                      ws_after(atomic_load(&about->rests) ? 100 : 5)) ==
           WS_ERR_TIMEOUT)
        look_at_oneself();
    int error = ws_listener_shutdown(a, ws_after(PATIENCE_MS)) |
                ws_listener_shutdown(b, ws_after(PATIENCE_MS));
    ws_cleanup();
    return error != 0 || read(end, &c, 1) != 0;
}

struct server {
    pid_t pid;
    int end;
};

static struct server start_server(bool few)
{
    struct server s;
    int fds[2];

    memset(about, 0, sizeof(*about));
    if (pipe(fds) != 0 || (s.pid = fork()) < 0)
        exit(1);
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[1]);
        _exit(serve(fds[0], few));
    }
    close(fds[0]);
    s.end = fds[1];
    while (!atomic_load(&about->ready) && waitpid(s.pid, NULL, WNOHANG) == 0)
        ws_sleep(1);
    return s;
}

static bool stop_server(struct server s)
{
    int status;

    close(s.end);
    return waitpid(s.pid, &status, 0) == s.pid && status == 0;
}

/* ---- The honest client -------------------------------------------------- */

struct honest {
    ws_conn *c;
    atomic_bool counts, over;
    long answers, missed;
};

static bool meet(struct honest *h)
{
    char url[64];
    ws_error err;

    snprintf(url, sizeof(url), "ws://127.0.0.1:%d/echo", hostile.plain);
    h->c = ws_dial(&(ws_dialer){ .proxy = "" }, url, NULL, NULL, &err);
    if (!h->c)
        printf("missed: a connection: %s\n", err.text);
    h->missed += h->c == NULL;
    return h->c != NULL;
}

static bool ask(struct honest *h)
{
    ws_message m;

    if (ws_write_text(h->c, "twenty bytes of text") == 0 &&
        ws_read_message_by(h->c, &m, ws_after(PATIENCE_MS), NULL) == 0)
        return true;
    printf("missed: an answer: %s\n", ws_conn_error(h->c)->text);
    h->missed++;
    return false;
}

static void be_honest(void *arg)
{
    struct honest *h = arg;

    /* So that it does not wait for the peers on this side. */
    sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 10 });
    for (uint64_t next = figures_now(); !atomic_load(&h->over);) {
        uint64_t begin = figures_now();
        if (!ask(h))
            break;
        uint64_t now = figures_now();
        if (atomic_load(&h->counts)) {
            figures_add(now - begin);
            h->answers++;
        }
        next += PERIOD_MS * 1000 * 1000;
        if (next > now)
            ws_sleep((int64_t)((next - now) / 1000000));
        else
            next = now;
    }
    ws_close(h->c);
}

/* Whoever comes later is served. */
static void meet_again(struct honest *h)
{
    if (meet(h))
        ask(h);
    ws_close(h->c);
}

/* ---- A run -------------------------------------------------------------- */

struct scene {
    const char *name;
    const struct hostile_kind *kinds; /* so many of them */
    int n;
    bool few; /* descriptors */
};

struct result {
    double p50, p99, rate, cpu; /* us, us, frames a second, cores */
    long held_kib, bound_kib;
    bool well;
};

static int peers_of(const struct hostile_kind *k)
{
    return k->peers * percent / 100 > 0 ? k->peers * percent / 100 : 1;
}

struct one {
    const struct hostile_kind *kind;
    unsigned seed;
};

static void be_one(void *arg)
{
    struct one one = *(struct one *)arg;

    free(arg);
    one.kind->be(one.kind, one.seed);
}

static void start_peers(void *arg)
{
    const struct scene *s = arg;
    unsigned seed = 1;

    for (int i = 0; i < s->n; i++)
        for (int n = peers_of(&s->kinds[i]); n > 0; n--) {
            struct one *one = malloc(sizeof(*one));
            *one = (struct one){ &s->kinds[i], seed++ * 7919 };
            ws_detach(ws_go(be_one, one));
        }
}

static void run_peers(void *arg)
{
    ws_run(start_peers, arg);
}

static int descriptors_of(pid_t pid)
{
    char path[64];
    int n = -2; /* "." and ".." */

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* A while in which it does next to nothing. */
static bool has_rest(pid_t pid)
{
    uint64_t before = figures_cpu(pid);

    ws_sleep(REST_MS);
    return figures_cpu(pid) - before < (uint64_t)REST_CPU_MS * 1000000;
}

static bool comes_to_rest(pid_t pid, int fds, long fibers)
{
    int64_t patience = ws_after(PATIENCE_MS);

    while (ws_now() < patience)
        if (descriptors_of(pid) <= fds &&
            atomic_load(&about->fibers) <= fibers && has_rest(pid))
            return true;
    printf("left: %d descriptors, before %d; %ld fibers, before %ld\n",
           descriptors_of(pid), fds, atomic_load(&about->fibers), fibers);
    return false;
}

static void measure(struct honest *h, pid_t pid, struct result *r)
{
    figures_clear();
    long frames = atomic_load(&hostile.frames);
    uint64_t begin = figures_now(), cpu = figures_cpu(pid);
    atomic_store(&h->counts, true);
    ws_sleep((int64_t)(seconds * 1000));
    atomic_store(&h->counts, false);
    r->rate = (double)(atomic_load(&hostile.frames) - frames) * 1e9 /
              (double)(figures_now() - begin);
    r->cpu = (double)(figures_cpu(pid) - cpu) / (double)(figures_now() - begin);
}

/* All of them, until they are gone. */
static void let_loose(const struct scene *s, pid_t pid, struct honest *h,
                      struct result *r)
{
    ws_event_clear(&hostile.over);
    ws_fiber *honest = ws_go(be_honest, h);
    ws_fiber *peers = ws_go(run_peers, (void *)s);
    ws_sleep((int64_t)(seconds * 500));
    measure(h, pid, r);
    ws_event_set(&hostile.over);
    ws_join(peers);
    atomic_store(&h->over, true);
    ws_join(honest);
    r->p50 = figures_percentile(0.5);
    r->p99 = figures_percentile(0.99);
}

static void play(const struct scene *s, struct result *r)
{
    struct server server = start_server(s->few);
    struct honest h = { .answers = 0 };

    hostile.plain = about->plain;
    hostile.tls = about->tls;
    r->bound_kib = BASE_KIB + 2 * WORKERS * WORKER_KIB;
    for (int i = 0; i < s->n; i++)
        r->bound_kib += (long)peers_of(&s->kinds[i]) * s->kinds[i].held_kib;
    int fds = descriptors_of(server.pid);
    long fibers = atomic_load(&about->fibers);
    if (meet(&h))
        let_loose(s, server.pid, &h, r);
    r->held_kib = atomic_load(&about->most) / 1024;
    atomic_store(&about->rests, true);
    bool rests = comes_to_rest(server.pid, fds, fibers);
    meet_again(&h);
    r->well = stop_server(server) && rests && h.missed == 0 && h.answers > 0 &&
              r->held_kib <= r->bound_kib;
}

/* In a process of its own, that has not used the library yet. */
static struct result play_apart(const struct scene *s)
{
    struct result *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        limit_descriptors(0);
        play(s, r);
        fflush(stdout);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        r->well = false;
    return *r;
}

/* As many that behave, at the same rate. */
static struct result play_calm(const struct scene *s)
{
    struct hostile_kind kinds[16];
    struct scene calm = *s;

    for (int i = 0; i < s->n; i++) {
        kinds[i] = s->kinds[i];
        kinds[i].be = hostile_kinds[0].be;
        kinds[i].held_kib = hostile_kinds[0].held_kib;
    }
    calm.kinds = kinds;
    return play_apart(&calm);
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

/* In turns, so that whatever else the machine does concerns both. */
static bool show(const struct scene *s)
{
    bool compares = percent == 100 && !s->few, well = true;
    int rounds = compares ? ROUNDS : 1;
    struct result r = { .well = true }, calm = { .well = true };
    double p50[ROUNDS], p99[ROUNDS], calm_p99[ROUNDS] = { 0 };

    for (int i = 0; i < rounds; i++) {
        if (compares)
            calm = play_calm(s);
        r = play_apart(s);
        well = well && r.well && calm.well;
        p50[i] = r.p50;
        p99[i] = r.p99;
        calm_p99[i] = calm.p99;
    }
    double rude = median(p99, rounds), good = median(calm_p99, rounds);
    printf("| %s | %.0f | %.0f | %.2f | %.0f | %.0f | %.0f | %.2f | %ld | %ld "
           "| %s |\n",
           s->name, r.rate, calm.rate, r.cpu, median(p50, rounds), rude, good,
           good > 0 ? rude / good : 0, r.held_kib, r.bound_kib,
           well ? "as it should" : "WRONG");
    return well;
}

static bool show_all(const char *only)
{
    static const struct hostile_kind hold = { "hold", hostile_hold_connection,
                                              400, 10, 64 };
    const struct hostile_kind *k = &hostile_kinds[1];
    bool well = true;
    int n = 0;

    printf("| peers | frames/s | of good ones | cores | p50 us | p99 us "
           "| beside good ones | ratio | held KiB | at most | |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (; k[n].name; n++)
        if (!only || strcmp(only, k[n].name) == 0)
            well = show(&(struct scene){ k[n].name, &k[n], 1, false }) && well;
    if (!only || strcmp(only, "all") == 0)
        well = show(&(struct scene){ "all of them", k, n, false }) && well;
    percent = 100; /* more than there are descriptors */
    if (!only || strcmp(only, "descriptors") == 0)
        well =
            show(&(struct scene){ "no descriptors", &hold, 1, true }) && well;
    return well;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (argc > 1)
        percent = atoi(argv[1]);
    if (argc > 2)
        seconds = atof(argv[2]);
    alloc_fail_install();
    certs_set_up(NULL);
    about = mmap(NULL, sizeof(*about), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool well = about != MAP_FAILED && show_all(argc > 3 ? argv[3] : NULL);
    certs_tear_down(NULL);
    return well ? 0 : 1;
}
