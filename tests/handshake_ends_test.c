/* SPDX-License-Identifier: MIT */

/* Handshakes that do not come to their end: in each phase of a dial the peer
 * resets, the caller cancels, or the time is over; in each of a server's the peer
 * resets, or the listener shuts down. */

#include "peer.h"

#include <errno.h>

#include <silverback.h>

#include "certs.h"
#include "descriptors.h"
#include "http/registry.h"

enum { SOON_MS = 30, PATIENCE_MS = PATIENCE_S * 1000 };

static void reset(int fd)
{
    const struct linger at_once = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

/* ---- Dials -------------------------------------------------------------- */

enum dial_end { RESET, CANCEL, DEADLINE, DIAL_ENDS };

struct turn {
    size_t hear; /* so many bytes; 0: to an empty line */
    const char *say;
};

struct dial_phase {
    const char *name;
    const char *scheme;
    const char *proxy; /* its scheme; NULL: none */
    struct turn turns[3];
    int codes[DIAL_ENDS];
};

#define USUAL                                                                  \
    {                                                                          \
        [RESET] = -ECONNRESET, [CANCEL] = WS_ERR_CANCELED,                     \
        [DEADLINE] = WS_ERR_TIMEOUT,                                           \
    }
/* The answer has come if the time is not over yet: that is dial_test's. */
#define REFUSED                                                                \
    {                                                                          \
        [RESET] = WS_ERR_HANDSHAKE, [CANCEL] = WS_ERR_CANCELED,                \
    }

static const struct dial_phase dial_phases[] = {
    { "before the request is answered", "ws", NULL, { { 0, "" } }, USUAL },
    { "within the answer", "ws", NULL, { { 0, "HTTP/1.1 101 Sw" } }, USUAL },
    { "within the body of a refusal",
      "ws",
      NULL,
      { { 0, "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf" } },
      REFUSED },
    { "before TLS is answered", "wss", NULL, { { 5, "" } }, USUAL },
    { "within a record of TLS",
      "wss",
      NULL,
      { { 5, "\x16\x03\x03\x01\x01\x02" } },
      USUAL },
    { "before a proxy answers", "ws", "http", { { 0, "" } }, USUAL },
    { "within a proxy's answer",
      "ws",
      "http",
      { { 0, "HTTP/1.1 200 Co" } },
      USUAL },
    { "before a SOCKS proxy answers", "ws", "socks5", { { 3, "" } }, USUAL },
    { "within a SOCKS proxy's answer",
      "ws",
      "socks5",
      { { 3, "\x05" } },
      USUAL },
    { "behind a proxy, within the answer",
      "ws",
      "http",
      { { 0, "HTTP/1.1 200 Connected\r\n\r\n" }, { 0, "HTTP/1.1 1" } },
      USUAL },
    { "behind a proxy, before TLS is answered",
      "wss",
      "http",
      { { 0, "HTTP/1.1 200 Connected\r\n\r\n" }, { 5, "" } },
      USUAL },
};

struct far_end {
    const struct dial_phase *phase;
    enum dial_end end;
    int listener;
    ws_event cancel;
    ws_event over; /* the dial is */
};

/* The time may be over before. */
static bool hear_turn(int fd, size_t n)
{
    char text[4096] = "";
    size_t at = 0;

    while (n > 0 ? at < n : !strstr(text, "\r\n\r\n")) {
        if (at + 1 == sizeof(text) || hear_some(fd, text + at, 1) != 1)
            return false;
        at++;
    }
    return true;
}

static void be_far_end(void *arg)
{
    struct far_end *e = arg;

    ws_wait_fd(e->listener, POLLIN, ws_after(PATIENCE_MS));
    int fd = accept(e->listener, NULL, NULL);
    assert_true(fd >= 0);
    for (const struct turn *t = e->phase->turns; t->say; t++)
        if (hear_turn(fd, t->hear))
            (void)!send(fd, t->say, strlen(t->say), MSG_NOSIGNAL);
    if (e->end == RESET) {
        reset(fd);
        return;
    }
    if (e->end == CANCEL)
        ws_event_set(&e->cancel);
    ws_event_wait(&e->over, ws_after(PATIENCE_MS));
    close(fd);
}

static int listen_at(unsigned *port)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    *port = ntohs(in.sin_port);
    return fd;
}

static void dial_and_end(const struct dial_phase *p, enum dial_end end)
{
    struct far_end e = { .phase = p, .end = end };
    char url[64], proxy[64] = "";
    ws_error err;
    unsigned port;

    e.listener = listen_at(&port);
    snprintf(url, sizeof(url), "%s://127.0.0.1:%u/", p->scheme, port);
    if (p->proxy)
        snprintf(proxy, sizeof(proxy), "%s://127.0.0.1:%u", p->proxy, port);
    ws_fiber *f = mode_go(be_far_end, &e);
    const ws_dialer d = { .proxy = proxy,
                          .cancel = &e.cancel,
                          .handshake_timeout_ms =
                              end == DEADLINE ? SOON_MS : PATIENCE_MS };
    assert_null(ws_dial(&d, url, NULL, NULL, &err));
    ws_event_set(&e.over);
    ws_join(f);
    close(e.listener);
    if (err.code != p->codes[end])
        fail_msg("%s, %d: %d, %s", p->name, end, err.code, err.text);
}

