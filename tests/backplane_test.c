/* SPDX-License-Identifier: MIT */

/* What a hub asks of a backplane, and does with what that says: one of the test's
 * own, which is told everything by the test. */

#include "pair.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "hub/deliver.h"
#include "hub/hub.h"
#include "hub/presence.h"
#include "mode.h"

enum { EPOCH = 7 };

static struct {
    struct ws__backplane base; /* first: the hub casts to it */
    ws_hub *hub;
    char said[400]; /* by the hub */
    uint64_t last;  /* where the log stands */
    uint64_t first; /* the oldest that it has */
    int refuses;
    bool syncs; /* as soon as a topic is wanted */
} back;

static void said(const char *what, const char *name)
{
    strcat(back.said, what);
    strcat(back.said, name);
    strcat(back.said, " ");
}

static void check_said(const char *what)
{
    assert_string_equal(back.said, what);
    back.said[0] = '\0';
}

static ws_place place(uint64_t offset)
{
    return (ws_place){ EPOCH, offset };
}

static int deliver(const char *topic, ws_place at, const char *text)
{
    const ws_publication p = { .topic = topic,
                               .type = WS_TEXT,
                               .data = text,
                               .len = strlen(text),
                               .place = at };

    return ws__hub_deliver(back.hub, &p);
}

/* ---- What it is asked --------------------------------------------------- */

static int back_publish(struct ws__backplane *b, const ws_publication *p,
                        int64_t deadline, ws_place *at)
{
    char text[20];

    (void)b;
    assert_true(deadline != 0);
    if (back.refuses != 0)
        return back.refuses;
    *at = place(++back.last);
    snprintf(text, sizeof(text), "%.*s", (int)p->len, (const char *)p->data);
    return deliver(p->topic, *at, text);
}

static void sync_topic(void *topic)
{
    ws_place at = place(back.last);

    ws__hub_synced(back.hub, topic, &at);
    free(topic);
}

/* With a lock held: so it is another one that says where the log stands. */
static int back_want(struct ws__backplane *b, const char *topic)
{
    (void)b;
    said("+", topic);
    if (back.refuses != 0)
        return back.refuses;
    if (back.syncs)
        ws_detach(mode_go(sync_topic, strdup(topic)));
    return 0;
}

static void back_unwant(struct ws__backplane *b, const char *topic)
{
    (void)b;
    said("-", topic);
}

static int back_want_prefix(struct ws__backplane *b, const char *prefix)
{
    (void)b;
    said("+*", prefix);
    return back.refuses;
}

static void back_unwant_prefix(struct ws__backplane *b, const char *prefix)
{
    (void)b;
    said("-*", prefix);
}

static int back_range(struct ws__backplane *b, const char *topic,
                      const ws_place *since, uint64_t before, int64_t deadline,
                      ws__publication_fn fn, void *arg, bool *whole)
{
    uint64_t from = since->offset + 1;
    int r = 0;

    (void)b, (void)deadline;
    *whole = from >= back.first;
    if (from < back.first)
        from = back.first;
    for (; (*whole || since->epoch == 0) && r == 0 && from < before; from++) {
        const ws_publication p = { .topic = topic,
                                   .type = WS_TEXT,
                                   .data = "old",
                                   .len = 3,
                                   .place = place(from) };
        r = fn(&p, arg);
    }
    return r;
}

static void back_present(struct ws__backplane *b, const char *topic)
{
    (void)b;
    said("?", topic);
}

static int back_presence(struct ws__backplane *b, const char *topic,
                         int64_t deadline, ws__present_fn fn, void *arg)
{
    (void)b, (void)topic, (void)deadline;
    fn(NULL, 3, arg);
    fn("far away", 0, arg);
    fn("eve", 0, arg);
    return back.refuses;
}

static void back_stats(struct ws__backplane *b, ws_hub_stats *s)
{
    (void)b;
    s->reconnects = 5;
    s->connected = false;
}

static void back_free(struct ws__backplane *b)
{
    (void)b;
    said("free", "");
}

static const struct ws__backplane_ops ops = {
    .publish = back_publish,
    .want = back_want,
    .unwant = back_unwant,
    .want_prefix = back_want_prefix,
    .unwant_prefix = back_unwant_prefix,
    .range = back_range,
    .present = back_present,
    .presence = back_presence,
    .stats = back_stats,
    .free = back_free,
};

/* ---- A hub with it ------------------------------------------------------ */

