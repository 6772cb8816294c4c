/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

#include <silverback/fiber.h>
#include <silverback/http.h>
#include <silverback/stats.h>

#include "io/beneath.h"
#include "peer.h"
#include "proto/http_date.h"
#include "mode.h"

/*
 *  folder/secret.txt
 *  folder/root/index.html  page.html  large.bin  sub/index.html  bare/x.txt
 *  folder/root/.env  .git/config  .well-known/x.txt  nest/index.html/
 *  folder/root/inside -> sub  outside -> ..  secret -> ../secret.txt
 *  folder/root/pipe
 */
static char folder[] = "/tmp/file_test.XXXXXX";
static char root[128];
static ws_listener *l;
static struct answer a;

static const char large_part[64] = "large";
enum { LARGE = 150 * 1024 };

/* Long ago, so that nobody doubts it. */
static const struct timespec written[2] = { { .tv_sec = 784111777 },
                                            { .tv_sec = 784111777 } };
#define WRITTEN "Sun, 06 Nov 1994 08:49:37 GMT"

static void make(const char *name, const char *content, size_t times)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    while (times-- > 0)
        fwrite(content, 1, content == large_part ? 64 : strlen(content), f);
    fclose(f);
    assert_int_equal(utimensat(AT_FDCWD, path, written, 0), 0);
}

static void at(const char *name, char path[static 128])
{
    snprintf(path, 128, "%s/%s", folder, name);
}

static int make_tree(void **state)
{
    (void)state;
    static const char *const folders[] = {
        "root",
        "root/sub",
        "root/bare",
        "root/q?#",
        "root/?",
        "root/.git",
        "root/.well-known",
        "root/nest",
        "root/nest/index.html",
    };
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
    make("root/.env", "dot", 1);
    make("root/.git/config", "dot", 1);
    make("root/.well-known/x.txt", "known", 1);
    make("root/.well-known/.x", "dot", 1);
    make("root/sub/.x", "dot", 1);
    make("root/digits", "0123456789", 1);
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
                                         "root/digits",
                                         "root/.well-known/.x",
                                         "root/sub/.x",
                                         "root/.well-known/x.txt",
                                         "root/.git/config",
                                         "root/.env",
                                         "root/nest/index.html",
                                         "root/nest",
                                         "root/.well-known",
                                         "root/.git",
                                         "root/q?#",
                                         "root/?",
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

static void stripped(ws_request *r, void *arg)
{
    static const ws_header headers[] = { { "Cache-Control", "max-age=60" },
                                         { "content-type", "text/x-own" },
                                         { "ETag", "\"own\"" },
                                         { 0 } };
    const ws_file_options options = { .path = r->path + strlen("/static"),
                                      .headers = headers,
                                      .dotfiles = true };

    (void)arg;
    ws_reply_file_with(r, root, &options);
}

static void fixed(ws_request *r, void *arg)
{
    ws_reply_file_with(r, root, &(ws_file_options){ .path = arg });
}

static char page[] = "page.html", sub[] = "sub", outside[] = "../secret.txt";

static int start(void **state)
{
    (void)state;
    static const ws_route routes[] = {
        { .path = "/", .handler = files },
        { .path = "/static/", .handler = stripped },
        { .path = "/app/", .handler = fixed, .arg = page },
        { .path = "/sub-too", .handler = fixed, .arg = sub },
        { .path = "/sub-too/", .handler = fixed, .arg = sub },
        { .path = "/outside-too", .handler = fixed, .arg = outside },
        { 0 },
    };

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

/* RFC 9110, sections 13 and 8.8.3. */
static void conditions_are_heard(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value; /* %: the tag */
        int status;
    } rows[] = {
        { "If-None-Match", "%", 304 },
        { "If-None-Match", "\"x\", W/%", 304 },
        { "If-None-Match", "*", 304 },
        { "If-None-Match", "\"x\"", 200 },
        { "If-Match", "%", 200 },
        { "If-Match", "*", 200 },
        { "If-Match", "\"x\"", 412 },
        { "If-Match", "W/%", 412 },
        { "If-Unmodified-Since", WRITTEN, 200 },
        { "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT", 412 },
    };
    char tag[1024], fields[2048];

    assert_int_equal(get("/page.html", ""), 200);
    snprintf(tag, sizeof(tag), "%s", field_of(&a, "ETag"));
    assert_int_equal(tag[0], '"');
    assert_string_equal(field_of(&a, "Last-Modified"), WRITTEN);
    assert_string_equal(field_of(&a, "Accept-Ranges"), "bytes");
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t n = strcspn(rows[i].value, "%");
        const char *hole = rows[i].value[n] ? tag : "";

        snprintf(fields, sizeof(fields), "%s: %.*s%s\r\n", rows[i].name, (int)n,
                 rows[i].value, hole);
        assert_int_equal(get("/page.html", fields), rows[i].status);
        if (rows[i].status == 412)
            assert_null(field_of(&a, "ETag"));
        else
            assert_string_equal(field_of(&a, "ETag"), tag);
        if (rows[i].status == 304)
            assert_null(field_of(&a, "Content-Type"));
    }
    assert_int_equal(get("/digits", ""), 200);
    assert_string_not_equal(field_of(&a, "ETag"), tag);
}

