/* SPDX-License-Identifier: MIT */
/* Rooms where everybody hears what one says, and what was said before:
 * chat [--redis URL] [addr].  The page: http://localhost:8080/ROOM */

#include <stdio.h>
#include <string.h>

#include <silverback.h>

#include "chat.html.h" /* made from chat.html by the build */
#include "common/place.h"

static ws_hub *hub;
static const ws_upgrader upgrader = { .read_limit = 4096 };

/* What was missed, or all that the log has; then where the room is. */
static int enter(ws_conn *c, const char *room, const ws_param *query)
{
    ws_place since = place_parse(ws_param_get(query, "since"));
    ws_join_options how = { &since, .member = ws_param_get(query, "name") };
    ws_joined joined;

    int error = ws_hub_join(hub, c, room, &how, &joined);
    if (error == 0 && !joined.recovered) {
        since = (ws_place){ 0 };
        ws_hub_leave(hub, c, room);
        error = ws_hub_join(hub, c, room, &how, &joined);
    }
    return error == 0 ? place_tell(c, "joined", &joined.place) : error;
}

static int tell_who(ws_conn *c, const char *room)
{
    ws_presence *here;

    int error = ws_hub_presence(hub, room, &here);
    for (size_t i = 0; error == 0 && i < here->n; i++)
        error = ws_writef(c, "name %s", here->members[i]);
    if (error == 0)
        error = ws_writef(c, "here %zu", here->connections);
    ws_free(here);
    return error;
}

/* The server has upgraded, and closes when this returns.  What one says is for
 * all; an empty message asks who they are. */
static void chat(ws_conn *c, void *arg)
{
    (void)arg;
    ws_request *r = ws_conn_request(c);
    const char *room = r->path + strlen("/chat/");
    ws_message m;

    int error = enter(c, room, ws_query(r));
    if (error != 0)
        ws_write_close(c, WS_CLOSE_TRY_AGAIN_LATER, ws_strerror(error));
    while (error == 0 && (error = ws_read_message(c, &m)) == 0) {
        int failed =
            m.len == 0 ? tell_who(c, room)
                       : ws_hub_publish(hub, room, m.type, m.data, m.len, NULL);
        if (failed != 0)
            ws_writef(c, "failed %s", ws_strerror(failed));
    }
    if (error == WS_ERR_SLOW)
        printf("%s is too slow\n", ws_remote_addr(c));
}

static void page(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, chat_html);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/chat/", .socket = chat, .upgrader = &upgrader },
        { .path = "/", .handler = page },
        { 0 },
    };
    bool shared = argc > 2 && strcmp(argv[1], "--redis") == 0;
    const char *addr = argv[shared ? 3 : 1];
    ws_hub_options o = { .frame = place_frame, .arg = "said" };
    ws_error err;

    o.queue.max_messages = 100; /* the log has more */
    o.redis = shared ? argv[2] : NULL;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (!(hub = ws_hub_new(&o, &err))) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = ws_serve(&(ws_server){ .addr = addr ? addr : "localhost:8080",
                                        .routes = routes }) != 0;
    ws_hub_free(hub);
    return failed;
}
