/* SPDX-License-Identifier: MIT */

/* What one address may have of a listener. */

#include "peer.h"

#include <stdatomic.h>

#include <silverback.h>

#include "alloc_fail.h"
#include "certs.h"
#include "fiber/sched.h"
#include "http/limits.h"
#include "mode.h"
#include "server/welcome.h"
#include "test.h"

enum { PATIENCE_MS = PATIENCE_S * 1000, MIB = 1024 * 1024 };

/* ---- The table ---------------------------------------------------------- */

static struct ws__limits *limits;
static int64_t base; /* what is counted from */

static void begin(size_t connections, int rate, int burst)
{
    const ws_server s = { .max_connections_per_address = connections,
                          .connect_rate_per_address = rate,
                          .connect_burst_per_address = burst,
                          .max_connections = 100 };

    base = ws_now();
    assert_int_equal(ws__limits_new(&limits, &s), 0);
    assert_non_null(limits);
}

static void end(void)
{
    ws__limits_unref(limits);
    limits = NULL;
}

static struct ws__limits_refusal refusal;

static struct ws__share *enter_ip(const struct ws__ip *ip, int64_t at)
{
    return ws__limits_enter(limits, ip, base + at, &refusal);
}

static struct ws__share *enter(const char *text, int64_t at)
{
    struct ws__ip ip;

    assert_true(ws__ip_parse(&ip, ws__str(text)));
    return enter_ip(&ip, at);
}

static void without_limits_there_is_no_table(void **state)
{
    (void)state;
    const ws_server none = { .max_connections = 100 };

    assert_int_equal(ws__limits_new(&limits, &none), 0);
    assert_null(limits);
    assert_null(enter("192.0.2.1", 0));
    assert_null(refusal.why);
    end();
}

static void an_address_has_so_many_connections(void **state)
{
    (void)state;
    begin(2, 0, 0);
    struct ws__share *a = enter("192.0.2.1", 0), *b = enter("192.0.2.1", 0);

    assert_non_null(a);
    assert_ptr_equal(a, b);
    assert_null(enter("192.0.2.1", 0));
    assert_non_null(strstr(refusal.why, "too many connections"));
    assert_true(refusal.retry_after_s > 0);
    assert_null(enter("::ffff:192.0.2.1", 0)); /* the same */

    struct ws__share *c = enter("192.0.2.2", 0);
    assert_non_null(c);
    ws__share_leave(a);
    a = enter("192.0.2.1", 0);
    assert_non_null(a);
    assert_null(enter("192.0.2.1", 0));
    ws__share_leave(a);
    ws__share_leave(b);
    ws__share_leave(c);
    end();
}

static void a_network_of_ipv6_is_one_address(void **state)
{
    (void)state;
    begin(1, 0, 0);
    struct ws__share *a = enter("2001:db8:0:1::1", 0);

    assert_non_null(a);
    assert_null(enter("2001:db8:0:1:ffff::2", 0));
    struct ws__share *b = enter("2001:db8:0:2::1", 0);
    assert_non_null(b);
    struct ws__share *c = enter("0:0:c000:201::", 0),
                     *d = enter("192.0.2.1", 0);
    assert_non_null(c); /* whose bits are the same */
    assert_non_null(d);
    ws__share_leave(a);
    ws__share_leave(b);
    ws__share_leave(c);
    ws__share_leave(d);
    end();
}

static bool may_connect(int64_t at)
{
    struct ws__share *s = enter("192.0.2.1", at);

    ws__share_leave(s);
    return s != NULL;
}

static void new_connections_are_counted_by_the_second(void **state)
{
    (void)state;
    begin(0, 2, 3);
    for (int i = 0; i < 3; i++)
        assert_true(may_connect(0));
    assert_false(may_connect(0));
    assert_non_null(strstr(refusal.why, "too fast"));
    assert_int_equal(refusal.retry_after_s, 1);
    assert_false(may_connect(499)); /* that it ended gives nothing back */
    assert_true(may_connect(500));
    assert_false(may_connect(500));
    assert_true(may_connect(1000));
    assert_true(may_connect(60 * 1000)); /* the burst, and no more */
    assert_true(may_connect(60 * 1000));
    assert_true(may_connect(60 * 1000));
    assert_false(may_connect(60 * 1000));
    end();
}

