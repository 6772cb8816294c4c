/* SPDX-License-Identifier: MIT */

/* Bodies that are too large for memory, or for their route. */

#include "test.h"

#include <stdatomic.h>
#include <sys/stat.h>

#include <silverback/fiber.h>
#include <silverback/http.h>

#include "mode.h"
#include "peer.h"

enum {
    ABOVE = 10000, /* is in a file */
    LARGE = 1 << 20,
    LIMIT = 2 << 20,
};

static struct answer a;
static ws_listener *l;
static char body[LIMIT + 1];

/* "memory" or "file", and the size, if it is what was sent. */
static void look(ws_request *r, void *arg)
{
    char text[64];
    struct stat st;

    (void)arg;
    assert_true(r->body_len <= LIMIT);
    bool good =
        memcmp(r->body, body, r->body_len) == 0 && r->body[r->body_len] == '\0';

    if (r->body_fd >= 0) {
        char first;

        assert_int_equal(fstat(r->body_fd, &st), 0);
        good = good && (size_t)st.st_size == r->body_len &&
               read(r->body_fd, &first, 1) == 1 && first == body[0];
    }
    snprintf(text, sizeof(text), "%s %zu", r->body_fd < 0 ? "memory" : "file",
             r->body_len);
    ws_reply_text(r, good ? 200 : 400, text);
}

static void form(ws_request *r, void *arg)
{
    (void)arg;
    const char *last = ws_param_get(ws_form(r), "last");

    ws_reply_text(r, r->body_fd >= 0 ? 200 : 400, last ? last : "none");
}

static const ws_route routes[] = {
    { .path = "/", .handler = look, .max_body_bytes = LIMIT },
    { .path = "/form", .handler = form, .max_body_bytes = LIMIT },
    { .path = "/small", .handler = look },
    { .path = "/tiny", .handler = look, .max_body_bytes = 10, .method = "PUT" },
    { .path = "/tiny",
      .handler = look,
      .max_body_bytes = 20,
      .method = "POST" },
    { 0 },
};

static int start_in(const char *folder)
{
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 31 % 251);
    l = serve((ws_server){ .routes = routes,
                           .max_body_bytes = 100,
                           .body_file_above = ABOVE,
                           .body_folder = folder });
    return 0;
}

static int start(void **state)
{
    (void)state;
    return start_in(NULL);
}

static int start_nowhere(void **state)
{
    (void)state;
    return start_in("/none-such");
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

/* More than a socket takes, while others run. */
static void say_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = -1;

        assert_true(ws_wait_fd(fd, POLLOUT, ws_after(PATIENCE_S * 1000)) >= 0);
        sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0)
            continue;
        p += sent;
        n -= (size_t)sent;
    }
}

static void begin(int fd, const char *path, const char *fields)
{
    char head[512];

    snprintf(head, sizeof(head), "POST %s HTTP/1.1" SERVED "%s\r\n", path,
             fields);
    say(fd, head);
}

static void begin_sized(int fd, const char *path, size_t n)
{
    char length[64];

    snprintf(length, sizeof(length), "Content-Length: %zu\r\n", n);
    begin(fd, path, length);
}

static void a_body_above_the_limit_of_memory_is_in_a_file(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *text;
    } rows[] = {
        { 1, "memory 1" },
        { ABOVE, "memory 10000" },
        { ABOVE + 1, "file 10001" },
        { LARGE, "file 1048576" }, /* whole pages */
        { LARGE + 1, "file 1048577" },
        { LIMIT, "file 2097152" },
        { ABOVE, "memory 10000" },
    };
    int fd = call(l);

    for (size_t i = 0; i < COUNT(rows); i++) {
        begin_sized(fd, "/", rows[i].n);
        say_all(fd, body, rows[i].n);
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, rows[i].text);
        assert_int_equal(a.status, 200);
    }
    close(fd);
}

