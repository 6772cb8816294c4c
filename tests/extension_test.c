/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "proto/extension.h"

#define PMD "permessage-deflate"
#define SNT "; server_no_context_takeover"
#define CNT "; client_no_context_takeover"
#define SB(n) "; server_max_window_bits=" #n
#define CB(n) "; client_max_window_bits=" #n
#define CBX "; client_max_window_bits"

/* Of RFC 7692, section 7.1; answer NULL: every offer is declined. */
static const struct {
    int bits; /* the upgrader's */
    const char *offer, *answer;
} offers[] = {
    { 0, PMD, PMD SNT CNT },
    { 0, "PerMessage-Deflate", PMD SNT CNT },
    { 0, PMD SNT CNT, PMD SNT CNT },
    { 0, PMD CBX, PMD SNT CNT },
    { 0, PMD CB(8), PMD SNT CNT },
    { 0, PMD CB(15), PMD SNT CNT },
    { 0, PMD SB(15), PMD SNT CNT SB(15) },
    { 0, PMD SB(9), PMD SNT CNT SB(9) },
    { 0, PMD "; server_max_window_bits=\"10\"", PMD SNT CNT SB(10) },
    { 0, PMD SB(8), NULL },
    { 0, PMD SB(7), NULL },
    { 0, PMD SB(16), NULL },
    { 0, PMD SB(010), NULL },
    { 0, PMD SB(99999999999999999999), NULL },
    { 0, PMD "; server_max_window_bits", NULL },
    { 0, PMD "; server_max_window_bits=", NULL },
    { 0, PMD "; server_max_window_bits=\"\"", NULL },
    { 0, PMD "; server_max_window_bits=x", NULL },
    { 0, PMD "; server_no_context_takeover=1", NULL },
    { 0, PMD "; client_no_context_takeover=\"\"", NULL },
    { 0, PMD SNT SNT, NULL },
    { 0, PMD CBX CB(9), NULL },
    { 0, PMD SB(9) SB(9), NULL },
    { 0, PMD CB(7), NULL },
    { 0, PMD CB(16), NULL },
    { 0, PMD "; unknown", NULL },
    { 0, PMD "; unknown" SNT, NULL },
    { 0, "x-webkit-deflate-frame", NULL },
    { 0, "foo, " PMD, PMD SNT CNT },
    { 0, PMD "; unknown, " PMD, PMD SNT CNT },
    { 0, PMD SB(8) ", " PMD SB(11) ", " PMD, PMD SNT CNT SB(11) },
    { 0, PMD "; ;, " PMD, NULL },
    { 0, "", NULL },
    { 15, PMD, PMD },
    { 15, PMD SNT, PMD SNT },
    { 15, PMD CNT, PMD CNT },
    { 15, PMD SB(12), PMD SB(12) },
    { 15, PMD CBX, PMD },
    { 15, PMD CB(10), PMD CB(10) },
    { 15, PMD CB(8), PMD },
    { 11, PMD, PMD CNT SB(11) },
    { 11, PMD CBX, PMD SB(11) CB(11) },
    { 11, PMD CB(9) SB(9), PMD SB(9) CB(9) },
    { 11, PMD CB(14) SB(14), PMD SB(11) CB(11) },
    { 11, PMD CB(8), PMD CNT SB(11) },
    { 11, PMD SNT CNT CBX, PMD SNT CNT SB(11) CB(11) },
    { 3, PMD CBX, PMD SB(9) CB(9) },
    { 99, PMD CBX, PMD },
};

static void the_first_offer_that_can_be_honoured_is_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(offers); i++) {
        const ws_header one[] = {
            { "Sec-WebSocket-Extensions", offers[i].offer }, { 0 }
        };
        const ws_header two[] = { { "sec-websocket-extensions", "foo; bar" },
                                  one[0],
                                  { 0 } };
        struct ws__deflate_params p, q;
        char answer[WS__DEFLATE_FIELD_MAX];

        ws__deflate_choose(&p, one, offers[i].bits);
        ws__deflate_choose(&q, two, offers[i].bits);
        assert_int_equal(p.on, q.on);
        if (p.on != (offers[i].answer != NULL))
            fail_msg("%d: %s", offers[i].bits, offers[i].offer);
        if (!p.on)
            continue;
        ws__deflate_answer(answer, &p);
        assert_string_equal(answer, offers[i].answer);
        assert_int_equal(p.server_takeover, !strstr(answer, SNT));
        assert_int_equal(p.client_takeover, !strstr(answer, CNT));
        assert_int_equal(p.client_unasked,
                         strstr(answer, CNT) && !strstr(offers[i].offer, CNT));
        assert_in_range(p.server_bits, 9, 15);
        assert_in_range(p.client_bits, 9, 15);
    }
}

static void no_field_is_no_extension(void **state)
{
    (void)state;
    static const ws_header none[] = { { "Host", PMD }, { 0 } };
    struct ws__deflate_params p = { .on = true };

    ws__deflate_choose(&p, none, 0);
    assert_false(p.on);
    p.on = true;
    assert_null(ws__deflate_check(&p, none, true, 0, NULL));
    assert_false(p.on);
    p.on = true;
    ws__deflate_choose(&p, NULL, 0);
    assert_false(p.on);
    p.on = true;
    assert_null(ws__deflate_check(&p, NULL, true, 0, NULL));
    assert_false(p.on);
}

static void an_offer_says_what_is_wanted(void **state)
{
    (void)state;
    static const struct {
        int bits;
        const char *offer;
    } rows[] = {
        { 0, PMD SNT CNT },
        { 15, PMD CBX },
        { 11, PMD SB(11) CB(11) },
    };
    char offer[WS__DEFLATE_FIELD_MAX];

    for (size_t i = 0; i < COUNT(rows); i++) {
        ws__deflate_offer(offer, rows[i].bits);
        assert_string_equal(offer, rows[i].offer);
    }
}