static void a_dial_ends_in_each_phase(void **state)
{
    (void)state;
    dial_and_end(&dial_phases[0], RESET); /* what is kept for later is there */
    int open = descriptors_open();

    for (size_t i = 0; i < COUNT(dial_phases); i++)
        for (enum dial_end end = RESET; end < DIAL_ENDS; end++)
            if (dial_phases[i].codes[end] != 0)
                dial_and_end(&dial_phases[i], end);
    descriptors_await(open);
}

/* ---- A server ----------------------------------------------------------- */

#define HEAD "GET /socket HTTP/1.1" SERVED
#define UPGRADE                                                                \
    HEAD "Connection: Upgrade\r\nUpgrade: websocket\r\n"                       \
         "Sec-WebSocket-Version: 13\r\n"                                       \
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static const struct {
    const char *name;
    bool tls;
    const char *say;
} server_phases[] = {
    { "nothing", false, "" },
    { "some of a line", false, "GET /so" },
    { "some of a head", false, UPGRADE },
    { "a head, and half of a body", false,
      "POST /body HTTP/1.1" SERVED "Content-Length: 9\r\n\r\nhalf" },
    { "an upgrade, and half of a frame", false, UPGRADE "\r\n\x81\x85\x01" },
    { "nothing of TLS", true, "" },
    { "half of a record", true, "\x16\x03\x01\x01\x01\x02" },
};

static void read_body(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply(r, r->body_len == 9 ? 200 : 400, NULL, "", 0);
}

static void read_all(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        continue;
}

static const ws_route routes[] = {
    { .path = "/socket", .socket = read_all },
    { .path = "/body", .handler = read_body },
    { 0 },
};

static ws_listener *serve_as(bool tls)
{
    static ws_tls files;

    files.cert_file = certs_path("server.pem");
    return serve((ws_server){ .routes = routes, .tls = tls ? &files : NULL });
}

/* Who came later is served: so the first was accepted. */
static void is_served(const ws_listener *l, bool tls)
{
    const ws_tls trust = { .ca_file = certs_path("server.pem") };
    const ws_dialer d = { .proxy = "", .tls = &trust };
    ws_error err;
    char url[96];

    snprintf(url, sizeof(url), "%s://%s/socket", tls ? "wss" : "ws",
             ws_listener_addr(l));
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c)
        fail_msg("%s", err.text);
    assert_int_equal(ws_finish(c, 1000, NULL, ws_after(PATIENCE_MS)), 0);
    ws_close(c);
}

static void a_reset_in_each_phase_ends_it_alone(void **state)
{
    (void)state;

    for (int tls = 0; tls < 2; tls++) {
        ws_listener *l = serve_as(tls);

        is_served(l, tls);
        int open = descriptors_open();
        for (size_t i = 0; i < COUNT(server_phases); i++) {
            if (server_phases[i].tls != tls)
                continue;
            int fd = call(l);
            say(fd, server_phases[i].say);
            is_served(l, tls);
            reset(fd);
            descriptors_await(open);
        }
        is_served(l, tls);
        assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
    }
}

/* Until the end, or a reset; the number of bytes. */
static size_t hear_all(int fd, char *some, size_t size)
{
    size_t at = 0;
    ssize_t n;

    while ((n = hear_some(fd, some + at, size - at)) > 0)
        at += (size_t)n;
    assert_true(n == 0 || errno == ECONNRESET);
    return at;
}

static void shut_down(ws_listener *l)
{
    int code = ws_listener_shutdown(l, ws_after(SOON_MS));

    if (code == WS_ERR_TIMEOUT) /* a handler has not been told yet */
        code = ws_listener_shutdown(l, ws_after(PATIENCE_MS));
    assert_int_equal(code, 0);
}

/* Who has asked for half gets none, or is told that it is too late, which it is at
 * that moment, too; a connection is told. */
static void a_shutdown_in_each_phase_ends_it(void **state)
{
    (void)state;
    static const char goodbye[] = "\x88\x02\x03\xe9";
    static const char late[] = "HTTP/1.1 408 ";
    char some[1024];

    ws__registry_fresh_ms = SOON_MS;
    for (size_t i = 0; i < COUNT(server_phases); i++) {
        bool tls = server_phases[i].tls;
        bool upgrades = strstr(server_phases[i].say, "\r\n\r\n\x81");
        ws_listener *l = serve_as(tls);
        int fd = call(l);

        say(fd, server_phases[i].say);
        is_served(l, tls);
        shut_down(l);
        size_t n = hear_all(fd, some, sizeof(some));
        if (upgrades)
            assert_memory_equal(some + n - 4, goodbye, 4);
        else
            assert_true(n == 0 || strncmp(some, late, strlen(late)) == 0);
        close(fd);
    }
    ws__registry_fresh_ms = 1000;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dial_ends_in_each_phase),
        cmocka_unit_test(a_reset_in_each_phase_ends_it_alone),
        cmocka_unit_test(a_shutdown_in_each_phase_ends_it),
    };

    return run_in_mode("handshake_ends", tests, certs_set_up, certs_tear_down);
}