static void the_burst_is_a_seconds_unless_given(void **state)
{
    (void)state;
    begin(0, 5, 0);
    for (int i = 0; i < 5; i++)
        assert_true(may_connect(0));
    assert_false(may_connect(0));
    end();
    begin(0, 1, 1);
    assert_true(may_connect(0));
    assert_false(may_connect(999));
    assert_true(may_connect(1000));
    end();
}

static void loopback_has_no_limits(void **state)
{
    (void)state;
    begin(1, 1, 1);
    for (int i = 0; i < 3; i++) {
        assert_null(enter("127.0.0.1", 0));
        assert_null(refusal.why);
        assert_null(enter("::1", 0));
        assert_null(refusal.why);
    }
    end();
}

static void each_address_is_found_again(void **state)
{
    (void)state;
    enum { ALL = 3000 };
    static struct ws__share *all[ALL];
    struct ws__ip ip = { .bytes = { 198, 51 }, .n = 4 };

    begin(1, 0, 0);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < ALL; i++) {
            ip.bytes[2] = (uint8_t)(i >> 8);
            ip.bytes[3] = (uint8_t)i;
            struct ws__share *s = enter_ip(&ip, 0);
            assert_int_equal(s != NULL, round == 0);
            all[i] = round == 0 ? s : all[i];
        }
    for (int i = 0; i < ALL; i++)
        ws__share_leave(all[i]);
    end();
}

/* What is remembered of who has left. */
static void an_address_is_forgotten_once_it_has_its_burst_again(void **state)
{
    (void)state;
    long before = alloc_live();

    begin(1, 0, 0);
    long empty = alloc_live();
    ws__share_leave(enter("192.0.2.1", 0));
    assert_int_equal(alloc_live(), empty); /* there is nothing to remember */
    end();

    begin(0, 1, 1);
    ws__share_leave(enter("192.0.2.1", PATIENCE_MS));
    ws__share_leave(enter("192.0.2.2", PATIENCE_MS));
    assert_int_equal(alloc_live(), empty + 2);
    ws__share_leave(enter("192.0.2.3", PATIENCE_MS + 1000));
    assert_int_equal(alloc_live(), empty + 1);
    end();
    assert_int_equal(alloc_live(), before);
}

static void ever_new_addresses_take_no_more_memory(void **state)
{
    (void)state;
    struct ws__ip ip = { .bytes = { 0x20, 1, 0xd, 0xb8 }, .n = 16 };
    long before = alloc_live();

    begin(0, 1, 1);
    for (int i = 0; i < WS__LIMITS_IDLE + 1000; i++) {
        ip.bytes[5] = (uint8_t)(i >> 16);
        ip.bytes[6] = (uint8_t)(i >> 8);
        ip.bytes[7] = (uint8_t)i;
        struct ws__share *s = enter_ip(&ip, PATIENCE_MS);
        assert_non_null(s);
        ws__share_leave(s);
    }
    assert_int_equal(alloc_live() - before, 1 + WS__LIMITS_IDLE);
    assert_null(enter_ip(&ip, PATIENCE_MS)); /* the latest are known */
    end();
    assert_int_equal(alloc_live(), before);
}

static void connections_may_outlive_the_listener(void **state)
{
    (void)state;
    long before = alloc_live();

    begin(2, 1, 2);
    struct ws__share *a = enter("192.0.2.1", 0), *b = enter("192.0.2.1", 0);
    end();
    ws__share_leave(a);
    ws__share_leave(b);
    assert_int_equal(alloc_live(), before);
}

static void without_memory_nobody_enters(void **state)
{
    (void)state;
    const ws_server s = { .max_connections_per_address = 1,
                          .max_connections = 100 };

    alloc_fail_at(1);
    assert_int_not_equal(ws__limits_new(&limits, &s), 0);
    alloc_fail_at(0);
    assert_null(limits);
    begin(1, 0, 0);
    alloc_fail_at(1);
    assert_null(enter("192.0.2.1", 0));
    alloc_fail_at(0);
    assert_string_equal(refusal.why, "out of memory");
    end();
}

static void come_and_go(void *arg)
{
    struct ws__ip ip = { .bytes = { 192, 0, 2, 1 }, .n = 4 };
    struct ws__limits_refusal r;

    (void)arg;
    for (int i = 0; i < rounds(2000); i++) {
        ip.bytes[3] = (uint8_t)(i % 3);
        ws__share_leave(ws__limits_enter(limits, &ip, base, &r));
        if (i % 16 == 0)
            ws_yield();
    }
}

