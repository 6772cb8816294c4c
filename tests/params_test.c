/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <silverback/http.h>

#include "mode.h"
#include "peer.h"

#define FORM "application/x-www-form-urlencoded"
#define FORM_TYPE "Content-Type: " FORM "\r\n"

static struct answer a;
static ws_listener *l;

/* A list as name=value, one a line, into text. */
static void write_list(const ws_param *list, char *text, size_t size)
{
    size_t n = 0;

    text[0] = '\0';
    for (const ws_param *p = list; p->name && n < size; p++)
        n += (size_t)snprintf(text + n, size - n, "%s=%s\n", p->name, p->value);
}

/* Asked for twice, a list is the same. */
static void answer_with(ws_request *r, const ws_param *(*list)(ws_request *r))
{
    char text[8 * 1024];

    write_list(list(r), text, sizeof(text));
    ws_reply_text(r, list(r) == list(r) ? 200 : 500, text);
}

static void query(ws_request *r, void *arg)
{
    (void)arg;
    answer_with(r, ws_query);
}

static void form(ws_request *r, void *arg)
{
    (void)arg;
    answer_with(r, ws_form);
}

static void cookies(ws_request *r, void *arg)
{
    (void)arg;
    answer_with(r, ws_cookies);
}

static void all(ws_request *r, void *arg)
{
    (void)arg;
    const char *room = ws_param_get(ws_query(r), "room");
    const char *name = ws_param_get(ws_form(r), "name");
    const char *sid = ws_param_get(ws_cookies(r), "sid");
    char text[128];

    snprintf(text, sizeof(text), "%s %s %s", room ? room : "-",
             name ? name : "-", sid ? sid : "-");
    ws_reply_text(r, 200, text);
}

static int start(void **state)
{
    (void)state;
    static const ws_route routes[] = { { .path = "/query", .handler = query },
                                       { .path = "/form", .handler = form },
                                       { .path = "/cookies",
                                         .handler = cookies },
                                       { .path = "/all", .handler = all },
                                       { 0 } };

    l = serve((ws_server){ .routes = routes });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static const char *get(const char *target, const char *fields)
{
    char request[16 * 1024];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1" SERVED "%s\r\n",
             target, fields);
    assert_int_equal(ask(l, request, &a), 200);
    return a.body;
}

static const char *post(const char *type, const char *body, size_t n)
{
    char head[256];
    int fd = call(l);

    snprintf(head, sizeof(head),
             "POST /form HTTP/1.1" SERVED "%sContent-Length: %zu\r\n\r\n", type,
             n);
    say(fd, head);
    say_n(fd, body, n);
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    close(fd);
    return a.body;
}

static void a_query_is_a_list_of_parameters(void **state)
{
    (void)state;
    assert_string_equal(get("/query", ""), "");
    assert_string_equal(get("/query?", ""), "");
    assert_string_equal(get("/query?a=1&a=2&b&%41+=%c3%b6&=x&&c=%00%", ""),
                        "a=1\na=2\nb=\nA =\xc3\xb6\n=x\nc=%00%\n");
    assert_string_equal(get("http://a/query?a=b", ""), "a=b\n");
}

static void a_form_is_one_by_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *type, *list;
    } rows[] = {
        { FORM_TYPE, "a=1\nb= \n" },
        { "content-type: Application/X-WWW-form-urlencoded ; charset=utf-8\r\n",
          "a=1\nb= \n" },
        { "Content-Type: text/plain\r\n", "" },
        { "Content-Type: x" FORM "\r\n", "" },
        { "", "" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(post(rows[i].type, "a=1&b=+", 7), rows[i].list);
    assert_string_equal(post(FORM_TYPE, "a\0b=1&c=2\0&d=3", 14), "d=3\n");
    assert_string_equal(get("/form?a=1", FORM_TYPE), "");
}

static void cookies_are_those_of_every_field(void **state)
{
    (void)state;
    assert_string_equal(get("/cookies", ""), "");
    assert_string_equal(get("/cookies", "Cookie: a=1; b=\"2 3\"; a=%41\r\n"
                                        "X: d=4\r\n"
                                        "cookie: c=+\r\n"),
                        "a=1\nb=2 3\na=%41\nc=+\n");
}

static void a_list_is_of_1024_at_most(void **state)
{
    (void)state;
    static char body[3 * 2000];

    for (size_t i = 0; i < sizeof(body); i += 3)
        memcpy(body + i, "a=&", 3);
    post(FORM_TYPE, body, sizeof(body));
    assert_int_equal(a.len, 3 * 1024);
}

static void the_first_of_a_name_is_got(void **state)
{
    (void)state;
    static const ws_param list[] = {
        { "a", "1" }, { "a", "2" }, { "", "3" }, { 0 }
    };

    assert_string_equal(ws_param_get(list, "a"), "1");
    assert_string_equal(ws_param_get(list, ""), "3");
    assert_null(ws_param_get(list, "A"));
    assert_null(ws_param_get(NULL, "a"));
    assert_null(ws_param_get(list, NULL));
    int fd = call(l);
    say(fd, "POST /all?x=y&room=1 HTTP/1.1" SERVED "Cookie: sid=3\r\n" FORM_TYPE
            "Content-Length: 6\r\n\r\nname=2");
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "1 2 3");
    say(fd, "GET /all HTTP/1.1" SERVED "\r\n");
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "- - -");
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_query_is_a_list_of_parameters),  TEST(a_form_is_one_by_its_type),
        TEST(cookies_are_those_of_every_field), TEST(a_list_is_of_1024_at_most),
        TEST(the_first_of_a_name_is_got),
    };

    return run_in_mode("params", tests, NULL, NULL);
}