static void one_in_chunks_moves_to_a_file_when_it_grows(void **state)
{
    (void)state;
    static const struct {
        size_t chunk, n;
        const char *text;
    } rows[] = {
        { 1000, 10, "memory 10000" }, { 1000, 11, "file 11000" },
        { 3000, 4, "file 12000" },    { 300000, 5, "file 1500000" },
        { 1, 9, "memory 9" },
    };
    int fd = call(l);

    for (size_t i = 0; i < COUNT(rows); i++) {
        char size[16];

        begin(fd, "/", "Transfer-Encoding: chunked\r\n");
        snprintf(size, sizeof(size), "%zx\r\n", rows[i].chunk);
        for (size_t c = 0; c < rows[i].n; c++) {
            say_all(fd, size, strlen(size));
            say_all(fd, body + c * rows[i].chunk, rows[i].chunk);
            say_all(fd, "\r\n", 2);
        }
        say_all(fd, "0\r\n\r\n", 5);
        assert_true(hear(fd, &a));
        assert_string_equal(a.body, rows[i].text);
        assert_int_equal(a.status, 200);
    }
    close(fd);
}

static void a_form_in_a_file_is_one(void **state)
{
    (void)state;
    int fd = call(l);
    char *text = malloc(LARGE);

    assert_non_null(text);
    memset(text, 'a', LARGE);
    memcpy(text + LARGE - 7, "&last=1", 7);
    begin(fd, "/form",
          "Content-Type: application/x-www-form-urlencoded\r\n"
          "Content-Length: 1048576\r\n");
    say_all(fd, text, LARGE);
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "1");
    free(text);
    close(fd);
}

static int post(const char *path, size_t n)
{
    int fd = call(l);

    begin_sized(fd, path, n);
    assert_true(hear(fd, &a));
    close(fd);
    return a.status;
}

/* Before any of it has come. */
static void a_route_has_a_limit_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(post("/", LIMIT + 1), 413);
    assert_int_equal(post("/small", 101), 413);
    assert_int_equal(post("/tiny", 21), 413);

    int fd = call(l);
    begin_sized(fd, "/tiny", 20);
    say_all(fd, body, 20);
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "memory 20");
    close(fd);
}

static void a_chunk_is_refused_by_its_size(void **state)
{
    (void)state;
    int fd = call(l);

    begin(fd, "/tiny", "Transfer-Encoding: chunked\r\n");
    say(fd, "14\r\n01234567890123456789\r\n1\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 413);
    assert_true(has_ended(fd));
    close(fd);
}

static void who_asks_first_is_told_before(void **state)
{
    (void)state;
    int fd = call(l);

    begin(fd, "/tiny", "Content-Length: 21\r\nExpect: 100-continue\r\n");
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 413);
    close(fd);
}

static void no_folder_is_500(void **state)
{
    (void)state;
    int fd = call(l);

    begin_sized(fd, "/", LARGE);
    say_all(fd, body, 1);
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 500);
    assert_string_equal(
        a.body, "Internal Server Error: the body cannot be kept in a file\n");
    close(fd);
    fd = call(l);
    begin_sized(fd, "/", 5);
    say_all(fd, body, 5);
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "memory 5");
    close(fd);
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;

    for (long n = 1; n < 30; n++) {
        int fd = call(l);

        begin_sized(fd, "/", ABOVE + 1);
        alloc_fail_at(n);
        say_all(fd, body, ABOVE + 1);
        bool heard = hear(fd, &a);
        alloc_fail_at(0);
        if (heard)
            assert_true(a.status == 200 || a.status == 500);
        close(fd);
    }
    assert_int_equal(post("/", LIMIT + 1), 413);
}

#define TEST(name, start) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_body_above_the_limit_of_memory_is_in_a_file, start),
        TEST(one_in_chunks_moves_to_a_file_when_it_grows, start),
        TEST(a_form_in_a_file_is_one, start),
        TEST(a_route_has_a_limit_of_its_own, start),
        TEST(a_chunk_is_refused_by_its_size, start),
        TEST(who_asks_first_is_told_before, start),
        TEST(no_folder_is_500, start_nowhere),
        TEST(every_failed_allocation_is_survived, start),
    };

    return run_in_mode("upload", tests, NULL, NULL);
}
