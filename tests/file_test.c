/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <silverback/http.h>

#include "io/beneath.h"
#include "peer.h"
#include "proto/http_date.h"
#include "mode.h"

/*
 *  folder/secret.txt
 *  folder/root/index.html  page.html  large.bin  sub/index.html  bare/x.txt
 *  folder/root/inside -> sub  outside -> ..  secret -> ../secret.txt
 *  folder/root/pipe
 */
static char folder[] = "/tmp/file_test.XXXXXX";
static char root[128];
static ws_listener *l;
static struct answer a;

static const char large_part[64] = "large";
enum { LARGE = 150 * 1024 };

static void make(const char *name, const char *content, size_t times)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    while (times-- > 0)
        fwrite(content, 1, content == large_part ? 64 : strlen(content), f);
    fclose(f);
}

static void at(const char *name, char path[static 128])
{
    snprintf(path, 128, "%s/%s", folder, name);
}

static int make_tree(void **state)
{
    (void)state;
    static const char *const folders[] = { "root", "root/sub", "root/bare",
                                           "root/q?#" };
    static const char *const links[][2] = { { "sub", "root/inside" },
                                            { "..", "root/outside" },
                                            { "../secret.txt",
                                              "root/secret" } };
    char path[128];

    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < COUNT(folders); i++) {
        at(folders[i], path);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    make("secret.txt", "secret", 1);
    make("root/index.html", "index", 1);
    make("root/page.html", "page", 1);
    make("root/empty", "", 1);
    make("root/a b%.txt", "blank", 1);
    make("root/back\\slash", "back", 1);
    make("root/large.bin", large_part, LARGE / 64);
    make("root/sub/index.html", "sub", 1);
    make("root/bare/x.txt", "x", 1);
    for (size_t i = 0; i < COUNT(links); i++) {
        at(links[i][1], path);
        assert_int_equal(symlink(links[i][0], path), 0);
    }
    at("root/pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    at("root", root);
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    static const char *const names[] = { "root/pipe",
                                         "root/secret",
                                         "root/outside",
                                         "root/inside",
                                         "root/bare/x.txt",
                                         "root/sub/index.html",
                                         "root/large.bin",
                                         "root/back\\slash",
                                         "root/a b%.txt",
                                         "root/empty",
                                         "root/page.html",
                                         "root/index.html",
                                         "secret.txt",
                                         "root/q?#",
                                         "root/bare",
                                         "root/sub",
                                         "root",
                                         "" };
    char path[128];

    for (size_t i = 0; i < COUNT(names); i++) {
        at(names[i], path);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

static void files(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_file(r, root);
}

static int start(void **state)
{
    (void)state;
    static const ws_route routes[] = { { .path = "/", .handler = files },
                                       { 0 } };

    l = serve((ws_server){ .routes = routes });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
}

static int get(const char *target, const char *fields)
{
    char request[4096];

    snprintf(request, sizeof(request), "GET %s HTTP/1.1" SERVED "%s\r\n",
             target, fields);
    return ask(l, request, &a);
}

static void a_file_is_served_with_its_type(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *type;
        const char *body;
    } rows[] = {
        { "/page.html", "text/html; charset=utf-8", "page" },
        { "/", "text/html; charset=utf-8", "index" },
        { "/sub/", "text/html; charset=utf-8", "sub" },
        { "/bare/x.txt?v=1", "text/plain; charset=utf-8", "x" },
        { "/a%20b%25.txt", "text/plain; charset=utf-8", "blank" },
        { "/back\\slash", "application/octet-stream", "back" },
        { "/empty", "application/octet-stream", "" },
        { "//page.html", "text/html; charset=utf-8", "page" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(get(rows[i].target, ""), 200);
        assert_string_equal(field_of(&a, "Content-Type"), rows[i].type);
        assert_string_equal(a.body, rows[i].body);
    }
}

static void a_large_file_comes_whole(void **state)
{
    (void)state;
    assert_int_equal(get("/large.bin", ""), 200);
    assert_int_equal(a.len, LARGE);
    for (size_t i = 0; i < LARGE; i += 64)
        assert_memory_equal(a.body + i, large_part, 64);
}

static void head_has_the_same_fields_and_no_body(void **state)
{
    (void)state;
    int fd = call(l);

    say(fd, "HEAD /large.bin HTTP/1.1" SERVED "\r\n"
            "GET /page.html HTTP/1.1" SERVED "\r\n");
    assert_true(hear_as(fd, &a, true));
    assert_int_equal(a.status, 200);
    assert_string_equal(field_of(&a, "Content-Length"), "153600");
    assert_non_null(field_of(&a, "Last-Modified"));
    assert_true(hear(fd, &a));
    assert_string_equal(a.body, "page");
    close(fd);
}

static void what_is_unchanged_is_304(void **state)
{
    (void)state;
    static const struct {
        const char *fields; /* %s: Last-Modified */
        int status;
    } rows[] = {
        { "If-Modified-Since: %s\r\n", 304 },
        { "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT\r\n", 304 },
        { "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 200 },
        { "If-Modified-Since: yesterday\r\n", 200 },
        /* RFC 9110, 13.1.3 */
        { "If-None-Match: \"x\"\r\nIf-Modified-Since: %s\r\n", 200 },
    };
    char modified[1024], fields[2048];

    get("/page.html", "");
    snprintf(modified, sizeof(modified), "%s", field_of(&a, "Last-Modified"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *hole = strstr(rows[i].fields, "%s");
        size_t n =
            hole ? (size_t)(hole - rows[i].fields) : strlen(rows[i].fields);

        snprintf(fields, sizeof(fields), "%.*s%s%s", (int)n, rows[i].fields,
                 hole ? modified : "", hole ? hole + 2 : "");
        assert_int_equal(get("/page.html", fields), rows[i].status);
    }
    get("/page.html", "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT\r\n");
    assert_null(field_of(&a, "Content-Length"));
    assert_string_equal(field_of(&a, "Last-Modified"), modified);
}

static void nothing_leads_out_of_root(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/../secret.txt",
        "/sub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/....//secret.txt",
        "//../secret.txt",
        "/secret",
        "/outside/secret.txt",
        "/outside/root/page.html",
        "/inside/../../secret.txt",
        "/./../secret.txt",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
    };

    for (size_t i = 0; i < COUNT(targets); i++) {
        assert_int_equal(get(targets[i], ""), 404);
        assert_null(strstr(a.body, "secret"));
    }
    assert_int_equal(get("/a%00.html", ""), 400);
}

static void what_is_no_file_is_404(void **state)
{
    (void)state;
    static const char *const targets[] = { "/none", "/page.html/", "/pipe",
                                           "/bare/", "/page.html/x" };
    static char request[1024] = "GET /";

    for (size_t i = 0; i < COUNT(targets); i++)
        assert_int_equal(get(targets[i], ""), 404);
    memset(request + 5, 'n', 400);
    snprintf(request + 405, 64, " HTTP/1.1" SERVED "\r\n");
    assert_int_equal(ask(l, request, &a), 404);
}

/* Never to another host, whatever the target was. */
static void a_folder_is_redirected_to_its_slash(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "/sub", "/sub/" },
        { "/sub?a=b", "/sub/?a=b" },
        { "//evil.example/..%2fsub", "/sub/" },
        { "//sub", "/sub/" },
        { "/q%3f%23", "/q%3F%23/" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(get(rows[i][0], ""), 301);
        assert_string_equal(field_of(&a, "Location"), rows[i][1]);
    }
}

static void other_methods_are_405(void **state)
{
    (void)state;
    assert_int_equal(ask(l, "DELETE /page.html HTTP/1.1" SERVED "\r\n", &a),
                     405);
    assert_string_equal(field_of(&a, "Allow"), "GET, HEAD");
}

/* Opened at each step by hand, where the kernel cannot do it. */
static void steps_lead_to_files_and_never_through_links(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int error;
    } rows[] = {
        { "page.html", 0 },
        { "/sub//index.html", 0 },
        { "sub", 0 },
        { "", 0 },
        { "./sub/./index.html", 0 },
        { "../secret.txt", -EXDEV },
        { "sub/../../secret.txt", -EXDEV },
        { "sub/..", -EXDEV },
        { "secret", -ELOOP },
        { "outside/secret.txt", -ENOTDIR },
        { "inside/index.html", -ENOTDIR },
        { "none/x", -ENOENT },
        { "page.html/", -ENOTDIR },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = ws__open_by_steps(root, rows[i].path);

        if (rows[i].error == 0)
            assert_int_equal(close(fd), 0);
        else
            assert_int_equal(fd, rows[i].error);
    }
    assert_int_equal(ws__open_by_steps("/none-such", "x"), -ENOENT);
    assert_int_equal(ws__open_beneath("/none-such", "x"), -ENOENT);
    assert_int_equal(ws__open_beneath(root, "../secret.txt"), -EXDEV);
}

static void a_link_that_stays_inside_is_followed(void **state)
{
    (void)state;
    int fd = ws__open_beneath(root, "inside/index.html");

    /* Or refused, by a kernel that cannot open beneath a folder. */
    if (fd >= 0)
        close(fd);
    else
        assert_int_equal(fd, -ENOTDIR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_served_with_its_type),
        TEST(a_large_file_comes_whole),
        TEST(head_has_the_same_fields_and_no_body),
        TEST(what_is_unchanged_is_304),
        TEST(nothing_leads_out_of_root),
        TEST(what_is_no_file_is_404),
        TEST(a_folder_is_redirected_to_its_slash),
        TEST(other_methods_are_405),
        TEST(steps_lead_to_files_and_never_through_links),
        TEST(a_link_that_stays_inside_is_followed),
    };

    return run_in_mode("file", tests, make_tree, remove_tree);
}
