/* SPDX-License-Identifier: MIT */

#include "echo.h"

#include "serve.h"

static void echo_back(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        ;
}

enum status echo_run(const struct settings *s)
{
    struct serve serve;

    serve_init(&serve, s);
    const ws_route routes[] = { serve_all(&serve, echo_back, NULL, true),
                                { 0 } };
    return serve_begin(&serve, s->args[0], routes, false)
               ? serve_end(&serve)
               : STATUS_NO_CONNECTION;
}
