/* SPDX-License-Identifier: MIT */

#include "talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "input.h"
#include "json.h"
#include "memory.h"
#include "output.h"

enum {
    CLOSE_MS = 10 * 1000, /* for the answer to a close */
    LEAVE_MS = 1000,      /* for what is being sent when it has ended */
};

struct talk {
    struct link *link;
    ws_conn *conn;
    int64_t close_by; /* once we want to close */
    ws_event gone;    /* nothing is read any more */
    ws_event given;   /* all that was given is sent */
    ws_fiber *sender, *goodbye, *measurer;
};

/* ---- What is sent ------------------------------------------------------- */

/* Returns what is to be sent, for free, or NULL. */
static char *given_bytes(const struct given *g, size_t *n)
{
    if (!g->file) {
        *n = strlen(g->value);
        return memory_copy(g->value);
    }
    char *data = input_file(g->value, n);
    if (!data)
        output_note("%s: %s", g->value, strerror(errno));
    return data;
}

/* What cannot be sent is the end: nobody could tell which answer is to what. */
static bool send_one_given(struct link *l, const struct given *g)
{
    size_t n;
    char *data = given_bytes(g, &n);
    ws_type type = data ? input_encode(l->settings, data, &n) : 0;

    if (type == 0) {
        link_unsent(l);
        link_finish_usual(l);
    }
    int r = type ? link_send(l, type, data, n) : WS_ERR_INVALID;
    free(data);
    return r == 0;
}

static void send_given(void *arg)
{
    struct talk *t = arg;
    const struct settings *s = t->link->settings;
    size_t i = 0;

    while (i < s->ngiven && send_one_given(t->link, &s->given[i]))
        i++;
    ws_event_set(&t->given);
}

/* Says hello again and again, for the answers to be timed. */
static void measure(void *arg)
{
    struct talk *t = arg;
    struct link *l = t->link;

    do
        command_ping(l, t->conn, "");
    while (ws_wait_any(-1, 0, ws_after(l->settings->rtt_ms), &l->ending,
                       &t->gone) == WS_ERR_TIMEOUT);
}

static bool has_come(struct link *l, int64_t count)
{
    ws_mutex_lock(&l->lock);
    bool has = count && l->received >= count;
    ws_mutex_unlock(&l->lock);
    return has;
}

/* It may have to wait for a message that is being sent, and so does not belong
 * to who reads.  An answer may come before all that was given has gone; who
 * interrupts wants no more of it. */
static void say_goodbye(void *arg)
{
    struct talk *t = arg;
    struct link *l = t->link;

    ws_wait_any(-1, 0, 0, &l->ending, &t->gone);
    if (!ws_event_is_set(&l->ending))
        return;
    if (has_come(l, settings_count(l->settings)))
        ws_wait_any(-1, 0, ws_after(CLOSE_MS), &t->given, &t->gone);
    ws_set_write_deadline(t->conn, ws_after(CLOSE_MS));
    ws_write_close(t->conn, l->said, l->reason);
}

/* ---- What is read ------------------------------------------------------- */

static int64_t talk_deadline(struct talk *t, bool ending)
{
    int ms = t->link->settings->timeout_ms;

    if (!ending)
        return ms ? ws_after(ms) : 0;
    if (t->close_by == 0)
        t->close_by = ws_after(ms ? ms : CLOSE_MS);
    return t->close_by;
}

/* What comes behind the last that is wanted is not shown. */
static void talk_show(struct link *l, const ws_message *m)
{
    int64_t count = settings_count(l->settings);

    if (has_come(l, count))
        return;
    ws_mutex_lock(&l->lock);
    l->received++;
    l->received_bytes += (int64_t)m->len;
    ws_mutex_unlock(&l->lock);
    int r = output_message(m, 0);
    if (r != 0 && r != -EPIPE)
        output_note("standard output: %s", ws_strerror(r));
    if (r != 0 || l->received == count)
        link_finish_usual(l);
}

static int talk_read(struct talk *t)
{
    struct link *l = t->link;
    ws_message m;

    for (;;) {
        bool ending = ws_event_is_set(&l->ending);
        int r = ws_read_message_by(t->conn, &m, talk_deadline(t, ending),
                                   ending ? NULL : &l->ending);
        if (r == 0)
            talk_show(l, &m);
        else if (r != WS_ERR_INTERRUPTED)
            return r;
    }
}

/* ---- The end ------------------------------------------------------------ */

static void talk_tell_end(const struct talk *t, int code, enum status status)
{
    const char *text =
        code == WS_ERR_TIMEOUT
            ? t->close_by ? "no answer to the close" : "nothing came in time"
            : ws_conn_error(t->conn)->text;
    FILE *f = output_event("close", 0);

    if (f) {
        json_number(f, "code", ws_close_code(t->conn));
        json_text(f, "reason", ws_close_reason(t->conn));
        json_text(f, "text", text);
        json_number(f, "status", status);
        output_event_end(f);
    } else if (status != STATUS_CLOSED || output_is_interactive()) {
        output_note("%s", text);
    } else {
        output_detail(1, "%s", text);
    }
}

static void talk_enter(struct talk *t)
{
    const struct settings *s = t->link->settings;

    ws_set_pong_handler(t->conn, command_pong, t->link);
    link_open(t->link, t->conn);
    if (s->ngiven > 0)
        t->sender = ws_go(send_given, t);
    else
        ws_event_set(&t->given);
    t->goodbye = ws_go(say_goodbye, t);
    t->measurer = s->rtt_ms ? ws_go(measure, t) : NULL;
}

/* Who still sends gets a moment, and is woken then. */
static void talk_leave(struct talk *t)
{
    ws_event_set(&t->gone);
    link_lost(t->link);
    if (ws_event_wait(&t->given, ws_after(LEAVE_MS)) != 0)
        ws_shutdown(t->conn);
    ws_join(t->sender);
    ws_join(t->goodbye);
    ws_join(t->measurer);
}

enum status talk(struct link *l, ws_conn *c)
{
    struct talk t = { .link = l, .conn = c };

    talk_enter(&t);
    int code = talk_read(&t);
    enum status status = status_of_end(c, code, l->said);

    talk_tell_end(&t, code, status);
    if (code == WS_ERR_TIMEOUT && !t.close_by)
        ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(LEAVE_MS));
    talk_leave(&t);
    return status;
}
