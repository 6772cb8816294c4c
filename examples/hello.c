/* SPDX-License-Identifier: MIT */
/* A page that talks to its server, which lets pages of any origin in:
 * http://localhost:7777/ */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"
#include "hello.html.h" /* made from hello.html by the build */

/* Any page in any browser may connect.  Fine for answers that everybody may
 * see; never beside cookies. */
static const ws_upgrader upgrader = { .check_origin = ws_any_origin };

static void talk(ws_request *r, void *arg)
{
    (void)arg;
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        print_line("%s says: %s", ws_remote_addr(c), m.data);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
}

static void home(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, hello_html);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/ws", .handler = talk },
        { .path = "/", .handler = home },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : ":7777",
        .routes = routes,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0;
}
