/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <stdatomic.h>

#include <silverback/fiber.h>
#include <silverback/http.h>
#include <silverback/upgrade.h>

#include "peer.h"
#include "mode.h"
#include "slow.h"

static struct answer a;
static ws_listener *l;

enum { WRITE_TIMEOUT_MS = 400 };

/* What the handler is to do, and what came of it; atomic because a socket, which
 * is what orders the handlers of two requests, is nothing to
 * ThreadSanitizer. */
static int (*_Atomic act)(ws_request *r);
static atomic_int result;
static ws_event acted;

static void handler(ws_request *r, void *arg)
{
    (void)arg;
    result = act(r);
    ws_event_set(&acted);
}

static void start_with(int write_timeout_ms)
{
    static const ws_route routes[] = { { .path = "/", .handler = handler },
                                       { 0 } };

    l = serve(
        (ws_server){ .routes = routes, .write_timeout_ms = write_timeout_ms });
}

static int start(void **state)
{
    (void)state;
    start_with(WRITE_TIMEOUT_MS);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static int get(int (*with)(ws_request *r))
{
    act = with;
    ws_event_clear(&acted);
    int status = ask(l, "GET / HTTP/1.1" SERVED "\r\n", &a);
    assert_int_equal(ws_event_wait(&acted, ws_after(PATIENCE_S * 1000)), 0);
    return status;
}

/* ---- Answers ------------------------------------------------------------ */

static int text(ws_request *r)
{
    return ws_reply_text(r, 201, "text");
}

static int html(ws_request *r)
{
    return ws_reply_html(r, 200, "<p>");
}

static int json(ws_request *r)
{
    return ws_reply_json(r, 200, "{}");
}

static int bytes(ws_request *r)
{
    return ws_reply(r, 200, NULL, "a\0b", 3);
}

static int unknown_status(ws_request *r)
{
    return ws_reply(r, 599, NULL, NULL, 0);
}

static void an_answer_has_the_usual_fields(void **state)
{
    (void)state;

    assert_int_equal(get(text), 201);
    assert_int_equal(result, 0);
    assert_string_equal(a.body, "text");
    assert_string_equal(field_of(&a, "Content-Length"), "4");
    assert_string_equal(field_of(&a, "Content-Type"),
                        "text/plain; charset=utf-8");
    assert_int_equal(strlen(field_of(&a, "Date")), 29);
    assert_null(field_of(&a, "Connection"));

    assert_int_equal(get(html), 200);
    assert_string_equal(field_of(&a, "Content-Type"),
                        "text/html; charset=utf-8");
    assert_int_equal(get(json), 200);
    assert_string_equal(field_of(&a, "Content-Type"), "application/json");
    assert_string_equal(a.body, "{}");
    assert_int_equal(get(bytes), 200);
    assert_int_equal(a.len, 3);
    assert_memory_equal(a.body, "a\0b", 3);
    assert_null(field_of(&a, "Content-Type"));
    assert_int_equal(get(unknown_status), 599);
}

static char large[200 * 1024];

static int reply_large(ws_request *r)
{
    return ws_reply(r, 200, NULL, large, sizeof(large));
}

static void a_large_answer_comes_whole(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (char)(i * 7 >> 3);
    assert_int_equal(get(reply_large), 200);
    assert_int_equal(a.len, sizeof(large));
    assert_memory_equal(a.body, large, sizeof(large));
}

enum { HUGE = 16 << 20 };

static int reply_huge(ws_request *r)
{
    char *body = calloc(1, HUGE);

    assert_non_null(body);
    int error = ws_reply(r, 200, NULL, body, HUGE);
    free(body);
    return error;
}

static int ask_huge(void)
{
    int fd = call(l);

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ 1 << 18 }, sizeof(int));
    act = reply_huge;
    ws_event_clear(&acted);
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear_head(fd, &a));
    return fd;
}