/* Good: what is agreed; bad: part of the reason. */
static const struct {
    int bits; /* the dialer's; -1: nothing was offered */
    const char *answer, *fault;
    bool server_takeover, client_takeover;
    int server_bits, client_bits;
} answers[] = {
    { 0, PMD SNT CNT, NULL, 0, 0, 15, 15 },
    { 0, PMD SNT, NULL, 0, 0, 15, 15 },
    { 0, PMD SNT SB(9), NULL, 0, 0, 9, 15 },
    { 0, PMD SNT SB(8), NULL, 0, 0, 8, 15 },
    { 0, PMD, NULL, 1, 0, 15, 15 },
    { 0, PMD CNT, NULL, 1, 0, 15, 15 },
    { 0, PMD SB(12), NULL, 1, 0, 12, 15 },
    { 0, PMD SNT CB(10), "client_max_window_bits", 0, 0, 0, 0 },
    { 0, PMD SNT SB(7), "malformed", 0, 0, 0, 0 },
    { 0, PMD SNT SB(16), "malformed", 0, 0, 0, 0 },
    { 0, PMD SNT "; server_max_window_bits", "malformed", 0, 0, 0, 0 },
    { 0, PMD SNT SNT, "malformed", 0, 0, 0, 0 },
    { 0, PMD SNT "; unknown", "malformed", 0, 0, 0, 0 },
    { 0, PMD "; unknown" SNT, "malformed", 0, 0, 0, 0 },
    { 0, PMD SNT "=1", "malformed", 0, 0, 0, 0 },
    { 0, PMD SNT ", " PMD SNT, "twice", 0, 0, 0, 0 },
    { 0, "foo", "not offered", 0, 0, 0, 0 },
    { 0, PMD SNT ", foo", "not offered", 0, 0, 0, 0 },
    { 0, PMD " x", "malformed", 0, 0, 0, 0 },
    { -1, PMD SNT CNT, "not offered", 0, 0, 0, 0 },
    { -1, "foo", "not offered", 0, 0, 0, 0 },
    { 15, PMD, NULL, 1, 1, 15, 15 },
    { 15, PMD SNT CNT, NULL, 0, 0, 15, 15 },
    { 15, PMD CB(9), NULL, 1, 1, 15, 9 },
    { 15, PMD CB(8), "8 bits", 0, 0, 0, 0 },
    { 15, PMD CBX, "no value", 0, 0, 0, 0 },
    { 11, PMD SB(11) CB(11), NULL, 1, 1, 11, 11 },
    { 11, PMD SB(9), NULL, 1, 1, 9, 11 },
    { 11, PMD, NULL, 1, 1, 15, 11 },
    { 11, PMD SNT CNT, NULL, 0, 0, 15, 11 },
    { 11, PMD CB(9), NULL, 1, 1, 15, 9 },
    { 11, PMD SB(12), "server_max_window_bits is above", 0, 0, 0, 0 },
    { 11, PMD SB(11) CB(12), "client_max_window_bits is above", 0, 0, 0, 0 },
};

static void answers_that_break_the_offer_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        const ws_header h[] = {
            { "Sec-WebSocket-Extensions", answers[i].answer }, { 0 }
        };
        int bits = answers[i].bits;
        struct ws__deflate_params p;
        const char *held = NULL;
        const char *fault =
            ws__deflate_check(&p, h, bits >= 0, bits < 0 ? 0 : bits, &held);

        if (!fault != !answers[i].fault ||
            (fault && !strstr(fault, answers[i].fault)))
            fail_msg("%d %s: %s", bits, answers[i].answer,
                     fault ? fault : "taken");
        assert_ptr_equal(held, answers[i].answer);
        if (fault)
            continue;
        assert_true(p.on);
        assert_int_equal(p.server_takeover, answers[i].server_takeover);
        assert_int_equal(p.client_takeover, answers[i].client_takeover);
        assert_int_equal(p.server_bits, answers[i].server_bits);
        assert_int_equal(p.client_bits, answers[i].client_bits);
    }
}

static void both_ends_understand_each_other(void **state)
{
    (void)state;
    for (int client = 0; client <= 15; client += client ? 1 : 9)
        for (int server = 0; server <= 15; server += server ? 1 : 9) {
            char offer[WS__DEFLATE_FIELD_MAX], answer[WS__DEFLATE_FIELD_MAX];
            struct ws__deflate_params s, c;

            ws__deflate_offer(offer, client);
            const ws_header asked[] = { { "Sec-WebSocket-Extensions", offer },
                                        { 0 } };
            ws__deflate_choose(&s, asked, server);
            assert_true(s.on);
            ws__deflate_answer(answer, &s);
            const ws_header said[] = { { "Sec-WebSocket-Extensions", answer },
                                       { 0 } };
            const char *held;
            assert_null(ws__deflate_check(&c, said, true, client, &held));
            assert_int_equal(c.server_takeover, s.server_takeover);
            assert_true(c.server_bits >= s.server_bits);
            assert_true(!c.client_takeover || s.client_takeover);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_offer_that_can_be_honoured_is_answered),
        cmocka_unit_test(no_field_is_no_extension),
        cmocka_unit_test(an_offer_says_what_is_wanted),
        cmocka_unit_test(answers_that_break_the_offer_are_refused),
        cmocka_unit_test(both_ends_understand_each_other),
    };

    return cmocka_run_group_tests_name("extension", tests, NULL, NULL);
}
