/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdio.h>

#include "page_end.h"
#include "proto/socks5.h"

#define WORDS_MAX 4 /* what one end says in a talk */

struct words {
    const uint8_t *p;
    size_t n;
};

/* What the client says and what it hears, in turns; it ends after a turn that
 * it says nothing in. */
struct talk {
    const char *what;
    const char *host;
    unsigned port;
    const char *credentials;
    size_t user_len;
    struct words says[WORDS_MAX];
    struct words hears[WORDS_MAX];
};

#define SAYS(...)                                                              \
    {                                                                          \
        BYTES(__VA_ARGS__)                                                     \
    }

static const struct talk talks[] = {
    { "a name, for the proxy to resolve (RFC 1928, 3 to 6)",
      "a.test",
      443,
      NULL,
      0,
      { SAYS(5, 1, 0),
        SAYS(5, 1, 0, 3, 6, 'a', '.', 't', 'e', 's', 't', 1, 187) },
      { SAYS(5, 0), SAYS(5, 0, 0, 1, 0, 0, 0, 0, 0, 0) } },
    { "an IPv4 address",
      "192.0.2.1",
      80,
      NULL,
      0,
      { SAYS(5, 1, 0), SAYS(5, 1, 0, 1, 192, 0, 2, 1, 0, 80) },
      { SAYS(5, 0), SAYS(5, 0, 0, 3, 2, 'x', 'y', 1, 2) } },
    { "an IPv6 address",
      "2001:db8::1",
      65535,
      NULL,
      0,
      { SAYS(5, 1, 0), SAYS(5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0,
                            0, 0, 0, 0, 1, 255, 255) },
      { SAYS(5, 0), SAYS(5, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
                         14, 15, 16, 1, 2) } },
    { "a user and a password (RFC 1929)",
      "a",
      1,
      "me:p:w",
      2,
      { SAYS(5, 2, 0, 2), SAYS(1, 2, 'm', 'e', 3, 'p', ':', 'w'),
        SAYS(5, 1, 0, 3, 1, 'a', 0, 1) },
      { SAYS(5, 2), SAYS(1, 0), SAYS(5, 0, 0, 3, 0, 0, 0) } },
    { "an empty password",
      "a",
      1,
      "me:",
      2,
      { SAYS(5, 2, 0, 2), SAYS(1, 2, 'm', 'e', 0),
        SAYS(5, 1, 0, 3, 1, 'a', 0, 1) },
      { SAYS(5, 2), SAYS(1, 0), SAYS(5, 0, 0, 1, 0, 0, 0, 0, 0, 0) } },
    { "a user who is not asked for",
      "a",
      1,
      "me:pw",
      2,
      { SAYS(5, 2, 0, 2), SAYS(5, 1, 0, 3, 1, 'a', 0, 1) },
      { SAYS(5, 0), SAYS(5, 0, 0, 1, 0, 0, 0, 0, 0, 0) } },
};

static void begin(struct ws__socks5 *s, const struct talk *t)
{
    assert_int_equal(ws__socks5_begin(s, t->host, t->port, t->credentials,
                                      t->user_len, NULL),
                     0);
}

static void assert_says(const struct ws__socks5 *s, const struct words *w)
{
    assert_int_equal(s->out_len, w->n);
    assert_memory_equal(s->out, w->p, w->n);
}

/* At every cut, and with what belongs to the next turn behind it. */
static void hear(struct ws__socks5 *s, const struct words *w)
{
    uint8_t more[64];

    for (size_t n = 0; n < w->n; n++) {
        struct ws__socks5 before = *s;
        const void *cut = at_page_end(w->p, n);

        assert_int_equal(ws__socks5_take(s, cut, n, NULL), 0);
        assert_memory_equal(s, &before, sizeof(before));
    }
    memcpy(more, w->p, w->n);
    more[w->n] = 'x';
    assert_int_equal(ws__socks5_take(s, more, w->n + 1, NULL), w->n);
}

static void both_ends_take_turns(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(talks); i++) {
        struct ws__socks5 s;

        begin(&s, &talks[i]);
        for (size_t k = 0; talks[i].says[k].n > 0; k++) {
            assert_says(&s, &talks[i].says[k]);
            hear(&s, &talks[i].hears[k]);
        }
        assert_int_equal(s.out_len, 0);
    }
}

