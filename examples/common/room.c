/* SPDX-License-Identifier: MIT */

#include "room.h"

#include <stdio.h>

#include "print.h"

enum { PATIENCE_MS = 5000 };

/* Who is here; a member lies on the stack of its handler. */
struct member {
    ws_conn *c;
    struct member *next;
};

static struct member *room;
static ws_listener *listener;
static ws_fiber *follower;
static ws_conn *followed; /* NULL: no other room is */
static ws_event left;

static const ws_upgrader upgrader = { .read_limit = 4096 };
static const ws_dialer dialer = { .cancel = &left };

/* Since nothing waits, nobody comes or goes meanwhile: a deadline that has
 * passed takes what can be sent at once.  Who is that slow is cut off. */
static void tell(const ws_message *m)
{
    ws_prepared *said = ws_prepare(m->type, m->data, m->len);

    for (struct member *to = room; said && to; to = to->next) {
        ws_set_write_deadline(to->c, ws_now());
        int error = ws_write_prepared(to->c, said);
        if (error == WS_ERR_TIMEOUT || error == WS_ERR_DEAD)
            ws_shutdown(to->c);
    }
    ws_prepared_free(said);
}

void room_count(void)
{
    char text[64];
    int n = 0;

    for (struct member *m = room; m; m = m->next)
        n++;
    int len = snprintf(text, sizeof(text), "%d here", n);
    tell(&(ws_message){ .type = WS_TEXT, .data = text, .len = (size_t)len });
}

static void chat(ws_conn *c, void *arg)
{
    (void)arg;
    struct member me = { .c = c, .next = room }, **at = &room;
    ws_message m;

    room = &me;
    while (ws_read_message(c, &m) == 0)
        tell(&m);
    while (*at != &me)
        at = &(*at)->next;
    *at = me.next;
}

static void echo(ws_conn *c, void *arg)
{
    (void)arg;
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        continue;
}

/* ---- Another room ------------------------------------------------------- */

static void follow(void *url)
{
    ws_error err;
    ws_message m;

    followed = ws_dial(&dialer, url, NULL, NULL, &err);
    if (!followed)
        print_line("dial %s: %s", (const char *)url, err.text);
    while (ws_read_message(followed, &m) == 0) {
        print_line("heard: %s", m.data);
        tell(&m);
    }
    ws_finish(followed, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(followed);
    followed = NULL;
}

/* ---- Opening and closing ------------------------------------------------ */

int room_open(ws_loop *loop, const char *addr, const char *url)
{
    static const ws_route routes[] = {
        { .path = "/echo", .socket = echo },
        { .path = "/chat", .socket = chat, .upgrader = &upgrader },
        { 0 },
    };
    ws_error err;

    listener = ws_listen(
        &(ws_server){ .addr = addr, .routes = routes, .loop = loop }, &err);
    if (!listener)
        fprintf(stderr, "%s\n", err.text);
    else if (url)
        follower = ws_go(follow, (void *)url);
    return !listener;
}

int room_close(void)
{
    ws_event_set(&left);
    ws_shutdown(followed);
    ws_join(follower);
    return ws_listener_shutdown(listener, ws_after(PATIENCE_MS)) != 0;
}
