/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "alloc_fail.h"
#include "redis/url.h"

/* kind, TLS, hosts, master, user, password and database in one line. */
static void write_url(char *out, size_t cap, const struct ws__redis_url *u)
{
    static const char *const kinds[] = { "server", "sentinel", "cluster" };
    char host[WS__REDIS_HOST_LEN];
    int n = snprintf(out, cap, "%s%s", kinds[u->kind], u->tls ? " tls" : "");

    for (size_t i = 0; i < u->n; i++)
        n += snprintf(out + n, cap - (size_t)n, " %s",
                      ws__redis_host_text(host, &u->hosts[i]));
    snprintf(out + n, cap - (size_t)n, "%s%s%s%s%s%s db=%d",
             u->master ? " master=" : "", u->master ? u->master : "",
             u->user ? " user=" : "", u->user ? u->user : "",
             u->password ? " password=" : "", u->password ? u->password : "",
             u->db);
}

static const struct {
    const char *url;
    const char *parts;
} good[] = {
    { "redis://localhost", "server localhost:6379 db=0" },
    { "REDIS://h/", "server h:6379 db=0" },
    { "redis://h:7000/3", "server h:7000 db=3" },
    { "redis://[::1]:7000/3", "server [::1]:7000 db=3" },
    { "redis://[fe80::1%25eth0]", "server [fe80::1%eth0]:6379 db=0" },
    { "redis://:secret@h", "server h:6379 password=secret db=0" },
    { "redis://me:s%40%3ae@h", "server h:6379 user=me password=s@:e db=0" },
    { "redis://me@h", "server h:6379 user=me password= db=0" },
    { "rediss://h", "server tls h:6379 db=0" },
    { "redis+unix:/run/redis.sock", "server /run/redis.sock db=0" },
    { "redis+unix:/a%20b?db=5", "server /a b db=5" },
    { "redis+unix:@name", "server @name db=0" },
    { "redis+unix:///run/r", "server /run/r db=0" },
    { "redis+unix://me:pw@/run/r?db=1",
      "server /run/r user=me password=pw db=1" },
    { "redis+sentinel://a,b:1,[::1]/mymaster",
      "sentinel a:26379 b:1 [::1]:26379 master=mymaster db=0" },
    { "rediss+sentinel://me:pw@a,b/my%2dm/2",
      "sentinel tls a:26379 b:26379 master=my-m user=me password=pw db=2" },
    { "redis+cluster://a,b:7001", "cluster a:6379 b:7001 db=0" },
    { "rediss+cluster://:pw@a/0", "cluster tls a:6379 password=pw db=0" },
};

static void parts_are_as_they_were_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct ws__redis_url u;
        ws_error err = { 0 };
        char out[512];

        if (ws__redis_url_parse(&u, good[i].url, &err) != 0)
            fail_msg("%s: %s", good[i].url, err.text);
        write_url(out, sizeof(out), &u);
        assert_string_equal(out, good[i].parts);
        ws__redis_url_fini(&u);
        assert_int_equal(alloc_live(), 0);
    }
}

static const struct {
    const char *url;
    const char *said;
} bad[] = {
    { NULL, "the scheme is none of" },
    { "", "the scheme is none of" },
    { "localhost", "the scheme is none of" },
    { "redis", "the scheme is none of" },
    { "http://h", "the scheme is none of" },
    { "redis:h", "no \"://\"" },
    { "redis:/h", "no \"://\"" },
    { "redis://", "no host" },
    { "redis:///1", "no host" },
    { "redis://h:0", "a port that is not" },
    { "redis://h:70000", "not a host and a port" },
    { "redis://h:x", "not a host and a port" },
    { "redis://a,b", "too many hosts" },
    { "redis://h/x", "a database that is not a number" },
    { "redis://h/-1", "a database that is not a number" },
    { "redis://h/1/2", "a database that is not a number" },
    { "redis://h/99999999999", "a database that is not a number" },
    { "redis://h?db=1", "a query" },
    { "redis://h/1?x", "a query" },
    { "redis://h/1#x", "a fragment" },
    { "redis://a b", "a space" },
    { "redis://u%zz:p@h", "a malformed escape in the user" },
    { "redis://u:p%00@h", "a control byte in the user" },
    { "redis+unix:", "no path of a socket" },
    { "redis+unix:?db=1", "no path of a socket" },
    { "redis+unix://nobody", "no path behind" },
    { "redis+unix:/a?db=x", "a database that is not a number" },
    { "redis+unix:/a?db=", "a query other than" },
    { "redis+unix:/a?dc=1", "a query other than" },
    { "redis+unix:/a%zz", "a malformed escape" },
    { "redis+unix:/a%00b", "a malformed escape" },
    { "redis+sentinel://a", "no master's name" },
    { "redis+sentinel://a/", "no master's name" },
    { "redis+sentinel://a,/m", "no host" },
    { "redis+sentinel://a,,b/m", "no host" },
    { "redis+cluster://a/1", "the database 0 only" },
};