static void answers_that_are_no_consent_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *credentials;
        struct words hears[3];
        const char *text;
    } rows[] = {
        { NULL, { SAYS(4) }, "expected version 5, got 4" },
        { NULL, { SAYS('H') }, "expected version 5, got 72" },
        { NULL, { SAYS(5, 255) }, "it wants credentials" },
        { NULL, { SAYS(5, 2) }, "method 2, which was not offered" },
        { NULL, { SAYS(5, 1) }, "method 1, which was not offered" },
        { "a:b", { SAYS(5, 255) }, "it takes no user and password" },
        { "a:b", { SAYS(5, 2), SAYS(5) }, "expected version 1, got 5" },
        { "a:b", { SAYS(5, 2), SAYS(1, 1) }, "refused the user and password" },
        { NULL, { SAYS(5, 0), SAYS(1) }, "expected version 5, got 1" },
        { NULL, { SAYS(5, 0), SAYS(5, 1) }, "general failure (code 1)" },
        { NULL, { SAYS(5, 0), SAYS(5, 2, 0) }, "rules do not allow" },
        { NULL, { SAYS(5, 0), SAYS(5, 3) }, "cannot reach the network" },
        { NULL, { SAYS(5, 0), SAYS(5, 4) }, "cannot reach the host" },
        { NULL,
          { SAYS(5, 0), SAYS(5, 5) },
          "the server refused the connection (code 5)" },
        { NULL, { SAYS(5, 0), SAYS(5, 6) }, "time to live" },
        { NULL, { SAYS(5, 0), SAYS(5, 7) }, "command not supported" },
        { NULL, { SAYS(5, 0), SAYS(5, 8) }, "address type not supported" },
        { NULL, { SAYS(5, 0), SAYS(5, 9) }, "unknown failure (code 9)" },
        { NULL, { SAYS(5, 0), SAYS(5, 255) }, "unknown failure (code 255)" },
        { NULL, { SAYS(5, 0), SAYS(5, 0, 0, 2, 0) }, "type 1, 3 or 4, got 2" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ws__socks5 s;
        ws_error err = { 0 };
        int r = 1;

        assert_int_equal(
            ws__socks5_begin(&s, "a", 1, rows[i].credentials, 1, &err), 0);
        for (size_t k = 0; k < COUNT(rows[i].hears) && r > 0; k++) {
            const struct words *w = &rows[i].hears[k];
            r = ws__socks5_take(&s, at_page_end(w->p, w->n), w->n, &err);
        }
        assert_int_equal(r, WS_ERR_PROXY);
        assert_int_equal(err.code, WS_ERR_PROXY);
        if (!strstr(err.text, rows[i].text))
            fail_msg("%zu: expected \"%s\", got \"%s\"", i, rows[i].text,
                     err.text);
    }
}

/* "user:password", of so many bytes each. */
static const char *credentials_of(size_t user, size_t password)
{
    static char text[1024];

    memset(text, 'x', user + 1 + password);
    text[user] = ':';
    text[user + 1 + password] = '\0';
    return text;
}

static void what_has_no_room_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t host, user, password;
        int code;
    } rows[] = {
        { 255, 1, 0, 0 },
        { 256, 1, 0, WS_ERR_PROXY },
        { 1, 255, 255, 0 },
        { 1, 0, 1, WS_ERR_PROXY },
        { 1, 256, 1, WS_ERR_PROXY },
        { 1, 1, 256, WS_ERR_PROXY },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        char host[300] = "";
        struct ws__socks5 s;
        ws_error err = { 0 };

        memset(host, 'h', rows[i].host);
        assert_int_equal(
            ws__socks5_begin(&s, host, 1,
                             credentials_of(rows[i].user, rows[i].password),
                             rows[i].user, &err),
            rows[i].code);
        assert_int_equal(err.code, rows[i].code);
        assert_int_equal(strlen(err.text) > 0, rows[i].code != 0);
    }
}

static void the_longest_words_fit(void **state)
{
    (void)state;
    struct ws__socks5 s;
    char host[256] = "";

    memset(host, 'h', 255);
    assert_int_equal(
        ws__socks5_begin(&s, host, 258, credentials_of(255, 255), 255, NULL),
        0);
    assert_int_equal(ws__socks5_take(&s, BYTES(5, 2), NULL), 2);
    assert_int_equal(s.out_len, WS__SOCKS5_OUT_MAX);
    assert_int_equal(s.out[1], 255);
    assert_int_equal(s.out[2 + 255], 255);
    assert_int_equal(ws__socks5_take(&s, BYTES(1, 0), NULL), 2);
    assert_int_equal(s.out_len, 5 + 255 + 2);
    assert_int_equal(s.out[4], 255);
    assert_memory_equal(s.out + 5 + 255, "\1\2", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_take_turns),
        cmocka_unit_test(answers_that_are_no_consent_are_refused),
        cmocka_unit_test(what_has_no_room_is_refused),
        cmocka_unit_test(the_longest_words_fit),
    };

    return cmocka_run_group_tests_name("socks5", tests, NULL, NULL);
}
