/* SPDX-License-Identifier: MIT */

#include "broadcast.h"

#include "output.h"
#include "serve.h"

struct broadcast {
    struct serve serve;
    ws_hub *hub;
};

static int broadcast_all(struct broadcast *b, ws_conn *c, const char *room)
{
    ws_message m;
    int r = ws_hub_join(b->hub, c, room, NULL, NULL);

    while (r == 0 && (r = ws_read_message(c, &m)) == 0)
        r = ws_hub_publish(b->hub, room, m.type, m.data, m.len, NULL);
    return r;
}

/* The hub does not want it. */
static void broadcast_refuse(ws_conn *c, int error)
{
    if (error == WS_ERR_INVALID) {
        ws_write_close(c, WS_CLOSE_POLICY, "that path is no room");
        return;
    }
    output_note("no room can be reached: %s", ws_strerror(error));
    ws_write_close(c, WS_CLOSE_TRY_AGAIN_LATER, "no room can be reached");
}

/* A path is a room: its members hear each other, and themselves. */
static void broadcast_room(ws_conn *c, void *arg)
{
    int error = broadcast_all(arg, c, ws_conn_request(c)->path);

    if (error == WS_ERR_SLOW)
        output_note("%s is too slow, and was cut", ws_remote_addr(c));
    else if (ws_conn_error(c)->code == 0)
        broadcast_refuse(c, error);
}

static enum status broadcast_serve(struct broadcast *b, const char *where)
{
    const ws_route routes[] = { serve_all(&b->serve, broadcast_room, b, true),
                                { 0 } };

    return serve_begin(&b->serve, where, routes, false) ? serve_end(&b->serve)
                                                        : STATUS_NO_CONNECTION;
}

enum status broadcast_run(const struct settings *s)
{
    const ws_hub_options options = { .history = -1, .redis = s->redis };
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