static void what_is_malformed_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct ws__redis_url u;
        ws_error err = { 0 };

        assert_int_equal(ws__redis_url_parse(&u, bad[i].url, &err), WS_ERR_URL);
        if (!strstr(err.text, bad[i].said))
            fail_msg("%s: %s", bad[i].url, err.text);
        assert_int_equal(alloc_live(), 0);
    }
}

static void what_has_no_room_is_refused(void **state)
{
    static const char *const begins[] = {
        "redis://", "redis+unix:/", "redis+unix://u:", "redis+sentinel://a,"
    };
    char url[1200];

    (void)state;
    for (size_t i = 0; i < COUNT(begins); i++) {
        struct ws__redis_url u;

        snprintf(url, sizeof(url), "%s%01000d@/m", begins[i], 0);
        assert_int_equal(ws__redis_url_parse(&u, url, NULL), WS_ERR_URL);
        snprintf(url, sizeof(url), "%s%01000d/m", begins[i], 0);
        assert_int_equal(ws__redis_url_parse(&u, url, NULL), WS_ERR_URL);
    }
    assert_int_equal(alloc_live(), 0);
}

static void a_host_may_have_255_bytes(void **state)
{
    char url[300];
    struct ws__redis_url u;

    (void)state;
    snprintf(url, sizeof(url), "redis://%0255d", 0);
    assert_int_equal(ws__redis_url_parse(&u, url, NULL), 0);
    assert_int_equal(strlen(u.hosts[0].name), 255);
    ws__redis_url_fini(&u);
    snprintf(url, sizeof(url), "redis://%0256d", 0);
    assert_int_equal(ws__redis_url_parse(&u, url, NULL), WS_ERR_URL);
}

static void no_more_hosts_than_64(void **state)
{
    char url[256] = "redis+cluster://a";
    struct ws__redis_url u;

    (void)state;
    for (int i = 1; i < 64; i++)
        strcat(url, ",b");
    assert_int_equal(ws__redis_url_parse(&u, url, NULL), 0);
    assert_int_equal(u.n, 64);
    ws__redis_url_fini(&u);
    strcat(url, ",b");
    assert_int_equal(ws__redis_url_parse(&u, url, NULL), WS_ERR_URL);
}

static void nobody_reads_a_password_in_an_error(void **state)
{
    static const char *const urls[] = {
        "redis://me:secret@h:x",          "redis://me:secret@h/x",
        "redis://me:secret@a,b",          "http://me:secret@h",
        "redis+unix://me:secret@/a?x",    "redis+unix://me:secret%zz@/a",
        "redis+unix://me:secret",         "redis+sentinel://me:secret@a,b",
        "redis+cluster://me:secret@a,:/", "redis+cluster://me:secret@a@b",
        "redis://:secret/word@h",         "redis://me:secret?word@h",
        "redis+cluster://me:secret#@h",   "redis+sentinel://me:secret/@h/m",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct ws__redis_url u;
        ws_error err = { 0 };

        assert_int_equal(ws__redis_url_parse(&u, urls[i], &err), WS_ERR_URL);
        if (strstr(err.text, "secret"))
            fail_msg("%s", err.text);
    }
}

static void every_failed_allocation_is_survived(void **state)
{
    static const char *const urls[] = { "redis://me:pw@h/1",
                                        "redis+unix://me:pw@/a",
                                        "redis+sentinel://me:pw@a,b/m" };

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        bool failed = true;

        for (long at = 1; failed; at++) {
            struct ws__redis_url u;

            alloc_fail_at(at);
            int r = ws__redis_url_parse(&u, urls[i], NULL);
            failed = alloc_failed();
            alloc_fail_at(0);
            assert_int_equal(r, failed ? -ENOMEM : 0);
            ws__redis_url_fini(&u);
            assert_int_equal(alloc_live(), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_as_they_were_written),
        cmocka_unit_test(what_is_malformed_is_named),
        cmocka_unit_test(what_has_no_room_is_refused),
        cmocka_unit_test(a_host_may_have_255_bytes),
        cmocka_unit_test(no_more_hosts_than_64),
        cmocka_unit_test(nobody_reads_a_password_in_an_error),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };

    alloc_fail_install();
    return cmocka_run_group_tests_name("redis_url", tests, NULL, NULL);
}