static void many_come_and_go_at_once(void **state)
{
    (void)state;
    ws_fiber *f[4];

    begin(2, 0, 0);
    for (size_t i = 0; i < COUNT(f); i++)
        f[i] = mode_go(come_and_go, NULL);
    for (size_t i = 0; i < COUNT(f); i++)
        ws_join(f[i]);
    struct ws__share *one = enter("192.0.2.0", 0); /* nobody is counted */
    struct ws__share *two = enter("192.0.2.0", 0);
    assert_non_null(one);
    assert_non_null(two);
    assert_null(enter("192.0.2.0", 0));
    ws__share_leave(one);
    ws__share_leave(two);
    end();
}

/* ---- A server ----------------------------------------------------------- */

static struct answer a;
static ws_event ended;
static atomic_int end_code;

static void ok(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "ok");
}

static void hold(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(NULL, r, NULL);
    ws_message m;

    (void)arg;
    if (!c)
        return;
    while (ws_read_message(c, &m) == 0)
        continue;
    end_code = ws_conn_error(c)->code;
    ws_close(c);
    ws_event_set(&ended);
}

static void on_message(ws_conn *c, ws_message *m, void *user)
{
    (void)c;
    (void)m;
    (void)user;
}

static void answer_badly(ws_request *r, void *arg)
{
    static const ws_header bad[] = { { "Set Cookie", "a" }, { 0 } };

    (void)arg;
    assert_null(ws_upgrade(NULL, r, bad));
}

/* The handler returns, the connection stays. */
static void leave(ws_request *r, void *arg)
{
    (void)arg;
    ws_conn *c = ws_upgrade(NULL, r, NULL);
    if (c)
        assert_int_equal(ws_on_message(c, on_message, NULL), 0);
}

static const ws_route routes[] = { { .path = "/", .handler = ok },
                                   { .path = "/ws", .handler = hold },
                                   { .path = "/left", .handler = leave },
                                   { .path = "/bad", .handler = answer_badly },
                                   { 0 } };
static const char *const proxies[] = { "127.0.0.1", "10.0.0.1", NULL };

static ws_listener *serve_limited(ws_server s)
{
    s.routes = routes;
    s.trusted_proxies = proxies;
    return serve(s);
}

static void stop(ws_listener *l)
{
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define UPGRADE_AT(path)                                                       \
    "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"              \
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"                      \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static int call_as(const ws_listener *l, const char *proxied,
                   const char *request)
{
    int fd = call(l);

    send(fd, proxied, strlen(proxied), MSG_NOSIGNAL);
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    assert_true(hear(fd, &a));
    return fd;
}

/* Until the server has seen who hung up. */
static int call_until(const ws_listener *l, const char *proxied,
                      const char *request, int status)
{
    for (int64_t until = ws_after(PATIENCE_MS); ws_now() < until;) {
        int fd = call_as(l, proxied, request);

        if (a.status == status)
            return fd;
        close(fd);
        ws_sleep(1);
    }
    fail_msg("got %d until the end", a.status);
    return -1;
}

#define UPGRADE UPGRADE_AT("/ws")

#define ONE "PROXY TCP4 203.0.113.1 192.0.2.2 4711 80\r\n"
#define TWO "PROXY TCP4 203.0.113.2 192.0.2.2 4711 80\r\n"
#define V6 "PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n"
#define V6_TOO "PROXY TCP6 2001:db8::ffff:1 2001:db8::2 4711 80\r\n"

static void connections_of_the_proxy_protocol_are_counted(void **state)
{
    (void)state;
    ws_listener *l = serve_limited((ws_server){
        .proxy_protocol = true, .max_connections_per_address = 1 });
    static const char *const pairs[][2] = { { ONE, ONE }, { V6, V6_TOO } };

    for (size_t i = 0; i < COUNT(pairs); i++) {
        int fd = call_as(l, pairs[i][0], GET);

        assert_int_equal(a.status, 200);
        close(call_as(l, pairs[i][1], GET));
        assert_int_equal(a.status, 429);
        assert_string_equal(field_of(&a, "Retry-After"), "10");
        assert_string_equal(field_of(&a, "Connection"), "close");
        close(call_until(l, TWO, GET, 200)); /* the round before had it, too */
        say(fd, GET);
        assert_true(hear(fd, &a)); /* of one that is there nothing is counted */
        assert_int_equal(a.status, 200);
        close(fd);
        close(call_until(l, pairs[i][1], GET, 200));
        close(call_until(l, TWO, GET, 200));
    }
    stop(l);
}

