/* SPDX-License-Identifier: MIT */

/*
 * churn [SECONDS [FIBERS]]: in two workers and in threads, fibers that join, leave,
 * publish, ask who is there, close and begin anew, all at once, in one hub.
 *
 * Each sees every byte that its connection sends.  Of each topic that it has
 * joined by name, offsets come one after the other, from the place that the join
 * named on; and after a leave, what comes when it returns since the last one goes
 * on there.  In the end nobody is left.  Ends with 1, and a line, if not.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <silverback.h>

enum { TOPICS = 7, WORKERS = 2, THREADS = 4, LINE = 64 };

static ws_hub *hub;
static int64_t until;
static int fibers;
static atomic_long joins, recoveries, publications, cuts, heard;
static atomic_bool wrong;

/* ---- One of them -------------------------------------------------------- */

struct follower {
    unsigned seed;
    ws_conn *c;
    int raw;
    bool joined[TOPICS];
    bool by_prefix;
    ws_place seen[TOPICS]; /* epoch 0: whatever comes */
    size_t stale[TOPICS]; /* that were replayed before a gap, and are to come */
    unsigned marks;       /* that have come */
    unsigned char in[1 << 16];
    size_t n;
};

static unsigned some(struct follower *f, unsigned n)
{
    f->seed = f->seed * 1103515245u + 12345u;
    return (f->seed >> 16) % n;
}

static const char *name_of(int topic)
{
    static const char *const names[TOPICS] = {
        "room/0", "room/1", "room/2", "room/3", "other/0", "other/1", "x",
    };

    return names[topic];
}

static void complain(const char *what, int topic, uint64_t got, uint64_t want)
{
    if (!atomic_exchange(&wrong, true))
        printf("wrong: %s, topic %d: %" PRIu64 ", not %" PRIu64 "\n", what,
               topic, got, want);
}

/* "TOPIC EPOCH OFFSET" */
static ws_prepared *frame(const ws_publication *p, void *arg)
{
    char line[LINE];
    int topic = 0;

    (void)arg;
    while (strcmp(name_of(topic), p->topic) != 0)
        topic++;
    int n = snprintf(line, sizeof(line), "%d %" PRIu64 " %" PRIu64, topic,
                     p->place.epoch, p->place.offset);
    return ws_prepare(WS_TEXT, line, (size_t)n);
}

static void hear(struct follower *f, const char *line)
{
    uint64_t epoch, offset;
    int topic;

    if (strcmp(line, "mark") == 0) {
        f->marks++;
        return;
    }
    if (sscanf(line, "%d %" SCNu64 " %" SCNu64, &topic, &epoch, &offset) != 3) {
        complain(line, 0, 0, 0);
        return;
    }
    atomic_fetch_add(&heard, 1);
    if (f->by_prefix || !f->joined[topic])
        return;
    if (f->stale[topic] > 0) {
        f->stale[topic]--;
        return;
    }
    ws_place *seen = &f->seen[topic];
    if (epoch != seen->epoch || offset != seen->offset + 1)
        complain("out of order", topic, offset, seen->offset + 1);
    seen->offset = offset;
}

/* Whole frames, as a server sends them, of at most 125 bytes. */
static void take_frames(struct follower *f)
{
    size_t at = 0;

    while (f->n - at >= 2 && f->n - at >= 2u + f->in[at + 1]) {
        char line[126] = "";
        size_t len = f->in[at + 1];
        memcpy(line, f->in + at + 2, len);
        if (f->in[at] == (0x80 | WS_TEXT))
            hear(f, line);
        at += 2 + len;
    }
    memmove(f->in, f->in + at, f->n -= at);
}

/* What has come, which may be nothing.  Returns false at the end. */
static bool drain(struct follower *f)
{
    for (;;) {
        ssize_t n =
            recv(f->raw, f->in + f->n, sizeof(f->in) - f->n, MSG_DONTWAIT);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        f->n += (size_t)n;
        take_frames(f);
    }
}

/* All that was sent so far. */
static bool drain_to_mark(struct follower *f, ws_prepared *mark)
{
    unsigned marks = f->marks;

    if (ws_enqueue(f->c, mark) != 0)
        return false;
    while (f->marks == marks) {
        if (!drain(f) ||
            (f->marks == marks && ws_wait_fd(f->raw, 1, ws_after(20000)) < 0))
            return false;
    }
    return true;
}

static bool begin(struct follower *f)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return false;
    f->raw = fds[1];
    f->c = ws_adopt(fds[0], NULL, NULL);
    f->n = 0;
    memset(f->joined, 0, sizeof(f->joined));
    memset(f->seen, 0, sizeof(f->seen));
    memset(f->stale, 0, sizeof(f->stale));
    f->by_prefix = false;
    return f->c;
}

static void end(struct follower *f)
{
    if (some(f, 2))
        ws_shutdown(f->c);
    close(f->raw);
    ws_close(f->c);
}

/* ---- What they do ------------------------------------------------------- */

