/* SPDX-License-Identifier: MIT */

/* drain [CONNECTIONS [MS]]: a server with so many connections over TLS is shut
 * down over so long; prints when its goodbyes came, and with which code. */

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <silverback.h>

#include "../certs.h"

enum { SLOT_MS = 250, SLOTS = 256, PATIENCE_MS = 120 * 1000, AT_ONCE = 64 };

static int n = 5000, spread_ms = 5000;
static char url[128];
static ws_tls trust;
static atomic_int connected, failed, wrong, late, slots[SLOTS];
static _Atomic int64_t began;

/* ---- The server --------------------------------------------------------- */

static ws_event sleeper_in;
static _Atomic int64_t sleeper_woke;

static void talk(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        continue;
}

static void sleep_an_hour(ws_conn *c, void *arg)
{
    (void)arg;
    ws_event_set(&sleeper_in);
    ws_wait_any(-1, 0, ws_after(3600 * 1000), ws_stopping(c), NULL);
    atomic_store(&sleeper_woke, ws_now());
}

/* ---- The clients -------------------------------------------------------- */

static void hear_goodbye(ws_conn *c)
{
    ws_message m;

    while (ws_read_message(c, &m) == 0)
        continue;
    int64_t slot = (ws_now() - atomic_load(&began)) / SLOT_MS;
    if (ws_close_code(c) != WS_CLOSE_SERVICE_RESTART)
        atomic_fetch_add(&wrong, 1);
    else if (slot < 0 || slot >= SLOTS)
        atomic_fetch_add(&late, 1);
    else
        atomic_fetch_add(&slots[slot], 1);
}

static void client(void *target)
{
    const ws_dialer d = { .tls = &trust,
                          .proxy = "",
                          .handshake_timeout_ms = PATIENCE_MS };
    char full[160];
    ws_error err;

    snprintf(full, sizeof(full), "%s%s", url, (const char *)target);
    ws_conn *c = ws_dial(&d, full, NULL, NULL, &err);
    atomic_fetch_add(c ? &connected : &failed, 1);
    if (!c)
        fprintf(stderr, "%s\n", err.text);
    else
        hear_goodbye(c);
    ws_close(c);
}

static void clients(void *arg)
{
    (void)arg;
    ws_detach(ws_go(client, "/sleep"));
    for (int i = 1; i <= n; i++) {
        ws_detach(ws_go(client, "/"));
        while (i + 1 - atomic_load(&connected) - atomic_load(&failed) > AT_ONCE)
            ws_sleep(1);
    }
}

static void run_clients(void *arg)
{
    ws_run(clients, arg);
}

/* ---- All of it ---------------------------------------------------------- */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int report(int64_t took)
{
    int all = 0;

    printf("| ms | goodbyes |\n|---|---|\n");
    for (int i = 0; i < SLOTS; i++) {
        int count = atomic_load(&slots[i]);

        all += count;
        if (count > 0)
            printf("| %d-%d | %d |\n", i * SLOT_MS, (i + 1) * SLOT_MS, count);
    }
    printf(
        "%d of %d with 1012, %d otherwise (the sleeper's handler ends by "
        "itself), %d not connected; it woke after %lld ms; the shutdown took "
        "%lld ms\n",
        all, n, atomic_load(&wrong) + atomic_load(&late), atomic_load(&failed),
        (long long)(atomic_load(&sleeper_woke) - atomic_load(&began)),
        (long long)took);
    return all == n && atomic_load(&wrong) <= 1 ? 0 : 1;
}

static int drain(ws_listener *l)
{
    int64_t limit = ws_after(PATIENCE_MS);

    snprintf(url, sizeof(url), "wss://%s", ws_listener_addr(l));
    ws_fiber *f = ws_go(run_clients, NULL);
    while (atomic_load(&connected) + atomic_load(&failed) <= n &&
           ws_now() < limit)
        ws_sleep(10);
    ws_event_wait(&sleeper_in, limit);
    fprintf(stderr, "%d connected\n", atomic_load(&connected));
    atomic_store(&began, ws_now());
    int r = ws_listener_shutdown(l, ws_after(spread_ms + 20 * 1000));
    int64_t took = ws_now() - atomic_load(&began);
    ws_join(f);
    return report(took) | (r != 0);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/", .socket = talk },
        { .path = "/sleep", .socket = sleep_an_hour },
        { 0 },
    };

    if (argc > 1)
        n = atoi(argv[1]);
    if (argc > 2)
        spread_ms = atoi(argv[2]);
    raise_descriptor_limit();
    certs_set_up(NULL);
    const ws_tls tls = { .cert_file = certs_path("server.pem") };
    trust.ca_file = tls.cert_file;
    const ws_goodbye goodbye = { WS_CLOSE_SERVICE_RESTART, "drained",
                                 spread_ms };
    ws_error err;
    ws_listener *l = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                             .routes = routes,
                                             .tls = &tls,
                                             .request_timeout_ms = PATIENCE_MS,
                                             .goodbye = &goodbye },
                               &err);
    if (!l)
        fprintf(stderr, "%s\n", err.text);
    int r = l ? drain(l) : 1;
    certs_tear_down(NULL);
    return r;
}
