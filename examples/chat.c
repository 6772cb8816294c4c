/* SPDX-License-Identifier: MIT */
/* What one says, everybody hears.  The page: http://localhost:8080/ */

#include <stdio.h>

#include <silverback.h>

#include "chat.html.h" /* made from chat.html by the build */

enum { PATIENCE_MS = 100, LONGEST = 4096 };

/* Who is here; a member lives on the stack of its handler. */
struct member {
    ws_conn *c;
    struct member *next;
};

static struct member *room;
static ws_mutex lock;

static const ws_upgrader upgrader = { .read_limit = LONGEST };

static void enter(struct member *m)
{
    ws_mutex_lock(&lock);
    m->next = room;
    room = m;
    ws_mutex_unlock(&lock);
}

static void leave(struct member *m)
{
    ws_mutex_lock(&lock);
    struct member **at = &room;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    ws_mutex_unlock(&lock);
}

/* One that has not taken a message in time is cut, so that nobody waits for it
 * twice.  Its handler, which waits in a read, then takes it out of the room. */
static void tell(ws_conn *c, ws_prepared *said, int64_t deadline)
{
    ws_set_write_deadline(c, deadline);
    int error = ws_write_prepared(c, said);
    if (error == WS_ERR_TIMEOUT || error == WS_ERR_DEAD) {
        printf("%s is too slow\n", ws_remote_addr(c));
        ws_shutdown(c);
    }
}

/* One deadline for all: the room waits no longer for many than for one. */
static void tell_all(const ws_message *m)
{
    ws_prepared *said = ws_prepare(m->type, m->data, m->len);

    ws_mutex_lock(&lock);
    int64_t deadline = ws_after(PATIENCE_MS);
    for (struct member *to = room; said && to; to = to->next)
        if (ws_conn_error(to->c)->code == 0)
            tell(to->c, said, deadline);
    ws_mutex_unlock(&lock);
    ws_prepared_free(said);
}

/* The server has upgraded, and closes when this returns. */
static void chat(ws_conn *c, void *arg)
{
    (void)arg;
    struct member me = { .c = c };
    ws_message m;

    enter(&me);
    while (ws_read_message(c, &m) == 0)
        tell_all(&m);
    leave(&me);
}

static void home(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, chat_html);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/chat", .socket = chat, .upgrader = &upgrader },
        { .path = "/", .handler = home },
        { 0 },
    };
    const char *addr = argc > 1 ? argv[1] : "localhost:8080";

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&(ws_server){ .addr = addr, .routes = routes }) != 0;
}
