/* SPDX-License-Identifier: MIT */

/* mute [SUBSCRIBERS [SECONDS]]: what one subscriber that never reads does to the
 * others of its topic, with each policy, and what 20 new ones a second do; prints
 * from publication to receipt, memory and counts of each. */

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback.h>

#include "../bench/figures.h"
#include "fiber/sanitizers.h"

enum {
    SIZE = 1000,
    PERIOD_MS = 5, /* from one publication to the next */
    KEYS = 16,
    QUEUE = 64,        /* messages of SIZE that wait for one */
    SMALL = 16 * 1024, /* what the kernel keeps for a mute one */
    MOST_KIB = WS__SANITIZED ? 1 << 20 : 16 << 10, /* that memory may grow */
    PATIENCE_MS = 60 * 1000,
};

struct scene {
    const char *name;
    ws_slow slow;
    bool latest;
    int mute;      /* from the beginning */
    int period_ms; /* until the next one; 0: no more */
    int cut;       /* so many at least; 0: none */
    bool drops, conflates;
};

static const struct scene scenes[] = {
    { .name = "none mute" },
    { .name = "1, cut", .mute = 1, .cut = 1, .drops = true },
    { .name = "1, oldest dropped",
      .slow = WS_SLOW_DROP_OLDEST,
      .mute = 1,
      .drops = true },
    { .name = "1, newest dropped",
      .slow = WS_SLOW_DROP_NEWEST,
      .mute = 1,
      .drops = true },
    { .name = "1, newest of a key",
      .latest = true,
      .mute = 1,
      .conflates = true },
    { .name = "20 a second, cut", .period_ms = 50, .cut = 3, .drops = true },
};

static int subscribers = 200;
static double seconds = 5;

/* What is published, filled up to SIZE. */
struct stamp {
    uint64_t number;
    uint64_t time;
};

/* What the process of the clients has seen. */
struct seen {
    uint64_t received, gaps;
    double p50_us, p99_us;
};

/* ---- The clients, a process of its own ---------------------------------- */

struct clients {
    const struct scene *scene;
    int port;
    int end;    /* tells how much was published, when it is over */
    int result; /* where a struct seen is written */
    struct seen seen;
    ws_event stop;
};

static ws_conn *dial(const struct clients *all, const char *path)
{
    char url[64];
    ws_error err;

    snprintf(url, sizeof(url), "ws://127.0.0.1:%d%s", all->port, path);
    ws_conn *c = ws_dial(&(ws_dialer){ .proxy = "" }, url, NULL, NULL, &err);
    if (!c)
        fprintf(stderr, "%s\n", err.text);
    return c;
}

static void listen_to(void *arg)
{
    struct clients *all = arg;
    ws_conn *c = dial(all, "/");
    struct stamp s;
    uint64_t last = 0;
    ws_message m;

    while (ws_read_message_by(c, &m, 0, &all->stop) == 0) {
        memcpy(&s, m.data, sizeof(s));
        figures_add(figures_now() - s.time);
        all->seen.gaps += last > 0 && s.number != last + 1;
        all->seen.received++;
        last = s.number;
    }
    ws_close(c);
}