static ws_prepared *say_lost(const char *topic, const ws_place *now, void *arg)
{
    char text[60];
    int n =
        snprintf(text, sizeof(text), "%s lost at %d", topic, (int)now->offset);

    (void)arg;
    return ws_prepare(WS_TEXT, text, (size_t)n);
}

static void begin(bool with_lost)
{
    memset(&back, 0, sizeof(back));
    back.base.ops = &ops;
    back.syncs = true;
    back.first = 1;
    back.hub =
        ws_hub_new(&(ws_hub_options){ .publish_timeout_ms = PATIENCE_MS,
                                      .lost = with_lost ? say_lost : NULL },
                   NULL);
    assert_non_null(back.hub);
    back.hub->back = &back.base;
}

static void end(void)
{
    ws_hub_free(back.hub);
}

static int join(ws_conn *c, const ws_place *since, ws_joined *joined)
{
    return ws_hub_join(back.hub, c, "t",
                       &(ws_join_options){ .since = since, .member = "eve" },
                       joined);
}

static void close_both(ws_conn *c, int raw)
{
    close(raw);
    ws_close(c);
}

/* ---- Tests -------------------------------------------------------------- */

static void topics_are_wanted_while_they_have_subscribers(void **state)
{
    (void)state;
    int raw, raw2;
    ws_conn *c = with_raw(&raw, NULL), *d = with_raw(&raw2, NULL);
    ws_joined joined;

    begin(false);
    back.last = 4;
    assert_int_equal(join(c, NULL, &joined), 0);
    assert_int_equal(joined.place.offset, 4);
    assert_true(joined.place.epoch == EPOCH);
    check_said("+t ?t ");
    assert_int_equal(join(d, NULL, NULL), 0);
    ws_hub_leave(back.hub, c, "t");
    check_said("?t ?t ");
    ws_hub_leave(back.hub, d, "t");
    check_said("?t -t ");
    assert_int_equal(deliver("t", place(5), "nobody"), 0);
    back.last = 5;
    assert_int_equal(join(c, NULL, &joined), 0);
    assert_int_equal(joined.place.offset, 5);
    check_said("+t ?t ");
    ws_hub_stats s;
    ws_hub_stats_get(back.hub, &s);
    assert_int_equal(s.reconnects, 5);
    assert_false(s.connected);
    end();
    close_both(c, raw);
    close_both(d, raw2);
}

static void a_join_waits_for_the_place_of_the_log(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    begin(false);
    back.syncs = false;
    back.hub->o.publish_timeout_ms = 20;
    assert_int_equal(join(c, NULL, NULL), WS_ERR_TIMEOUT);
    check_said("+t -t ");
    back.refuses = -ENOMEM;
    assert_int_equal(join(c, NULL, NULL), -ENOMEM);
    check_said("+t ");
    end();
    close_both(c, raw);
}

static void publications_come_back_by_it(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_place at;

    begin(false);
    assert_int_equal(join(c, NULL, NULL), 0);
    assert_int_equal(ws_hub_publish(back.hub, "t", WS_TEXT, "one", 3, &at), 0);
    assert_int_equal(at.offset, 1);
    hear_text(raw, "one");
    back.refuses = WS_ERR_TIMEOUT;
    assert_int_equal(ws_hub_publish(back.hub, "t", WS_TEXT, "x", 1, NULL),
                     WS_ERR_TIMEOUT);
    back.refuses = 0;
    assert_int_equal(deliver("t", place(1), "again"), 0);
    assert_int_equal(deliver("t", place(2), "two"), 0);
    hear_text(raw, "two");
    ws_hub_stats s;
    ws_hub_stats_get(back.hub, &s);
    assert_int_equal(s.published, 1);
    end();
    close_both(c, raw);
}

static void what_is_lost_is_told(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_place now = place(9), since = place(8);
    ws_joined joined;

    begin(true);
    assert_int_equal(join(c, NULL, NULL), 0);
    assert_int_equal(deliver("t", place(1), "one"), 0);
    ws__hub_lost(back.hub, "t", &now);
    assert_int_equal(deliver("t", place(10), "ten"), 0);
    assert_int_equal(deliver("t", (ws_place){ EPOCH + 1, 3 }, "new"), 0);
    assert_int_equal(deliver("t", (ws_place){ EPOCH + 1, 6 }, "six"), 0);
    hear_text(raw, "one");
    hear_text(raw, "t lost at 9");
    hear_text(raw, "ten");
    hear_text(raw, "t lost at 2");
    hear_text(raw, "new");
    hear_text(raw, "t lost at 5");
    hear_text(raw, "six");
    ws_hub_leave(back.hub, c, "t");
    back.last = 20;
    assert_int_equal(join(c, &since, &joined), 0);
    end();
    close_both(c, raw);
}

