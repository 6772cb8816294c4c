/* SPDX-License-Identifier: MIT */

#include "relay.h"

#include "json.h"
#include "output.h"

enum {
    LEAVE_MS = 10 * 1000, /* for what is under way when one has ended */
};

/* One direction. */
struct relay {
    ws_conn *from;
    ws_conn *to;
    const char *direction;
    int64_t peer;
    ws_event *over;  /* the other direction is, */
    ws_event *ended; /* and we are */
};

/* With --json. */
static void relay_show(const struct relay *r, const ws_message *m)
{
    FILE *f = output_event("message", r->peer);

    if (!f)
        return;
    json_text(f, "direction", r->direction);
    json_message(f, m);
    output_event_end(f);
}

/* When the other direction has ended, what is still to come of this one has so
 * much time. */
static int relay_read(const struct relay *r, ws_message *m, int64_t *deadline)
{
    int code =
        ws_read_message_by(r->from, m, *deadline, *deadline ? NULL : r->over);

    if (code != WS_ERR_INTERRUPTED)
        return code;
    *deadline = ws_after(LEAVE_MS);
    return relay_read(r, m, deadline);
}

/* Codes that are never on the wire stand for what the other side is told by one
 * that may be. */
static int relay_code(int code)
{
    if (code == WS_CLOSE_NO_STATUS)
        return WS_CLOSE_NORMAL;
    return code == WS_CLOSE_ABNORMAL || code == 0 ? WS_CLOSE_BAD_GATEWAY : code;
}

static void relay_run(void *arg)
{
    const struct relay *r = arg;
    int64_t deadline = 0;
    ws_message m;

    while (relay_read(r, &m, &deadline) == 0) {
        relay_show(r, &m);
        if (ws_write_message(r->to, m.type, m.data, m.len) != 0)
            break;
    }
    output_detail(1, "%lld %s: %s", (long long)r->peer, r->direction,
                  ws_conn_error(r->from)->text);
    ws_set_write_deadline(r->to, ws_after(LEAVE_MS));
    ws_write_close(r->to, relay_code(ws_close_code(r->from)),
                   ws_close_reason(r->from));
    ws_event_set(r->ended);
}

void relay(ws_conn *client, ws_conn *target, int64_t peer)
{
    ws_event there_over = { { 0 } };
    ws_event back_over = { { 0 } };
    struct relay there = {
        client, target, "in", peer, &back_over, &there_over
    };
    struct relay back = {
        target, client, "out", peer, &there_over, &back_over
    };

    /* So that what one side still says goes before the other's answer. */
    ws_set_close_delay(client, LEAVE_MS);
    ws_set_close_delay(target, LEAVE_MS);
    ws_fiber *f = ws_go(relay_run, &back);
    relay_run(&there);
    ws_join(f);
}
