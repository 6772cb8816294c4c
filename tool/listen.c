/* SPDX-License-Identifier: MIT */

#include "listen.h"

#include <errno.h>

#include "exec.h"
#include "input.h"
#include "json.h"
#include "output.h"
#include "peers.h"
#include "serve.h"

struct listen {
    struct serve serve;
    struct peers peers;
    ws_mutex lock; /* of what follows, and of the order of what is shown */
    int64_t received;
    bool unsent;
};

static void tell_peer(const struct peer *p, const char *event)
{
    FILE *f = output_event(event, p->number);

    if (f) {
        json_text(f, "remote", ws_remote_addr(p->conn));
        if (ws_close_code(p->conn))
            json_number(f, "code", ws_close_code(p->conn));
        output_event_end(f);
    } else if (output_is_interactive()) {
        output_note("%lld is %s%s", (long long)p->number,
                    ws_close_code(p->conn) ? "gone: " : "here: ",
                    ws_close_code(p->conn) ? ws_conn_error(p->conn)->text
                                           : ws_remote_addr(p->conn));
    }
}

/* What comes behind the last that is wanted is not shown. */
static void listen_show(struct listen *k, const ws_message *m, int64_t peer)
{
    int64_t count = settings_count(k->serve.settings);

    ws_mutex_lock(&k->lock);
    int r = 0;
    if (!count || k->received < count) {
        k->received++;
        r = output_message(m, peer);
    }
    bool last = count && k->received >= count;
    ws_mutex_unlock(&k->lock);
    if (r != 0 && r != -EPIPE)
        output_note("standard output: %s", ws_strerror(r));
    if (r != 0 || last)
        serve_finish(&k->serve, WS_CLOSE_NORMAL);
}

static void listen_to(ws_conn *c, void *arg)
{
    struct listen *k = arg;
    struct peer p;
    ws_message m;

    peers_add(&k->peers, &p, c);
    tell_peer(&p, "open");
    while (ws_read_message(c, &m) == 0)
        listen_show(k, &m, p.number);
    peers_remove(&k->peers, &p);
    tell_peer(&p, "close");
}

static void listen_exec(ws_conn *c, void *arg)
{
    const struct listen *k = arg;

    exec_run(c, k->serve.settings);
}

/* Nothing is read before there is somebody to send it to. */
static void listen_input(void *arg)
{
    struct listen *k = arg;
    const struct settings *s = k->serve.settings;
    struct input in;
    char *data;
    size_t n;

    if (!output_is_interactive())
        ws_wait_any(-1, 0, 0, &k->peers.some, &k->serve.ending);
    if (ws_event_is_set(&k->serve.ending))
        return;
    input_begin(&in, s);
    while ((data = input_next(&in, &n, &k->serve.ending)) != NULL) {
        ws_type type = input_encode(s, data, &n);

        if (type == 0)
            k->unsent = !in.typed;
        else if (peers_send(&k->peers, type, data, n) == 0 && in.typed)
            output_note("nobody is here to hear that");
    }
    if (!s->keep_reading)
        serve_finish(&k->serve, WS_CLOSE_NORMAL);
    input_end(&in);
}

enum status listen_run(const struct settings *s)
{
    struct listen k = { 0 };

    serve_init(&k.serve, s);
    const ws_route routes[] = {
        serve_all(&k.serve, s->exec ? listen_exec : listen_to, &k, false),
        { 0 },
    };
    if (!serve_begin(&k.serve, s->args[0], routes, true))
        return STATUS_NO_CONNECTION;
    ws_fiber *input = s->exec ? NULL : ws_go(listen_input, &k);
    ws_event_wait(&k.serve.ending, 0);
    ws_join(input);
    enum status status = serve_end(&k.serve);
    return status == STATUS_CLOSED && k.unsent ? STATUS_USAGE : status;
}
