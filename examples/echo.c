/* SPDX-License-Identifier: MIT */
/* An echo server, and a page to try it from: http://localhost:8080/ */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"
#include "echo.html.h" /* made from echo.html by the build */

static const ws_upgrader upgrader = { .enable_compression = true };

static void echo(ws_request *r, void *arg)
{
    (void)arg;
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    if (!c) {
        fprintf(stderr, "upgrade: %s\n", r->error.text);
        return;
    }

    ws_message m;
    while (ws_read_message(c, &m) == 0) {
        print_line("recv: %s", m.data);
        if (ws_write_message(c, m.type, m.data, m.len) != 0)
            break;
    }

    const ws_error *e = ws_conn_error(c);
    if (e->code != 0 && !ws_closed_with(c, WS_CLOSE_NORMAL, WS_CLOSE_GOING_AWAY,
                                        WS_CLOSE_NO_STATUS))
        fprintf(stderr, "echo: %s\n", e->text);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
}

static void home(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, echo_html);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/echo", .handler = echo },
        { .path = "/", .handler = home },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : "localhost:8080",
        .routes = routes,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0; /* the log says why */
}