static void or_its_subscribers_are_cut(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_place now = place(9);
    ws_message m;

    begin(false);
    assert_int_equal(join(c, NULL, NULL), 0);
    assert_int_equal(deliver("t", place(1), "one"), 0);
    ws__hub_lost(back.hub, "t", &now);
    hear_text(raw, "one");
    hear_close(raw, WS_CLOSE_TRY_AGAIN_LATER);
    assert_int_equal(ws_read_message(c, &m), WS_ERR_SLOW);
    ws_hub_stats s;
    ws_hub_stats_get(back.hub, &s);
    assert_int_equal(s.cut, 1);
    end();
    close_both(c, raw);
}

static void what_is_older_comes_out_of_the_log(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL), *d;
    int raw2;
    ws_place since = place(2), all = { 0, 0 }, too_old = place(0);
    ws_joined joined;

    begin(false);
    back.last = 4;
    back.first = 2;
    assert_int_equal(join(c, NULL, NULL), 0);
    assert_int_equal(deliver("t", place(5), "five"), 0);
    hear_text(raw, "five");
    d = with_raw(&raw2, NULL);
    assert_int_equal(join(d, &since, &joined), 0);
    assert_true(joined.recovered);
    assert_int_equal(joined.replayed, 3);
    hear_text(raw2, "old");
    hear_text(raw2, "old");
    hear_text(raw2, "five");
    ws_hub_leave(back.hub, d, "t");
    assert_int_equal(join(d, &too_old, &joined), 0);
    assert_false(joined.recovered);
    assert_int_equal(joined.replayed, 0);
    ws_hub_leave(back.hub, d, "t");
    assert_int_equal(join(d, &all, &joined), 0);
    assert_false(joined.recovered);
    assert_int_equal(joined.replayed, 4);
    end();
    close_both(c, raw);
    close_both(d, raw2);
}

static void a_prefix_needs_no_place(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    const ws_join_options prefix = { .prefix = true };

    begin(true);
    assert_int_equal(ws_hub_join(back.hub, c, "ro", &prefix, NULL), 0);
    check_said("+*ro ");
    assert_int_equal(deliver("room", place(30), "thirty"), 0);
    assert_int_equal(deliver("room", place(31), "more"), 0);
    assert_int_equal(deliver("other", place(1), "nobody's"), 0);
    hear_text(raw, "thirty");
    hear_text(raw, "more");
    ws_hub_leave_prefix(back.hub, c, "ro");
    check_said("-*ro ");
    back.refuses = WS_ERR_INVALID;
    assert_int_equal(ws_hub_join(back.hub, c, "ro", &prefix, NULL),
                     WS_ERR_INVALID);
    check_said("+*ro ");
    end();
    close_both(c, raw);
}

static void presence_is_that_of_all(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);
    ws_presence *p;

    begin(false);
    assert_int_equal(join(c, NULL, NULL), 0);
    assert_int_equal(ws_hub_presence(back.hub, "t", &p), 0);
    assert_int_equal(p->connections, 4);
    assert_int_equal(p->n, 2);
    assert_string_equal(p->members[0], "eve");
    assert_string_equal(p->members[1], "far away");
    ws_free(p);
    p = ws__hub_present(back.hub, "t");
    assert_int_equal(p->connections, 1);
    assert_int_equal(p->n, 1);
    ws_free(p);
    back.refuses = WS_ERR_TIMEOUT;
    assert_int_equal(ws_hub_presence(back.hub, "t", &p), WS_ERR_TIMEOUT);
    assert_null(p);
    end();
    close_both(c, raw);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_wanted_while_they_have_subscribers),
        cmocka_unit_test(a_join_waits_for_the_place_of_the_log),
        cmocka_unit_test(publications_come_back_by_it),
        cmocka_unit_test(what_is_lost_is_told),
        cmocka_unit_test(or_its_subscribers_are_cut),
        cmocka_unit_test(what_is_older_comes_out_of_the_log),
        cmocka_unit_test(a_prefix_needs_no_place),
        cmocka_unit_test(presence_is_that_of_all),
    };

    alloc_fail_install();
    return run_in_mode("backplane", tests, NULL, NULL);
}
