/* SPDX-License-Identifier: MIT */

#include "bench_echo.h"

void echo_until_end(ws_conn *c)
{
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        continue;
    ws_close(c);
}

void echo(ws_request *r, void *upgrader)
{
    echo_until_end(ws_upgrade(upgrader, r, NULL));
}

static void echo_one(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    if (m && ws_write_message(c, m->type, m->data, m->len) != 0)
        ws_shutdown(c);
}

void echo_when_called(ws_request *r, void *upgrader)
{
    ws_conn *c = ws_upgrade(upgrader, r, NULL);

    if (ws_on_message(c, echo_one, NULL) != 0)
        ws_close(c);
}
