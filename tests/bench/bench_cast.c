/* SPDX-License-Identifier: MIT */

#include "bench_cast.h"

#include <stdio.h>
#include <stdlib.h>

static const char topic[] = "all";
static ws_hub *hub;

void cast_setup(void)
{
    hub = ws_hub_new(&(ws_hub_options){ .history = -1 }, NULL);
    if (!hub)
        abort();
}

void cast_teardown(void)
{
    ws_hub_free(hub);
}

static ws_conn *join(ws_request *r, void *upgrader)
{
    ws_conn *c = ws_upgrade(upgrader, r, NULL);

    ws_hub_join(hub, c, topic, NULL, NULL);
    return c;
}

void cast_by_hub(ws_request *r, void *upgrader)
{
    ws_conn *c = join(r, upgrader);
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_hub_publish(hub, topic, m.type, m.data, m.len, NULL) == 0)
        continue;
    ws_close(c);
}

static void publish(ws_conn *c, ws_message *m, void *arg)
{
    (void)arg;
    if (m && ws_hub_publish(hub, topic, m->type, m->data, m->len, NULL) != 0)
        ws_shutdown(c);
}

void cast_by_hub_when_called(ws_request *r, void *upgrader)
{
    ws_conn *c = join(r, upgrader);

    if (ws_on_message(c, publish, NULL) != 0)
        ws_close(c);
}

/* ---- By hand ------------------------------------------------------------ */

enum { MOST = 1 << 16 };

static ws_mutex lock;
static ws_conn *all[MOST];
static size_t count;

static void enter(ws_conn *c)
{
    ws_mutex_lock(&lock);
    if (count == MOST)
        abort();
    all[count++] = c;
    ws_mutex_unlock(&lock);
}

static void leave(ws_conn *c)
{
    size_t i = 0;

    ws_mutex_lock(&lock);
    while (all[i] != c)
        i++;
    all[i] = all[--count];
    ws_mutex_unlock(&lock);
}

static void tell_all(const ws_message *m)
{
    ws_prepared *p = ws_prepare(m->type, m->data, m->len);

    ws_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++)
        ws_write_prepared(all[i], p);
    ws_mutex_unlock(&lock);
    ws_prepared_free(p);
}

void cast_by_hand(ws_request *r, void *upgrader)
{
    ws_conn *c = ws_upgrade(upgrader, r, NULL);
    ws_message m;

    if (c)
        enter(c);
    while (ws_read_message(c, &m) == 0)
        tell_all(&m);
    if (c)
        leave(c);
    ws_close(c);
}