static void an_upgraded_connection_counts_on(void **state)
{
    (void)state;
    static const char *const upgrades[] = { UPGRADE "\r\n",
                                            UPGRADE_AT("/left") "\r\n" };
    ws_listener *l = serve_limited((ws_server){
        .proxy_protocol = true, .max_connections_per_address = 1 });

    for (size_t i = 0; i < COUNT(upgrades); i++) {
        int fd = call_until(l, ONE, upgrades[i], 101);

        for (int k = 0; k < 10; k++) { /* the handler may return meanwhile */
            close(call_as(l, ONE, GET));
            assert_int_equal(a.status, 429);
            ws_yield();
        }
        close(fd);
        close(call_until(l, ONE, GET, 200));
    }
    stop(l);
}

#define FOR "X-Forwarded-For: 203.0.113.1\r\n\r\n"
#define FOR_ANOTHER "X-Forwarded-For: 203.0.113.2\r\n\r\n"

static void upgrades_of_whom_headers_name_are_counted(void **state)
{
    (void)state;
    ws_listener *l =
        serve_limited((ws_server){ .max_connections_per_address = 1 });
    int fd = call_as(l, "", UPGRADE FOR);

    assert_int_equal(a.status, 101);
    int other = call_as(l, "", UPGRADE FOR);
    assert_int_equal(a.status, 429);
    assert_string_equal(field_of(&a, "Retry-After"), "10");
    say(other, "GET / HTTP/1.1\r\nHost: a\r\n" FOR); /* is no connection */
    assert_true(hear(other, &a));
    assert_int_equal(a.status, 200);
    say(other, UPGRADE FOR_ANOTHER); /* by the same one of the proxy's */
    assert_true(hear(other, &a));
    assert_int_equal(a.status, 101);
    close(fd);
    close(call_until(l, "", UPGRADE FOR, 101));
    close(other);
    stop(l);
}

static void one_that_could_not_be_answered_is_not(void **state)
{
    (void)state;
    ws_listener *l =
        serve_limited((ws_server){ .max_connections_per_address = 1 });

    for (int i = 0; i < 3; i++)
        close(call_until(l, "", UPGRADE_AT("/bad") FOR, 500));
    close(call_until(l, "", UPGRADE FOR, 101)); /* the last one is over */
    stop(l);
}

static void new_ones_have_a_rate(void **state)
{
    (void)state;
    ws_listener *l =
        serve_limited((ws_server){ .proxy_protocol = true,
                                   .connect_rate_per_address = 1,
                                   .connect_burst_per_address = 2 });
    int fd = call_as(l, ONE, GET), refused = 0;

    close(fd);
    for (int i = 0; i < 100 && refused == 0; i++) { /* a slow machine's rest */
        close(call_as(l, ONE, GET));
        refused += a.status == 429;
    }
    assert_int_equal(refused, 1);
    assert_string_equal(field_of(&a, "Retry-After"), "1");
    close(call_as(l, TWO, GET));
    assert_int_equal(a.status, 200);
    stop(l);
}

static void proxies_and_local_peers_have_no_limits(void **state)
{
    (void)state;
    ws_listener *l = serve_limited((ws_server){
        .max_connections_per_address = 1, .connect_rate_per_address = 1 });
    int fd[5];

    for (size_t i = 0; i < COUNT(fd); i++) {
        fd[i] = call_as(l, "", UPGRADE "\r\n");
        assert_int_equal(a.status, 101);
    }
    for (size_t i = 0; i < COUNT(fd); i++)
        close(fd[i]);
    stop(l);
}

/* ---- By the socket's address -------------------------------------------- */

struct arrival {
    struct ws__seat *seat;
    int fd;
    const char *remote;
    ws_event done;
};

static void arrive(void *arg)
{
    struct arrival *n = arg;

    ws__welcome(n->seat, n->fd, n->remote);
    ws_event_set(&n->done);
}

/* As if it had been accepted from there. */
static int arrive_from(ws_listener *l, const char *remote)
{
    int fds[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
        0);
    struct arrival n = { .seat = &l->seats[0], .fd = fds[0], .remote = remote };
    assert_int_equal(ws__go_in(l->seats[0].worker, arrive, arrive, &n), 0);
    assert_int_equal(ws_event_wait(&n.done, ws_after(PATIENCE_MS)), 0);
    return fds[1];
}

