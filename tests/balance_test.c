/* SPDX-License-Identifier: MIT */

/* How a listener's connections spread over its workers. */

#include "test.h"

#include <stdio.h>

#include <silverback.h>

#include "echo.h"
#include "peer.h"
#include "server/listener.h"

enum { CONNECTIONS = 300 };

static const ws_route routes[] = {
    { .path = "/wait", .socket = echo },
    { .path = "/called", .handler = echo_when_called },
    { 0 },
};

static void ask_for(int fd, const char *path)
{
    char request[256];

    snprintf(request, sizeof(request),
             "GET %s HTTP/1.1" SERVED "Connection: Upgrade\r\n"
             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             path);
    say(fd, request);
}

static void expect_upgrade(int fd)
{
    static struct answer a;

    assert_true(hear_head(fd, &a));
    assert_int_equal(a.status, 101);
}

/* No worker has more than a quarter above its share, and a few. */
static void assert_balanced(ws_listener *l, size_t n)
{
    size_t seats = (size_t)l->nseats, sum = 0;

    for (unsigned i = 0; i < seats; i++) {
        size_t load = ws__registry_load(l->host.registry, i);

        sum += load;
        if (4 * seats * load > 5 * n + 4 * seats * 8)
            fail_msg("worker %u of %zu has %zu of %zu connections", i, seats,
                     load, n);
    }
    assert_int_equal(sum, n);
}

struct row {
    int workers;
    const char *path;
    bool burst; /* all connect before the first is answered */
};

/* At every moment, where each is there before the next comes. */
static void call_all(ws_listener *l, const struct row *row, int *fds)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = call(l);
        ask_for(fds[i], row->path);
        if (row->burst)
            continue;
        expect_upgrade(fds[i]);
        assert_balanced(l, i + 1);
    }
    for (size_t i = 0; row->burst && i < CONNECTIONS; i++)
        expect_upgrade(fds[i]);
}

static void connections_are_balanced_when_they_are_born(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { 1, "/wait", false },  { 2, "/wait", false }, { 4, "/wait", false },
        { 2, "/wait", true },   { 4, "/wait", true },  { 2, "/called", false },
        { 4, "/called", true },
    };
    int fds[CONNECTIONS];

    for (size_t i = 0; i < COUNT(rows); i++) {
        const ws_server s = { .addr = "127.0.0.1:0",
                              .routes = routes,
                              .workers = rows[i].workers };
        ws_listener *l = ws_listen(&s, NULL);

        assert_non_null(l);
        call_all(l, &rows[i], fds);
        assert_balanced(l, CONNECTIONS);
        for (size_t k = 0; k < CONNECTIONS; k++)
            close(fds[k]);
        assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)),
                         0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_balanced_when_they_are_born),
    };

    return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
