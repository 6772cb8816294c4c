/* SPDX-License-Identifier: MIT */

/* What the library answers by itself, and a server that has its own words for
 * it; routes for methods. */

#include "test.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include <silverback.h>

#include "mode.h"
#include "peer.h"

static struct answer a;
static ws_listener *l;
static char folder[] = "/tmp/deny_test.XXXXXX";

static void name_method(ws_request *r, void *arg)
{
    ws_reply_text(r, 200, arg ? arg : r->method);
}

static void say_nothing(ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
}

static void files(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_file(r, folder);
}

static void upgrade(ws_request *r, void *arg)
{
    (void)arg;
    ws_close(ws_upgrade(NULL, r, NULL));
}

static void socket_ends(ws_conn *c, void *arg)
{
    (void)c;
    (void)arg;
}

static void insist(ws_request *r, int status, const char *reason, void *arg);
static const ws_upgrader insisting = { .error = insist };

static void upgrade_insistently(ws_request *r, void *arg)
{
    (void)arg;
    ws_close(ws_upgrade(&insisting, r, NULL));
}

static char get[] = "get", post[] = "post";
static const ws_route routes[] = {
    { .path = "/any", .handler = name_method },
    { .path = "/two", .handler = name_method, .method = "GET", .arg = get },
    { .path = "/two", .handler = name_method, .method = "POST", .arg = post },
    { .path = "/mute", .handler = say_nothing },
    { .path = "/files/", .handler = files },
    { .path = "/upgrade", .handler = upgrade },
    { .path = "/insists", .handler = upgrade_insistently },
    { .path = "/socket", .socket = socket_ends },
    { .path = "/thread", .handler = say_nothing, .thread = true },
    { 0 },
};

/* ---- Methods ------------------------------------------------------------ */