static bool join_one(struct follower *f, int topic)
{
    ws_join_options how = { .latest = false,
                            .member = some(f, 2) ? "somebody" : NULL };
    ws_place since = f->seen[topic];
    ws_joined joined;

    if (since.epoch != 0)
        how.since = &since;
    if (f->joined[topic])
        return true;
    f->joined[topic] = true;
    /* Nobody takes what is replayed meanwhile. */
    ws_set_write_deadline(f->c, ws_after(20));
    int r = ws_hub_join(hub, f->c, name_of(topic), &how, &joined);
    if (r != 0)
        return false;
    atomic_fetch_add(&joins, 1);
    if (how.since && joined.recovered) {
        atomic_fetch_add(&recoveries, 1);
        if (joined.place.offset != since.offset + joined.replayed)
            complain("replayed", topic, joined.replayed,
                     joined.place.offset - since.offset);
    } else {
        f->stale[topic] = joined.replayed;
        f->seen[topic] = joined.place;
    }
    return true;
}

static bool leave_one(struct follower *f, int topic, ws_prepared *mark)
{
    if (!f->joined[topic])
        return true;
    if (ws_hub_leave(hub, f->c, name_of(topic)) != 0)
        return false;
    bool all = drain_to_mark(f, mark);
    f->joined[topic] = false;
    return all;
}

static bool join_prefix(struct follower *f)
{
    const ws_join_options how = { .prefix = true, .latest = true };

    f->by_prefix = true; /* from here on it gets some twice */
    return ws_hub_join(hub, f->c, "room/", &how, NULL) == 0 &&
           (some(f, 2) || ws_hub_leave_prefix(hub, f->c, "room/") == 0);
}

static bool do_something(struct follower *f, ws_prepared *mark)
{
    int topic = (int)some(f, TOPICS);
    ws_presence *p;

    switch (some(f, 16)) {
    case 0:
        return false; /* and begin anew */
    case 1:
        return some(f, 4) || join_prefix(f);
    case 2:
    case 3:
        return leave_one(f, topic, mark);
    case 4:
        if (ws_hub_presence(hub, name_of(topic), &p) == 0)
            ws_free(p);
        return true;
    case 5:
    case 6:
    case 7:
        return join_one(f, topic);
    case 8:
        ws_sleep(some(f, 3));
        return drain(f);
    default:
        if (ws_hub_publish(hub, name_of(topic), WS_TEXT, "x", 1, NULL) == 0)
            atomic_fetch_add(&publications, 1);
        return drain(f);
    }
}

static void follow(void *arg)
{
    struct follower *f = calloc(1, sizeof(*f));
    ws_prepared *mark = ws_prepare(WS_TEXT, "mark", 4);

    f->seed = (unsigned)(uintptr_t)arg;
    while (ws_now() < until && !atomic_load(&wrong) && begin(f)) {
        while (ws_now() < until && do_something(f, mark))
            ws_yield();
        const ws_error *why = ws_conn_error(f->c);
        if (why->code == WS_ERR_SLOW)
            atomic_fetch_add(&cuts, 1);
        end(f);
    }
    ws_prepared_free(mark);
    free(f);
}

/* ---- All of them -------------------------------------------------------- */

static void start_all(void *arg)
{
    for (int i = 0; i < fibers; i++)
        ws_detach(
            ws_go(follow, (void *)((uintptr_t)arg * 1000 + (uintptr_t)i)));
}

static void run_worker(void *arg)
{
    ws_run(start_all, arg);
}

static bool nobody_is_left(void)
{
    const int64_t patience = ws_after(20000);
    ws_hub_stats s;

    do {
        ws_sleep(1);
        ws_hub_stats_get(hub, &s);
    } while (s.subscriptions > 0 && ws_now() < patience);
    printf("%ld joins, %ld of them recovered, %ld publications, %ld heard, "
           "%ld cut; delivered %" PRIu64 ", conflated %" PRIu64 "\n",
           joins, recoveries, publications, heard, cuts, s.delivered,
           s.conflated);
    if (s.subscriptions > 0)
        printf("wrong: %zu subscriptions are left\n", s.subscriptions);
    return s.subscriptions == 0;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 60;
    ws_fiber *threads[WORKERS + THREADS];
    ws_error err;

    fibers = (argc > 2 ? atoi(argv[2]) : 200) / WORKERS;
    until = ws_after((int64_t)(1000 * seconds));
    hub = ws_hub_new(&(ws_hub_options){ .frame = frame, .history = 100 }, &err);
    if (!hub) {
        printf("%s\n", err.text);
        return 1;
    }
    for (uintptr_t i = 0; i < WORKERS + THREADS; i++)
        threads[i] = ws_go(i < WORKERS ? run_worker : follow, (void *)(i + 1));
    for (int i = 0; i < WORKERS + THREADS; i++)
        ws_join(threads[i]);
    bool good = nobody_is_left() && !atomic_load(&wrong);
    ws_hub_free(hub);
    ws_cleanup();
    return good ? 0 : 1;
}