/* In far longer than the timeout.  Returns false if this try does not tell. */
static bool take_huge_slowly(int timeout_ms)
{
    enum { STEPS = 64 };
    struct slow s = { .since = ws_now(),
                      .step = HUGE / STEPS,
                      .pause_ms = 5 * timeout_ms / STEPS / 2 };

    s.fd = ask_huge();
    take_slowly(&s, HUGE);
    assert_int_equal(ws_event_wait(&acted, ws_after(PATIENCE_S * 1000)), 0);
    close(s.fd);
    if (!slow_tells(&s, timeout_ms, HUGE))
        return false;
    assert_int_equal(result, 0);
    assert_int_equal(s.got, HUGE);
    return true;
}

static void an_answer_may_take_as_long_as_it_is_taken(void **state)
{
    (void)state;
    int timeout_ms = WRITE_TIMEOUT_MS;

    while (!take_huge_slowly(timeout_ms)) {
        timeout_ms = slow_longer(timeout_ms);
        assert_int_equal(stop(NULL), 0);
        start_with(timeout_ms);
    }
}

static void who_takes_nothing_of_an_answer_is_dead(void **state)
{
    (void)state;
    int fd = ask_huge();

    assert_int_equal(ws_event_wait(&acted, ws_after(PATIENCE_S * 1000)), 0);
    assert_int_equal(result, WS_ERR_DEAD);
    close(fd);
}

/* RFC 9110, sections 6.4.1, 15.3.5, 15.3.6 and 15.4.5. */
static int no_content(ws_request *r)
{
    return ws_reply(r, 204, NULL, "x", 1);
}

static int reset_content(ws_request *r)
{
    return ws_reply(r, 205, NULL, "x", 1);
}

static int not_modified(ws_request *r)
{
    return ws_reply(r, 304, NULL, "x", 1);
}

static void some_answers_have_no_body(void **state)
{
    (void)state;
    static const struct {
        int (*act)(ws_request *r);
        const char *method;
        const char *length;
    } rows[] = {
        { no_content, "GET", NULL },   { reset_content, "GET", "0" },
        { not_modified, "GET", NULL }, { text, "HEAD", "4" },
        { no_content, "HEAD", NULL },
    };
    char request[128];

    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = call(l);

        act = rows[i].act;
        snprintf(request, sizeof(request),
                 "%s / HTTP/1.1" SERVED "Connection: close\r\n\r\n",
                 rows[i].method);
        say(fd, request);
        assert_true(hear_head(fd, &a));
        const char *length = field_of(&a, "Content-Length");
        assert_int_equal(!length, !rows[i].length);
        if (length)
            assert_string_equal(length, rows[i].length);
        assert_true(has_ended(fd));
        close(fd);
    }
}

/* ---- The caller's fields ------------------------------------------------ */

static int with_fields(ws_request *r)
{
    const ws_header headers[] = {
        { "X-A", "1\r\nX-B: 2" },
        { "content-length", "7" },
        { "Transfer-Encoding", "chunked" },
        { "Connection", "keep-alive" },
        { "Set-Cookie", "a=b" },
        { "Set-Cookie", "c=d" },
        { 0 },
    };

    return ws_reply(r, 200, headers, "abc", 3);
}

static int with_close(ws_request *r)
{
    const ws_header headers[] = { { "connection", "x, Close" }, { 0 } };

    return ws_reply(r, 200, headers, NULL, 0);
}

static void the_callers_fields_go_out_but_not_those_of_the_framing(void **state)
{
    (void)state;

    get(with_fields);
    assert_string_equal(field_of(&a, "X-A"), "1  X-B: 2");
    assert_null(field_of(&a, "X-B"));
    assert_string_equal(field_of(&a, "Content-Length"), "3");
    assert_null(field_of(&a, "content-length"));
    assert_null(field_of(&a, "Transfer-Encoding"));
    assert_null(field_of(&a, "Connection"));
    assert_non_null(strstr(a.head, "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n"));

    int fd = call(l);
    act = with_close;
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_string_equal(field_of(&a, "Connection"), "close");
    assert_true(has_ended(fd));
    close(fd);
}

/* ---- Misuse ------------------------------------------------------------- */

static int twice(ws_request *r)
{
    ws_reply_text(r, 200, "first");
    return ws_reply_text(r, 404, "second");
}

static int bad_name(ws_request *r)
{
    const ws_header headers[] = { { "a b", "c" }, { 0 } };

    return ws_reply(r, 200, headers, NULL, 0);
}