/* RFC 9110, section 14. */
static void a_range_is_a_part_of_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        int status;
        const char *range; /* Content-Range */
        const char *body;
    } rows[] = {
        { "Range: bytes=2-4\r\n", 206, "bytes 2-4/10", "234" },
        { "Range: bytes=7-\r\n", 206, "bytes 7-9/10", "789" },
        { "Range: bytes=-2\r\n", 206, "bytes 8-9/10", "89" },
        { "Range: bytes=0-99\r\n", 206, "bytes 0-9/10", "0123456789" },
        { "Range: bytes=10-\r\n", 416, "bytes */10",
          "Range Not Satisfiable\n" },
        { "Range: bytes=1-2,4-5\r\n", 200, NULL, "0123456789" },
        { "Range: bytes=4-2\r\n", 200, NULL, "0123456789" },
        { "Range: lines=1-2\r\n", 200, NULL, "0123456789" },
        { "Range: bytes=2-4\r\nIf-Range: " WRITTEN "\r\n", 206, "bytes 2-4/10",
          "234" },
        { "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n", 200, NULL, "0123456789" },
        { "Range: bytes=2-4\r\nIf-Match: \"x\"\r\n", 412, NULL,
          "Precondition Failed\n" },
        { "Range: bytes=99-\r\nIf-None-Match: *\r\n", 304, NULL, "" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(get("/digits", rows[i].fields), rows[i].status);
        assert_string_equal(a.body, rows[i].body);
        if (rows[i].range)
            assert_string_equal(field_of(&a, "Content-Range"), rows[i].range);
        else
            assert_null(field_of(&a, "Content-Range"));
    }
    assert_int_equal(get("/empty", "Range: bytes=0-\r\n"), 200);
}

/* Across the pieces that it is read in. */
static void a_range_of_a_large_file_comes_whole(void **state)
{
    (void)state;
    enum { FROM = 64 * 1000, LEN = 64 * 1100 };
    char fields[64];

    snprintf(fields, sizeof(fields), "Range: bytes=%d-%d\r\n", FROM,
             FROM + LEN - 1);
    assert_int_equal(get("/large.bin", fields), 206);
    assert_int_equal(a.len, LEN);
    for (size_t i = 0; i < LEN; i += 64)
        assert_memory_equal(a.body + i, large_part, 64);
}

static void head_has_no_ranges(void **state)
{
    (void)state;
    ask(l, "HEAD /digits HTTP/1.1" SERVED "Range: bytes=1-2\r\n\r\n", &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(field_of(&a, "Content-Length"), "10");
}

/* Another content may come within the second. */
static void what_is_new_has_a_weak_tag(void **state)
{
    (void)state;
    const struct timespec now[2] = { { .tv_sec = time(NULL) + 60 },
                                     { .tv_sec = time(NULL) + 60 } };
    char path[128], fields[2048], date[1024];

    at("root/digits", path);
    assert_int_equal(utimensat(AT_FDCWD, path, now, 0), 0);
    assert_int_equal(get("/digits", ""), 200);
    assert_int_equal(strncmp(field_of(&a, "ETag"), "W/\"", 3), 0);
    snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n",
             field_of(&a, "ETag"));
    snprintf(date, sizeof(date), "%s", field_of(&a, "Last-Modified"));
    assert_int_equal(get("/digits", fields), 304);
    snprintf(fields, sizeof(fields), "Range: bytes=1-2\r\nIf-Range: %s\r\n",
             date);
    assert_int_equal(get("/digits", fields), 200);
    int64_t modified;
    assert_true(ws__http_date_parse(date, &modified));
    assert_true(modified <= (int64_t)time(NULL)); /* 8.8.2.1 */
    assert_int_equal(utimensat(AT_FDCWD, path, written, 0), 0);
}

static void dotfiles_are_not_there(void **state)
{
    (void)state;
    static const char *const hidden[] = {
        "/.env",  "/.git/config",           "/%2egit/config",
        "//.env", "/.well-known/.x",        "/.git",
        "/.git/", "/sub/.well-known/x.txt", "/sub/.x"
    };

    for (size_t i = 0; i < COUNT(hidden); i++)
        assert_int_equal(get(hidden[i], ""), 404);
    assert_int_equal(get("/.well-known/x.txt", ""), 200);
    assert_string_equal(a.body, "known");
    assert_int_equal(get("/static/.env", ""), 200);
    assert_string_equal(a.body, "dot");
}