static atomic_int full_lines;

static void count_full_lines(const char *line, void *arg)
{
    (void)arg;
    atomic_fetch_add(&full_lines, strstr(line, "max_connections") != NULL);
}

/* One that is handed in, as if it came from that address: its other end. */
static int come_from(ws_listener *l, const char *remote)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    assert_int_equal(ws_listener_serve_fd(l, fds[0], remote), 0);
    say(fds[1], GET);
    assert_true(hear(fds[1], &a));
    return fds[1];
}

/* Whoever else was refused a moment ago. */
static void too_many_in_all_are_said_in_the_log(void **state)
{
    (void)state;
    static const char *const from[] = { "203.0.113.1:1", "203.0.113.1:2",
                                        "203.0.113.2:1", "203.0.113.3:1",
                                        "203.0.113.4:1" };
    static const int status[] = { 200, 429, 200, 503, 503 };
    ws_listener *l = serve_limited(
        (ws_server){ .max_connections = 2, .max_connections_per_address = 1 });
    int fds[COUNT(from)];

    atomic_store(&full_lines, 0);
    ws_set_log(count_full_lines, NULL);
    for (size_t i = 0; i < COUNT(from); i++) {
        fds[i] = come_from(l, from[i]);
        assert_int_equal(a.status, status[i]);
    }
    assert_int_equal(atomic_load(&full_lines), 1);
    for (size_t i = 0; i < COUNT(from); i++)
        close(fds[i]);
    stop(l);
    ws_set_log(NULL, NULL);
}

static void connections_from_an_address_are_counted(void **state)
{
    (void)state;
    ws_listener *l =
        serve_limited((ws_server){ .max_connections_per_address = 1 });
    int fd = arrive_from(l, "203.0.113.1:1");

    say(fd, GET);
    assert_true(hear(fd, &a));
    assert_int_equal(a.status, 200);
    int more = arrive_from(l, "203.0.113.1:2");
    assert_true(hear(more, &a)); /* without having asked */
    assert_int_equal(a.status, 429);
    assert_true(has_ended(more));
    close(more);
    int proxys[3]; /* at once; it has as many as it likes */
    for (size_t i = 0; i < COUNT(proxys); i++) {
        proxys[i] = arrive_from(l, "10.0.0.1:3");
        say(proxys[i], GET);
        assert_true(hear(proxys[i], &a));
        assert_int_equal(a.status, 200);
    }
    for (size_t i = 0; i < COUNT(proxys); i++)
        close(proxys[i]);
    close(fd);
    stop(l);
}

static void in_json(ws_request *r, int status, const char *reason, void *arg)
{
    char text[128];

    (void)arg;
    snprintf(text, sizeof(text), "{\"%s\": \"%s\"}", r->remote_addr, reason);
    ws_reply_json(r, status, text);
}

static void the_answer_may_be_the_servers_own(void **state)
{
    (void)state;
    ws_listener *l = serve_limited(
        (ws_server){ .max_connections_per_address = 1, .error = in_json });
    int fd = arrive_from(l, "203.0.113.1:1");
    int more = arrive_from(l, "203.0.113.1:2");

    assert_true(hear(more, &a));
    assert_int_equal(a.status, 429);
    assert_string_equal(field_of(&a, "Retry-After"), "10");
    assert_string_equal(a.body,
                        "{\"203.0.113.1:2\": \"its address has too many "
                        "connections\"}");
    close(more);
    close(fd);
    stop(l);
}

static void over_tls_there_is_no_answer(void **state)
{
    (void)state;
    certs_begin();
    struct cert cert = cert_make((struct cert_spec){ .cn = "a" }, NULL);
    const ws_tls tls = { .cert_file = certs_path("a.pem") };

    cert_write("a.pem", &cert);
    ws_listener *l = serve_limited(
        (ws_server){ .tls = &tls, .max_connections_per_address = 1 });
    int fd = arrive_from(l, "203.0.113.1:1");
    int more = arrive_from(l, "203.0.113.1:2");
    assert_true(has_ended(more));
    close(more);
    close(fd);
    stop(l);
    cert_free(&cert);
    certs_end();
}

/* ---- Unfinished messages ------------------------------------------------ */