static int start(void **state)
{
    (void)state;
    l = serve((ws_server){ .routes = routes });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static int ask_by(const char *method, const char *path)
{
    char request[256];

    snprintf(request, sizeof(request), "%s %s HTTP/1.1" SERVED "\r\n", method,
             path);
    return ask(l, request, &a);
}

static void each_method_has_its_handler(void **state)
{
    (void)state;
    assert_int_equal(ask_by("GET", "/two"), 200);
    assert_string_equal(a.body, "get");
    assert_int_equal(ask_by("POST", "/two"), 200);
    assert_string_equal(a.body, "post");
    assert_int_equal(ask_by("HEAD", "/two"), 200);
    assert_string_equal(field_of(&a, "Content-Length"), "3");
    assert_string_equal(a.body, "");
    assert_int_equal(ask_by("PATCH", "/any"), 200);
    assert_string_equal(a.body, "PATCH");
}

static void another_method_is_405_with_those_there_are(void **state)
{
    (void)state;
    static const char *const methods[] = { "PUT", "DELETE", "get", "TRACE" };

    for (size_t i = 0; i < COUNT(methods); i++) {
        assert_int_equal(ask_by(methods[i], "/two"), 405);
        assert_string_equal(field_of(&a, "Allow"), "GET, HEAD, POST, OPTIONS");
        assert_string_equal(a.body, "Method Not Allowed\n");
    }
    assert_int_equal(ask_by("POST", "/socket"), 405);
    assert_string_equal(field_of(&a, "Allow"), "GET, OPTIONS");
    assert_int_equal(ask_by("HEAD", "/socket"), 405);
    assert_int_equal(ask_by("GET", "/socket"), 400);
    assert_int_equal(ask_by("PUT", "/none"), 404);
}

static void options_are_listed(void **state)
{
    (void)state;
    int fd = call(l);

    say(fd, "OPTIONS /two HTTP/1.1" SERVED "\r\n"
            "OPTIONS * HTTP/1.1" SERVED "\r\n"
            "OPTIONS /any HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 204);
    assert_string_equal(field_of(&a, "Allow"), "GET, HEAD, POST, OPTIONS");
    assert_null(field_of(&a, "Content-Length"));
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "OPTIONS");
    close(fd);
}

/* ---- A server's own words ----------------------------------------------- */

enum { HASTE_MS = 200 };

static atomic_int asked;

static void insist(ws_request *r, int status, const char *reason, void *arg)
{
    (void)status;
    (void)reason;
    (void)arg;
    atomic_fetch_add(&asked, 1);
    assert_null(ws_upgrade(&insisting, r, NULL));
}

static void as_json(ws_request *r, int status, const char *reason, void *arg)
{
    const ws_header headers[] = { { "Content-Type", "application/json" },
                                  { "X-Arg", arg },
                                  { 0 } };
    char text[512];

    atomic_fetch_add(&asked, 1);
    assert_non_null(ws_header_get(headers, "X-Arg"));
    assert_string_equal(r->body, "");
    assert_int_equal(strncmp(r->remote_addr, "127.0.0.1:", 10), 0);
    snprintf(text, sizeof(text), "{\"%s %s\":\"%s\"}", r->method, r->path,
             reason);
    ws_reply(r, status, headers, text, strlen(text));
}

static void by_a_file(ws_request *r, int status, const char *reason, void *arg)
{
    (void)status;
    (void)reason;
    (void)arg;
    atomic_fetch_add(&asked, 1);
    ws_reply_file(r, folder);
}

static void in_silence(ws_request *r, int status, const char *reason, void *arg)
{
    (void)r;
    (void)status;
    (void)reason;
    (void)arg;
    atomic_fetch_add(&asked, 1);
}

static int start_with(void (*error)(ws_request *r, int status,
                                    const char *reason, void *arg),
                      int timeout_ms)
{
    static char arg[] = "arg";

    asked = 0;
    l = serve((ws_server){ .routes = routes,
                           .error = error,
                           .error_arg = arg,
                           .max_header_bytes = 512,
                           .max_body_bytes = 10,
                           .request_timeout_ms = timeout_ms });
    return 0;
}

static int start_with_json(void **state)
{
    (void)state;
    return start_with(as_json, 0);
}

static int start_in_haste(void **state)
{
    (void)state;
    return start_with(as_json, HASTE_MS);
}

static int start_for_nobody(void **state)
{
    static char arg[] = "arg";

    (void)state;
    asked = 0;
    l = serve((ws_server){ .routes = routes,
                           .error = as_json,
                           .error_arg = arg,
                           .max_connections = 1 });
    return 0;
}

static void upgrade_it(ws_request *r, int status, const char *reason, void *arg)
{
    (void)status;
    (void)reason;
    (void)arg;
    atomic_fetch_add(&asked, 1);
    assert_null(ws_upgrade(NULL, r, NULL));
    assert_string_equal(r->error.text, "upgrade: the request is being refused");
}

static int start_upgrading(void **state)
{
    (void)state;
    return start_with(upgrade_it, 0);
}

static int start_with_a_file(void **state)
{
    (void)state;
    return start_with(by_a_file, 0);
}

static int start_in_silence(void **state)
{
    (void)state;
    return start_with(in_silence, 0);
}

#define POST "POST /two HTTP/1.1" SERVED
#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512 X64 X64 X64 X64 X64 X64 X64 X64

static const struct {
    const char *request;
    int status;
    const char *json;
    const char *name, *value; /* of a field; NULL: none */
    bool ends;                /* the connection */
} refusals[] = {
    { "GET /none HTTP/1.1" SERVED "\r\n", 404,
      "{\"GET /none\":\"404 page not found\"}", .ends = false },
    { "PUT /two HTTP/1.1" SERVED "\r\n", 405,
      "{\"PUT /two\":\"Method Not Allowed\"}", "Allow",
      "GET, HEAD, POST, OPTIONS", false },
    { "GET /mute HTTP/1.1" SERVED "\r\n", 500,
      "{\"GET /mute\":\"Internal Server Error\"}", .ends = false },
    { "GET /thread HTTP/1.1" SERVED "\r\n", 500,
      "{\"GET /thread\":\"Internal Server Error\"}", .ends = false },
    { "GET /files/x HTTP/1.1" SERVED "\r\n", 404,
      "{\"GET /files/x\":\"404 page not found\"}", .ends = false },
    { "PUT /files/x HTTP/1.1" SERVED "\r\n", 405,
      "{\"PUT /files/x\":\"Method Not Allowed\"}", "Allow", "GET, HEAD",
      false },
    { "GET /upgrade HTTP/1.1" SERVED "\r\n", 400,
      "{\"GET /upgrade\":\"websocket: the client is not using the websocket "
      "protocol: 'upgrade' token not found in 'Connection' header\"}",
      "Sec-WebSocket-Version", "13", false },
    { "GET /socket HTTP/1.1" SERVED "Connection: Upgrade\r\n\r\n", 426,
      "{\"GET /socket\":\"websocket: the client is not using the websocket "
      "protocol: 'websocket' token not found in 'Upgrade' header\"}",
      "Upgrade", "websocket", false },
    { POST "Content-Length: 11\r\n\r\n", 413,
      "{\"POST /two\":\"the body is too large\"}", .ends = true },
    { POST "Transfer-Encoding: chunked\r\n\r\nb\r\n", 413,
      "{\"POST /two\":\"the body is too large\"}", .ends = true },
    { "GET /two HTTP/1.1" SERVED "X: " X512 "\r\n\r\n", 431,
      "{\" \":\"the head is too large\"}", .ends = true },
    { "GET /two%zz HTTP/1.1" SERVED "\r\n", 400,
      "{\"GET \":\"malformed escape in the request target\"}", .ends = true },
    { POST "Content-Length: 1\r\nExpect: x\r\n\r\n", 417,
      "{\"POST /two\":\"the only expectation known is 100-continue\"}",
      .ends = true },
};

static void each_refusal_is_answered_by_the_server(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(refusals); i++) {
        int fd = call(l);

        say(fd, refusals[i].request);
        assert_true(hear(fd, &a));
        assert_int_equal(a.status, refusals[i].status);
        assert_string_equal(a.body, refusals[i].json);
        assert_string_equal(field_of(&a, "X-Arg"), "arg");
        assert_string_equal(field_of(&a, "Content-Type"), "application/json");
        if (refusals[i].name)
            assert_string_equal(field_of(&a, refusals[i].name),
                                refusals[i].value);
        if (refusals[i].ends)
            assert_true(has_ended(fd));
        else
            assert_null(field_of(&a, "Connection"));
        close(fd);
    }
    assert_int_equal(asked, COUNT(refusals));
}