static int too_low(ws_request *r)
{
    return ws_reply(r, 101, NULL, NULL, 0);
}

static int too_high(ws_request *r)
{
    return ws_reply(r, 600, NULL, NULL, 0);
}

static int nothing_as_text(ws_request *r)
{
    return ws_reply_text(r, 200, NULL);
}

static int nothing_as_html(ws_request *r)
{
    return ws_reply_html(r, 200, NULL);
}

static int nothing_as_json(ws_request *r)
{
    return ws_reply_json(r, 200, NULL);
}

static int nothing_but_its_length(ws_request *r)
{
    return ws_reply(r, 200, NULL, NULL, 5);
}

static int copied(ws_request *r)
{
    ws_request copy = *r;

    return ws_reply_text(&copy, 200, "copy");
}

static int upgrade_after_answer(ws_request *r)
{
    ws_reply_text(r, 200, "first");
    assert_null(ws_upgrade(NULL, r, NULL));
    return r->error.code;
}

static int bad_then_good(ws_request *r)
{
    return bad_name(r) == WS_ERR_INVALID ? ws_reply_text(r, 200, "good") : 1;
}

static void what_cannot_be_sent_is_invalid_and_no_answer(void **state)
{
    (void)state;
    static const struct {
        int (*act)(ws_request *r);
        int status;
        int result;
    } rows[] = {
        { twice, 200, WS_ERR_INVALID },
        { bad_name, 500, WS_ERR_INVALID },
        { too_low, 500, WS_ERR_INVALID },
        { too_high, 500, WS_ERR_INVALID },
        { nothing_as_text, 500, WS_ERR_INVALID },
        { nothing_as_html, 500, WS_ERR_INVALID },
        { nothing_as_json, 500, WS_ERR_INVALID },
        { nothing_but_its_length, 500, WS_ERR_INVALID },
        { copied, 500, WS_ERR_INVALID },
        { upgrade_after_answer, 200, WS_ERR_INVALID },
        { bad_then_good, 200, 0 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(get(rows[i].act), rows[i].status);
        assert_int_equal(result, rows[i].result);
    }
}

/* Of memory that ends with it, so that a look behind it is noticed. */
static void a_request_of_the_callers_making_is_invalid(void **state)
{
    (void)state;
    ws_request *made = calloc(1, sizeof(*made));
    ws_request *const requests[] = { NULL, made };

    assert_non_null(made);
    made->method = "GET";
    for (size_t i = 0; i < COUNT(requests); i++) {
        ws_request *r = requests[i];

        assert_int_equal(ws_reply(r, 200, NULL, "x", 1), WS_ERR_INVALID);
        assert_int_equal(ws_reply_text(r, 200, "x"), WS_ERR_INVALID);
        assert_int_equal(ws_reply_html(r, 200, "x"), WS_ERR_INVALID);
        assert_int_equal(ws_reply_json(r, 200, "1"), WS_ERR_INVALID);
        assert_int_equal(ws_redirect(r, 303, "/"), WS_ERR_INVALID);
        assert_int_equal(ws_reply_file(r, "/"), WS_ERR_INVALID);
        assert_null(ws_upgrade(NULL, r, NULL));
        assert_null(ws_query(r)->name);
        assert_null(ws_form(r)->name);
        assert_null(ws_cookies(r)->name);
        assert_null(*ws_requested_subprotocols(r));
        assert_false(ws_is_upgrade(r));
    }
    assert_int_equal(made->error.code, WS_ERR_INVALID);
    assert_string_equal(made->error.text,
                        "upgrade: the library did not make this request");
    free(made);
}

/* ---- Redirects ---------------------------------------------------------- */

static struct {
    int status;
    const char *location;
} to;

static int redirect(ws_request *r)
{
    return ws_redirect(r, to.status, to.location);
}

static void a_redirect_leads_to_a_uri(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *location, *sent;
    } rows[] = {
        { 301, "/", "/" },
        { 302, "https://a.example:1/b?c=d&e#f",
          "https://a.example:1/b?c=d&e#f" },
        { 303, "../x", "../x" },
        { 307, "/a%20b", "/a%20b" },
        { 308, "/a b\"<\\>^`{|}", "/a%20b%22%3C%5C%3E%5E%60%7B%7C%7D" },
        { 302, "/gr\xc3\xb6\xc3\x9f", "/gr%C3%B6%C3%9F" },
        { 302, "http://[::1]/~a!$&'()*+,;=@", "http://[::1]/~a!$&'()*+,;=@" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        to.status = rows[i].status;
        to.location = rows[i].location;
        assert_int_equal(get(redirect), rows[i].status);
        assert_int_equal(result, 0);
        assert_string_equal(field_of(&a, "Location"), rows[i].sent);
        assert_string_equal(a.body, rows[i].sent);
    }
}

static void what_is_no_redirect_is_invalid_and_no_answer(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *location;
    } rows[] = {
        { 303, NULL },  { 303, "" },    { 303, "/\r\nSet-Cookie: a=b" },
        { 303, "/\n" }, { 303, "/\t" }, { 303, "/\x7f" },
        { 200, "/" },   { 300, "/" },   { 304, "/" },
        { 305, "/" },   { 306, "/" },   { 309, "/" },
        { 0, "/" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        to.status = rows[i].status;
        to.location = rows[i].location;
        assert_int_equal(get(redirect), 500);
        assert_int_equal(result, WS_ERR_INVALID);
        assert_null(field_of(&a, "Location"));
        assert_null(field_of(&a, "Set-Cookie"));
    }
}

/* ---- The request -------------------------------------------------------- */

static int look(ws_request *r)
{
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->path, "/p");
    assert_string_equal(r->query, "");
    assert_string_equal(r->host, "a");
    assert_false(r->tls);
    assert_int_equal(r->error.code, 0);
    assert_int_equal(strncmp(r->remote_addr, "127.0.0.1:", 10), 0);
    assert_string_equal(ws_header_get(r->headers, "x-y"), "z");
    assert_null(ws_header_get(r->headers, "x"));
    assert_string_equal(r->body, "");
    assert_int_equal(r->body_len, 0);
    return ws_reply(r, 200, NULL, NULL, 0);
}