/* The head of a masked binary message of a MiB, and so much of it. */
static void say_part(int fd, size_t n)
{
    static char bytes[MIB];
    static const unsigned char head[] = { 0x82, 0xff, 0, 0, 0, 0, 0,
                                          0x10, 0,    0, 1, 2, 3, 4 };

    say_n(fd, head, sizeof(head));
    for (size_t sent = 0; sent < n;) {
        ssize_t r = send(fd, bytes + sent, n - sent, MSG_NOSIGNAL);
        if (r < 0) /* it has been ended */
            return;
        sent += (size_t)r;
    }
}

/* The close frame's code, behind whatever else there is. */
static int hear_close(int fd)
{
    unsigned char head[4];
    ssize_t n = 0;

    while (n < 4) {
        ssize_t r = hear_some(fd, head + n, (size_t)(4 - n));
        if (r <= 0)
            return 0;
        n += r;
    }
    return head[0] == 0x88 ? head[2] << 8 | head[3] : -1;
}

static void an_address_holds_so_much_of_unfinished_messages(void **state)
{
    (void)state;
    ws_listener *l =
        serve_limited((ws_server){ .max_unfinished_per_address = 512 * 1024 });
    int one = call_as(l, "", UPGRADE FOR), two = call_as(l, "", UPGRADE FOR);
    int other = call_as(l, "", UPGRADE FOR_ANOTHER);

    ws_event_clear(&ended);
    say_part(one, 300 * 1024);
    say_part(other, 300 * 1024);
    say_part(two, 300 * 1024);
    assert_int_equal(ws_event_wait(&ended, ws_after(PATIENCE_MS)), 0);
    assert_int_equal(end_code, WS_ERR_FULL);
    struct pollfd ends[] = { { .fd = one, .events = POLLIN },
                             { .fd = two, .events = POLLIN },
                             { .fd = other, .events = POLLIN } };
    while (poll(ends, 3, 0) == 0)
        ws_sleep(1);
    assert_int_equal(ends[2].revents, 0); /* either of the two, not this one */
    assert_int_equal(hear_close(ends[0].revents ? one : two),
                     WS_CLOSE_TRY_AGAIN_LATER);
    close(one);
    close(two);
    close(other);
    stop(l);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    ws_listener *l =
        serve_limited((ws_server){ .proxy_protocol = true,
                                   .connect_rate_per_address = 1,
                                   .connect_burst_per_address = 1000 });
    bool failed = true;

    for (int i = 1; failed; i++) {
        int fd = call(l);

        alloc_fail_at(i);
        send(fd, ONE UPGRADE "\r\n", sizeof(ONE UPGRADE "\r\n") - 1,
             MSG_NOSIGNAL);
        bool heard = hear(fd, &a);
        failed = alloc_failed();
        alloc_fail_at(0);
        close(fd);
        assert_true(failed || (heard && a.status == 101));
    }
    stop(l);
}

int main(void)
{
    alloc_fail_install();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_there_is_no_table),
        cmocka_unit_test(an_address_has_so_many_connections),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(new_connections_are_counted_by_the_second),
        cmocka_unit_test(the_burst_is_a_seconds_unless_given),
        cmocka_unit_test(loopback_has_no_limits),
        cmocka_unit_test(each_address_is_found_again),
        cmocka_unit_test(an_address_is_forgotten_once_it_has_its_burst_again),
        cmocka_unit_test(ever_new_addresses_take_no_more_memory),
        cmocka_unit_test(connections_may_outlive_the_listener),
        cmocka_unit_test(without_memory_nobody_enters),
        cmocka_unit_test(many_come_and_go_at_once),
        cmocka_unit_test(connections_of_the_proxy_protocol_are_counted),
        cmocka_unit_test(an_upgraded_connection_counts_on),
        cmocka_unit_test(upgrades_of_whom_headers_name_are_counted),
        cmocka_unit_test(one_that_could_not_be_answered_is_not),
        cmocka_unit_test(new_ones_have_a_rate),
        cmocka_unit_test(proxies_and_local_peers_have_no_limits),
        cmocka_unit_test(too_many_in_all_are_said_in_the_log),
        cmocka_unit_test(connections_from_an_address_are_counted),
        cmocka_unit_test(the_answer_may_be_the_servers_own),
        cmocka_unit_test(over_tls_there_is_no_answer),
        cmocka_unit_test(an_address_holds_so_much_of_unfinished_messages),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return run_in_mode("limits", tests, NULL, NULL);
}
