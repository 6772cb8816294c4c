/* SPDX-License-Identifier: MIT */

#include "echo.h"

#include "output.h"
#include "page.html.h"
#include "serve.h"

enum {
    LEAVE_MS = 1000, /* for the answer to our close */
};

static void echo_back(ws_request *r, const ws_upgrader *u)
{
    ws_conn *c = ws_upgrade(u, r, NULL);
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        ;
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(LEAVE_MS));
    ws_close(c);
}

static void echo_or_page(ws_request *r, void *arg)
{
    if (ws_is_upgrade(r))
        echo_back(r, arg);
    else
        ws_reply_html(r, 200, page_html);
}

enum status echo_run(const struct settings *s)
{
    struct serve serve;
    const ws_route routes[] = {
        { .path = "/", .handler = echo_or_page, .arg = &serve.upgrader },
        { 0 },
    };

    serve_init(&serve, s);
    if (!serve_begin(&serve, s->args[0], routes, false))
        return STATUS_NO_CONNECTION;
    return serve_end(&serve);
}
