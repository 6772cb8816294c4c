/* SPDX-License-Identifier: MIT */

#include "conn/batch.h"
#include "mode.h"
#include "pair.h"

static ws_prepared *text_of(const char *text)
{
    ws_prepared *p = ws_prepare(WS_TEXT, text, strlen(text));

    assert_non_null(p);
    return p;
}

static int enqueue(ws_conn *c, const char *text)
{
    ws_prepared *p = text_of(text);
    int error = ws_enqueue(c, p);

    ws_prepared_free(p);
    return error;
}

static void hear_text(int raw, const char *text)
{
    struct heard h;

    assert_true(hear_frame(raw, &h));
    assert_int_equal(h.first, FIN | WS_TEXT);
    assert_string_equal(h.payload, text);
    free(h.payload);
}

static ws_queue_stats stats_of(ws_conn *c)
{
    ws_queue_stats s;

    assert_int_equal(ws_queue_stats_get(c, &s), 0);
    return s;
}

/* ---- Going out ---------------------------------------------------------- */

static void what_is_handed_over_arrives_in_order(void **state)
{
    (void)state;
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    assert_int_equal(enqueue(c, "one"), 0);
    assert_int_equal(enqueue(c, "two"), 0);
    hear_text(raw, "one");
    hear_text(raw, "two");
    assert_int_equal(stats_of(c).messages, 0);
    close(raw);
    ws_close(c);
}

static void a_batch_arrives_in_order_from_where_it_is_told(void **state)
{
    (void)state;
    static const char *const texts[] = { "zero", "one", "two" };
    struct ws__batch b = { 0 };
    int raw;
    ws_conn *c = with_raw(&raw, NULL);

    for (size_t i = 0; i < COUNT(texts); i++) {
        ws_prepared *p = text_of(texts[i]);
        assert_int_equal(ws__batch_add(&b, p, NULL), 0);
        ws_prepared_free(p);
    }
    assert_int_equal(ws__batch_send(&b, 1, c), 0);
    assert_int_equal(ws__batch_send(&b, 0, c), 0);
    hear_text(raw, "one");
    hear_text(raw, "two");
    hear_text(raw, "zero");
    hear_text(raw, "one");
    hear_text(raw, "two");
    assert_int_equal(b.counts.sent, 5);
    ws__batch_clear(&b);
    close(raw);
    ws_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_over_arrives_in_order),
        cmocka_unit_test(a_batch_arrives_in_order_from_where_it_is_told),
    };

    return run_in_mode("outqueue", tests, NULL, NULL);
}
