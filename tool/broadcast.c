/* SPDX-License-Identifier: MIT */

#include "broadcast.h"

#include "output.h"
#include "page.html.h"
#include "serve.h"

enum {
    LEAVE_MS = 1000, /* for the answer to our close */
};

struct broadcast {
    struct serve serve;
    ws_hub *hub;
};

/* A path is a room: its members hear each other, and themselves. */
static void broadcast_room(struct broadcast *b, ws_request *r)
{
    ws_conn *c = ws_upgrade(&b->serve.upgrader, r, NULL);
    ws_message m;
    int error = ws_hub_join(b->hub, c, r->path, NULL, NULL);

    if (error == WS_ERR_INVALID)
        ws_write_close(c, WS_CLOSE_POLICY, "that path is no room");
    while (error == 0 && (error = ws_read_message(c, &m)) == 0)
        error = ws_hub_publish(b->hub, r->path, m.type, m.data, m.len, NULL);
    if (error == WS_ERR_SLOW)
        output_note("%s is too slow, and was cut", ws_remote_addr(c));
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(LEAVE_MS));
    ws_close(c);
}

static void broadcast_or_page(ws_request *r, void *arg)
{
    if (ws_is_upgrade(r))
        broadcast_room(arg, r);
    else
        ws_reply_html(r, 200, page_html);
}

static enum status broadcast_serve(struct broadcast *b, const char *where)
{
    const ws_route routes[] = {
        { .path = "/", .handler = broadcast_or_page, .arg = b },
        { 0 },
    };

    return serve_begin(&b->serve, where, routes, false) ? serve_end(&b->serve)
                                                        : STATUS_NO_CONNECTION;
}

enum status broadcast_run(const struct settings *s)
{
    const ws_hub_options options = { .history = -1 };
    struct broadcast b = { 0 };
    ws_error err;

    serve_init(&b.serve, s);
    b.hub = ws_hub_new(&options, &err);
    if (!b.hub) {
        output_note("%s", err.text);
        return STATUS_USAGE;
    }
    enum status status = broadcast_serve(&b, s->args[0]);
    ws_hub_free(b.hub);
    return status;
}