static void options_name_the_file_and_add_fields(void **state)
{
    (void)state;
    assert_int_equal(get("/static/page.html", ""), 200);
    assert_string_equal(a.body, "page");
    assert_string_equal(field_of(&a, "Cache-Control"), "max-age=60");
    assert_string_equal(field_of(&a, "content-type"), "text/x-own");
    assert_null(field_of(&a, "Content-Type"));
    assert_string_equal(field_of(&a, "ETag"), "\"own\"");
    assert_string_equal(field_of(&a, "Last-Modified"), WRITTEN);

    assert_int_equal(get("/static/page.html", "If-None-Match: \"own\"\r\n"),
                     304);
    assert_string_equal(field_of(&a, "Cache-Control"), "max-age=60");
    assert_int_equal(
        get("/static/page.html", "If-Range: \"own\"\r\nRange: bytes=1-\r\n"),
        206);
    assert_string_equal(field_of(&a, "Cache-Control"), "max-age=60");
    assert_string_equal(a.body, "age");
    assert_int_equal(get("/static/none", ""), 404);
    assert_null(field_of(&a, "Cache-Control"));

    assert_int_equal(get("/static/", ""), 200);
    assert_string_equal(a.body, "index");
    assert_int_equal(get("/static/sub", ""), 301);
    assert_string_equal(field_of(&a, "Location"), "/static/sub/");
    assert_int_equal(get("/static/../secret.txt", ""), 404);
}

static void a_path_of_the_callers_is_served_wherever_it_is_asked_for(
    void **state)
{
    (void)state;
    assert_int_equal(get("/app/", ""), 200);
    assert_string_equal(a.body, "page");
    assert_int_equal(get("/app/users/1", ""), 200);
    assert_string_equal(a.body, "page");
    assert_int_equal(get("/sub-too", ""), 301);
    assert_string_equal(field_of(&a, "Location"), "/sub-too/");
    assert_int_equal(get("/sub-too/", ""), 200);
    assert_string_equal(a.body, "sub");
    assert_string_equal(field_of(&a, "Content-Type"),
                        "text/html; charset=utf-8");
    assert_int_equal(get("/outside-too", ""), 404);
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
    static const char *const targets[] = { "/none",  "/page.html/",  "/pipe",
                                           "/bare/", "/page.html/x", "/nest/" };
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
        { "/%3f?a=b", "/%3F/?a=b" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(get(rows[i][0], ""), 301);
        assert_string_equal(field_of(&a, "Location"), rows[i][1]);
    }
}

/* Once the head has gone, what is missing is learned from the connection alone. */
static void a_file_that_becomes_shorter_ends_the_connection(void **state)
{
    (void)state;
    enum { SIZE = 32 << 20 }; /* more than is ever on its way */
    static char bytes[64 * 1024];
    char path[128];
    ssize_t n;
    size_t all = 0;

    make("root/shrinks", "", 1);
    at("root/shrinks", path);
    assert_int_equal(truncate(path, SIZE), 0);
    int fd = call(l);
    say(fd, "GET /shrinks HTTP/1.1" SERVED "\r\n");
    assert_true(hear_head(fd, &a));
    assert_int_equal(a.status, 200);
    assert_int_equal(truncate(path, 0), 0);
    while ((n = hear_some(fd, bytes, sizeof(bytes))) > 0)
        all += (size_t)n;
    assert_int_equal(n, 0);
    assert_true(all < SIZE);
    close(fd);
    assert_int_equal(remove(path), 0);
}

static atomic_ullong told_bytes;

static void note(const ws_access *ac, void *arg)
{
    ws_event_set(arg);
    atomic_store(&told_bytes, ac->bytes);
}

static void all_of_a_large_file_is_told_of(void **state)
{
    (void)state;
    static const ws_route all[] = { { .path = "/", .handler = files }, { 0 } };
    ws_event told = { { NULL } };
    ws_listener *other = serve(
        (ws_server){ .routes = all, .access = note, .access_arg = &told });

    assert_int_equal(ask(other, "GET /large.bin HTTP/1.1" SERVED "\r\n", &a),
                     200);
    assert_int_equal(ws_event_wait(&told, ws_after(PATIENCE_S * 1000)), 0);
    assert_int_equal(ws_listener_shutdown(other, ws_after(PATIENCE_S * 1000)),
                     0);
    assert_int_equal(atomic_load(&told_bytes), LARGE);
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
        TEST(conditions_are_heard),
        TEST(a_range_is_a_part_of_the_file),
        TEST(a_range_of_a_large_file_comes_whole),
        TEST(head_has_no_ranges),
        TEST(what_is_new_has_a_weak_tag),
        TEST(dotfiles_are_not_there),
        TEST(options_name_the_file_and_add_fields),
        TEST(a_path_of_the_callers_is_served_wherever_it_is_asked_for),
        TEST(nothing_leads_out_of_root),
        TEST(what_is_no_file_is_404),
        TEST(a_folder_is_redirected_to_its_slash),
        TEST(a_file_that_becomes_shorter_ends_the_connection),
        TEST(all_of_a_large_file_is_told_of),
        TEST(other_methods_are_405),
        TEST(steps_lead_to_files_and_never_through_links),
        TEST(a_link_that_stays_inside_is_followed),
    };

    return run_in_mode("file", tests, make_tree, remove_tree);
}