static int body_is_a_string(ws_request *r)
{
    return ws_reply_text(r, strlen(r->body) == r->body_len ? 200 : 400,
                         r->body);
}

static void a_handler_sees_the_request(void **state)
{
    (void)state;
    act = look;
    assert_int_equal(ask(l, "POST /p HTTP/1.1" SERVED "X-Y: \t z \r\n\r\n", &a),
                     200);
    act = body_is_a_string;
    assert_int_equal(
        ask(l, "POST /p HTTP/1.1" SERVED "Content-Length: 3\r\n\r\nabc", &a),
        200);
    assert_string_equal(a.body, "abc");
}

/* Of the worker, when the request is over; a thread's is its own. */
static void have_memory(void *arg)
{
    (void)arg;
    alloc_fail_here(false);
}

/* Nor has the library any for an answer of its own. */
static int have_none(ws_request *r)
{
    (void)r;
    ws_detach(ws_go(have_memory, NULL));
    alloc_fail_here(true);
    return 0;
}

static void what_there_is_no_memory_to_answer_ends_its_connection(void **state)
{
    (void)state;
    int fd = call(l);

    act = have_none;
    say(fd, "GET / HTTP/1.1" SERVED "\r\n");
    assert_true(has_ended(fd));
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_has_the_usual_fields),
        TEST(a_large_answer_comes_whole),
        TEST(an_answer_may_take_as_long_as_it_is_taken),
        TEST(who_takes_nothing_of_an_answer_is_dead),
        TEST(some_answers_have_no_body),
        TEST(the_callers_fields_go_out_but_not_those_of_the_framing),
        TEST(what_cannot_be_sent_is_invalid_and_no_answer),
        TEST(a_request_of_the_callers_making_is_invalid),
        TEST(a_redirect_leads_to_a_uri),
        TEST(what_is_no_redirect_is_invalid_and_no_answer),
        TEST(a_handler_sees_the_request),
        TEST(what_there_is_no_memory_to_answer_ends_its_connection),
    };

    alloc_fail_install();
    return run_in_mode("request", tests, NULL, NULL);
}
