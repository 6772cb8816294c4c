/* SPDX-License-Identifier: MIT */

#include "connect.h"

#include <stdlib.h>
#include <unistd.h>

#include "client.h"
#include "command.h"
#include "input.h"
#include "json.h"
#include "link.h"
#include "output.h"
#include "talk.h"
#include "watch.h"

struct connect {
    const struct settings *settings;
    struct link link;
    struct client client;
    enum status status; /* of the last dial or connection */
};

/* ---- Standard input ----------------------------------------------------- */

/* Returns whether to go on. */
static bool send_input(struct connect *k, const struct input *in, char *data,
                       size_t n)
{
    if (in->typed && command_obey(&k->link, data, &n))
        return true;
    ws_type type = input_encode(k->settings, data, &n);
    if (type == 0) {
        if (!in->typed)
            link_unsent(&k->link);
        return true;
    }
    return link_send(&k->link, type, data, n) == 0;
}

/* Nothing is read before there is somebody to send it to. */
static void read_input(void *arg)
{
    struct connect *k = arg;
    struct input in;
    char *data;
    size_t n;

    ws_unref(link_get(&k->link));
    if (ws_event_is_set(&k->link.ending))
        return;
    input_begin(&in, k->settings);
    do
        data = input_next(&in, &n, &k->link.ending);
    while (data && send_input(k, &in, data, n));
    if (!data && !k->settings->keep_reading)
        link_finish_usual(&k->link);
    input_end(&in);
}

/* ---- The dials ---------------------------------------------------------- */

static void tell_failure(const ws_error *err, enum status status)
{
    FILE *f = output_event("error", 0);

    if (f) {
        json_text(f, "text", err->text);
        json_number(f, "http_status", err->http_status);
        json_number(f, "status", status);
        output_event_end(f);
    } else {
        output_note("%s", err->text);
    }
}

static void tell_open(ws_conn *c, const struct client *k)
{
    FILE *f = output_event("open", 0);

    if (f) {
        json_text(f, "url", k->url);
        json_text(f, "remote", ws_remote_addr(c));
        json_text(f, "subprotocol", ws_subprotocol(c));
        output_event_end(f);
    } else if (output_is_interactive()) {
        output_note("connected to %s; Ctrl-D closes", k->url);
    }
    client_tell_connected(c);
}

static void connect_talk(struct connect *k, ws_conn *c)
{
    tell_open(c, &k->client);
    k->status = talk(&k->link, c);
}

static void connect_once(struct connect *k)
{
    ws_response *resp;
    ws_error err;
    ws_conn *c = ws_dial(&k->client.dialer, k->client.url, k->client.headers,
                         &resp, &err);

    client_tell_answer(resp);
    ws_response_free(resp);
    if (c) {
        connect_talk(k, c);
        ws_close(c);
        return;
    }
    k->status = status_of_dial(&err);
    if (k->status != STATUS_INTERRUPTED)
        tell_failure(&err, k->status);
}

static int before_dial(ws_redial_attempt *a, void *arg)
{
    struct connect *k = arg;
    int64_t max = k->settings->reconnect_max;

    if (a->error->code == 0)
        return 0;
    client_tell_answer(a->response);
    if (a->close_code == 0) {
        k->status = status_of_dial(a->error);
        tell_failure(a->error, k->status);
    }
    if (a->hopeless || (max && a->failures > max))
        return WS_ERR_CANCELED;
    output_note("connecting again, attempt %u", a->failures);
    return 0;
}

static void connect_again(struct connect *k)
{
    const ws_redialer how = {
        .dialer = &k->client.dialer,
        .url = k->client.url,
        .headers = k->client.headers,
        .resume = before_dial,
        .arg = k,
    };
    ws_redial *r = ws_redial_new(&how);
    ws_conn *c;

    while (!ws_event_is_set(&k->link.ending) && (c = ws_redial_next(r)) != NULL)
        connect_talk(k, c);
    ws_redial_free(r);
}

/* ---- All of it ---------------------------------------------------------- */

static void wish_end(bool signaled, void *arg)
{
    struct link *l = arg;

    ws_mutex_lock(&l->lock);
    l->signaled = l->signaled || signaled;
    ws_mutex_unlock(&l->lock);
    link_finish_usual(l);
}

static void connect_all(struct connect *k)
{
    struct watch watch = { .wish = wish_end, .arg = &k->link };
    ws_fiber *input = NULL;

    watch_begin(&watch);
    if (k->settings->ngiven == 0)
        input = ws_go(read_input, k);
    k->status = STATUS_INTERRUPTED;
    if (k->settings->reconnect)
        connect_again(k);
    else
        connect_once(k);
    ws_event_set(&k->link.ending);
    ws_event_set(&k->link.over);
    ws_join(input);
    watch_end(&watch);
}

enum status connect_run(const struct settings *s)
{
    struct connect k = { .settings = s, .link = { .settings = s } };

    if (!client_begin(&k.client, s, s->args[0], &k.link.ending))
        return STATUS_USAGE;
    connect_all(&k);
    client_end(&k.client);
    free(k.link.reason);
    return k.status == STATUS_CLOSED && k.link.unsent ? STATUS_USAGE : k.status;
}