/* A machine that is busy may leave it no time to begin, and then there is no
 * answer. */
static void ask_and_dawdle(const char *request)
{
    int tries = 100;

    while (ask(l, request, &a) == 0)
        assert_true(tries-- > 0);
}

static void one_that_takes_too_long_is_refused_by_the_server(void **state)
{
    (void)state;
    ask_and_dawdle(POST "Content-Length: 5\r\n\r\nabc");
    assert_int_equal(a.status, 408);
    assert_string_equal(a.body,
                        "{\"POST /two\":\"the request took too long\"}");
    ask_and_dawdle("GET /two HT");
    assert_int_equal(a.status, 408);
    assert_string_equal(a.body, "{\" \":\"the request took too long\"}");
}

static void who_does_not_reply_leaves_it_to_us(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(refusals); i++) {
        ask(l, refusals[i].request, &a);
        assert_int_equal(a.status, refusals[i].status);
        assert_string_equal(field_of(&a, "Content-Type"),
                            "text/plain; charset=utf-8");
        if (refusals[i].name)
            assert_string_equal(field_of(&a, refusals[i].name),
                                refusals[i].value);
    }
    assert_int_equal(asked, COUNT(refusals));
}

static void who_has_another_refused_is_not_asked_again(void **state)
{
    (void)state;
    assert_int_equal(ask_by("GET", "/none"), 404);
    assert_string_equal(a.body, "404 page not found\n");
    assert_int_equal(asked, 1);
}

static void one_too_many_is_refused_by_the_server(void **state)
{
    (void)state;
    int first = call(l);

    say(first, "GET /any HTTP/1.1" SERVED "\r\n");
    assert_true(hear(first, &a));
    assert_int_equal(a.status, 200);

    int fd = call(l);
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 503);
    assert_string_equal(a.body, "{\" \":\"Service Unavailable\"}");
    assert_string_equal(field_of(&a, "Connection"), "close");
    assert_true(has_ended(fd));
    close(fd);
    close(first);
}

/* Nor does an upgrader's function ask itself for ever. */
static void what_is_refused_is_not_upgraded(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(refusals); i++) {
        ask(l, refusals[i].request, &a);
        assert_int_equal(a.status, refusals[i].status);
    }
    assert_int_equal(asked, COUNT(refusals));
    assert_int_equal(ask_by("GET", "/insists"), 400);
    assert_int_equal(asked, COUNT(refusals) + 2);
}

/* ------------------------------------------------------------------------- */

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return remove(folder);
}

#define TEST(name, start) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_method_has_its_handler, start),
        TEST(another_method_is_405_with_those_there_are, start),
        TEST(options_are_listed, start),
        TEST(each_refusal_is_answered_by_the_server, start_with_json),
        TEST(one_that_takes_too_long_is_refused_by_the_server, start_in_haste),
        TEST(one_too_many_is_refused_by_the_server, start_for_nobody),
        TEST(what_is_refused_is_not_upgraded, start_upgrading),
        TEST(who_does_not_reply_leaves_it_to_us, start_in_silence),
        TEST(who_has_another_refused_is_not_asked_again, start_with_a_file),
    };

    return run_in_mode("deny", tests, make_folder, remove_folder);
}