static void be_mute(void *arg)
{
    struct clients *all = arg;
    ws_conn *c = dial(all, "/mute");
    int size = SMALL;

    if (c)
        setsockopt(ws_fd(c), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    ws_event_wait(&all->stop, 0);
    ws_close(c);
}

static void hear_the_rest(const struct clients *all)
{
    int64_t patience = ws_after(PATIENCE_MS);
    uint64_t published = 0;

    if (read(all->end, &published, sizeof(published)) < 0)
        perror("read");
    while (all->seen.received < published * (uint64_t)subscribers &&
           ws_now() < patience)
        ws_sleep(1);
}

static void be_clients(void *arg)
{
    struct clients *all = arg;
    int period = all->scene->period_ms;

    for (int i = 0; i < subscribers; i++)
        ws_detach(ws_go(listen_to, all));
    for (int i = 0; i < all->scene->mute; i++)
        ws_detach(ws_go(be_mute, all));
    while (ws_wait_fd(all->end, POLLIN, period > 0 ? ws_after(period) : 0) ==
           WS_ERR_TIMEOUT)
        ws_detach(ws_go(be_mute, all));
    hear_the_rest(all);
    all->seen.p50_us = figures_percentile(0.5);
    all->seen.p99_us = figures_percentile(0.99);
    ws_event_set(&all->stop);

    struct seen seen = all->seen;

    if (write(all->result, &seen, sizeof(seen)) < 0)
        perror("write");
}

/* ---- The server --------------------------------------------------------- */

static ws_hub *hub;
static const struct scene *scene;

static void subscribe(ws_conn *c, void *mute)
{
    const ws_join_options how = { .latest = scene->latest };
    int size = SMALL;
    ws_message m;

    if (mute)
        setsockopt(ws_fd(c), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (ws_hub_join(hub, c, "topic", &how, NULL) == 0)
        while (ws_read_message(c, &m) == 0)
            continue;
}

static void publish(uint64_t number)
{
    static char data[SIZE];
    struct stamp s = { number, figures_now() };
    char key[16];

    memcpy(data, &s, sizeof(s));
    snprintf(key, sizeof(key), "%d", (int)(number % KEYS));
    ws_hub_publish_by(hub,
                      &(ws_publication){ .topic = "topic",
                                         .type = WS_BINARY,
                                         .data = data,
                                         .len = sizeof(data),
                                         .key = key },
                      0, NULL);
}

/* Everything that is to happen has. */
static bool is_seen(const ws_hub_stats *s)
{
    return s->cut >= (uint64_t)scene->cut && (s->dropped > 0) >= scene->drops &&
           (s->conflated > 0) >= scene->conflates;
}

static void publish_all(ws_hub_stats *s)
{
    int64_t end = ws_after((int64_t)(seconds * 1000));
    int64_t patience = ws_after(PATIENCE_MS);
    uint64_t number = 0;

    do {
        publish(++number);
        ws_sleep(PERIOD_MS);
        ws_hub_stats_get(hub, s);
    } while (ws_now() < end || (!is_seen(s) && ws_now() < patience));
}

static bool wait_for_subscribers(void)
{
    int64_t patience = ws_after(PATIENCE_MS);
    ws_hub_stats s = { 0 };

    while (s.subscribers < (size_t)(subscribers + scene->mute) &&
           ws_now() < patience) {
        ws_sleep(10);
        ws_hub_stats_get(hub, &s);
    }
    return s.subscribers >= (size_t)(subscribers + scene->mute);
}

static bool report(const ws_hub_stats *s, const struct seen *seen, long grown)
{
    bool ok = is_seen(s) && (scene->cut > 0 || s->cut == 0) &&
              (scene->drops || s->dropped == 0) &&
              (scene->conflates || s->conflated == 0) && seen->gaps == 0 &&
              seen->received == s->published * (uint64_t)subscribers &&
              grown < MOST_KIB;

    printf("| %s | %.2f | %.2f | %ld | %llu | %llu | %llu | %llu | %llu | %llu "
           "| %s |\n",
           scene->name, seen->p50_us / 1000, seen->p99_us / 1000, grown,
           (unsigned long long)s->published, (unsigned long long)seen->received,
           (unsigned long long)seen->gaps, (unsigned long long)s->dropped,
           (unsigned long long)s->conflated, (unsigned long long)s->cut,
           ok ? "as it should" : "WRONG");
    return ok;
}

static bool serve(int listener, int end, int result)
{
    static const ws_route routes[] = {
        { .path = "/", .socket = subscribe },
        { .path = "/mute", .socket = subscribe, .arg = "mute" },
        { 0 },
    };
    ws_hub_stats s = { 0 };
    struct seen seen = { 0 };
    ws_error err;

    hub = ws_hub_new(&(ws_hub_options){ .history = -1,
                                        .queue = { .max_messages = QUEUE,
                                                   .slow = scene->slow } },
                     &err);
    ws_listener *l = ws_listen(
        &(ws_server){
            .fds = &listener, .nfds = 1, .routes = routes, .workers = 1 },
        &err);
    if (!hub || !l || !wait_for_subscribers()) {
        fprintf(stderr, "not all have joined: %s\n", err.text);
        return false;
    }
    long before = figures_rss(getpid());
    publish_all(&s);
    long grown = figures_rss(getpid()) - before;
    bool ok = write(end, &s.published, sizeof(s.published)) > 0 &&
              read(result, &seen, sizeof(seen)) == sizeof(seen) &&
              report(&s, &seen, grown);
    ws_listener_shutdown(l, ws_after(1000));
    ws_hub_free(hub);
    return ok;
}

/* ---- All of it ---------------------------------------------------------- */

static int listen_anywhere(int *port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("listen");
        exit(1);
    }
    *port = ntohs(at.sin_port);
    return fd;
}

/* In a process of its own, so that its memory is its own. */
static int play(void)
{
    int end[2], result[2], status;
    struct clients all = { .scene = scene };
    int listener = listen_anywhere(&all.port);

    if (pipe(end) != 0 || pipe(result) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        close(end[1]);
        close(listener);
        all.end = end[0];
        all.result = result[1];
        exit(ws_run(be_clients, &all) != 0);
    }
    close(result[1]);
    bool ok = pid > 0 && serve(listener, end[1], result[0]);
    return pid > 0 && waitpid(pid, &status, 0) == pid && ok ? 0 : 1;
}

static bool play_apart(void)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0)
        exit(play());
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv)
{
    bool ok = true;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (argc > 1)
        subscribers = atoi(argv[1]);
    if (argc > 2)
        seconds = atof(argv[2]);
    printf("%d subscribers, %d B every %d ms\n"
           "| mute | p50 ms | p99 ms | KiB more | published | received | gaps "
           "| dropped | conflated | cut | |\n"
           "|---|---|---|---|---|---|---|---|---|---|---|\n",
           subscribers, SIZE, PERIOD_MS);
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        scene = &scenes[i];
        ok = play_apart() && ok;
    }
    return ok ? 0 : 1;
}
