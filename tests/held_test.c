/* SPDX-License-Identifier: MIT */

/* What a single peer can have a server hold: at most so much, whatever it does.
 * docs/limits.md has the same figures. */

#include "peer.h"

#include <linux/sockios.h>
#include <malloc.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include <openssl/ssl.h>
#include <zlib.h>

#include <silverback.h>

#include "certs.h"
#include "echo.h"
#include "fiber/sanitizers.h"
#include "openssl_alloc.h"
#include "test.h"

enum { KIB = 1024, MIB = 1024 * KIB, LIMIT = MIB };

/* ---- What is held ------------------------------------------------------- */

/* By the library and by OpenSSL: now, and the most since it was last looked. */
static atomic_long held, most;

static void hold(long n)
{
    long now = atomic_fetch_add(&held, n) + n, last = atomic_load(&most);

    while (now > last && !atomic_compare_exchange_weak(&most, &last, now))
        continue;
}

/* While it is copied a block is there twice. */
static void *allocate(void *p, size_t n, void *arg)
{
    long old = (long)malloc_usable_size(p);

    (void)arg;
    if (n == 0) {
        hold(-old);
        free(p);
        return NULL;
    }
    void *grown = malloc(n);
    if (!grown)
        return NULL;
    hold((long)malloc_usable_size(grown));
    if (p)
        memcpy(grown, p, n < (size_t)old ? n : (size_t)old);
    hold(-old);
    free(p);
    return grown;
}

/* ---- The server --------------------------------------------------------- */

static void listen_to(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0)
        continue;
}

/* More than anybody takes. */
static void hand_over(ws_conn *c, void *arg)
{
    static char data[8 * KIB];
    int n = 0;

    (void)arg;
    for (int error = 0; error == 0 && n < 10000; n++) {
        ws_prepared *p = ws_prepare(WS_BINARY, data, sizeof(data));
        error = ws_enqueue(c, p);
        ws_prepared_free(p);
    }
}

static void answer(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_text(r, 200, "ok");
}

static const ws_upgrader plain = { .read_limit = LIMIT },
                         deflated = { .read_limit = LIMIT,
                                      .enable_compression = true },
                         takeover = { .read_limit = LIMIT,
                                      .enable_compression = true,
                                      .context_takeover_bits = 15 };
static const ws_route routes[] = {
    { .path = "/", .handler = answer },
    { .path = "/plain", .socket = listen_to, .upgrader = &plain },
    { .path = "/deflated", .socket = listen_to, .upgrader = &deflated },
    { .path = "/echo", .socket = echo, .upgrader = &deflated },
    { .path = "/takeover", .socket = echo, .upgrader = &takeover },
    { .path = "/queue", .socket = hand_over },
    { 0 },
};

/* ---- One peer ----------------------------------------------------------- */

static ws_listener *l;
static int fd;
static long before; /* what was held then */

/* A server that has done nothing yet, and has no room put aside. */
static void begin(const ws_tls *tls)
{
    ws_error err;
    int fds[2];

    l = ws_listen(
        &(ws_server){
            .addr = "none", .routes = routes, .tls = tls, .workers = 1 },
        &err);
    assert_non_null(l);
    assert_int_equal(ws_listener_alive(l, 0), 0);
    before = atomic_load(&held);
    atomic_store(&most, before);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    assert_int_equal(ws_listener_serve_fd(l, fds[0], "192.0.2.1:1"), 0);
    fd = fds[1];
}

/* The server has taken all that was sent, or ended it. */
static void wait_until_taken(void)
{
    struct pollfd p = { .fd = fd };
    int left = 1;

    while (left > 0 && poll(&p, 1, 1) == 0)
        assert_int_equal(ioctl(fd, SIOCOUTQ, &left), 0);
    assert_int_equal(ws_listener_alive(l, 0), 0);
}

/* All of it, unless the server has had enough. */
static void send_all(const void *data, size_t n)
{
    const char *p = data;
    ssize_t r = 1;

    for (; n > 0 && r > 0; n -= r > 0 ? (size_t)r : 0, p += r)
        r = send(fd, p, n, MSG_NOSIGNAL);
}

static void send_text(const char *text)
{
    send_all(text, strlen(text));
}

static void end(const char *who, long bound)
{
    wait_until_taken();
    long had = atomic_load(&most) - before;
    print_message("# %s: %ld of %ld KiB\n", who, had / KIB, bound / KIB);
    close(fd);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    assert_in_range(had, 0, bound);
}

/* do_it() does what the peer does. */
static void measure(const char *who, const ws_tls *tls, void (*do_it)(void),
                    long bound)
{
    begin(tls);
    do_it();
    end(who, bound);
}

/* ---- Requests ----------------------------------------------------------- */

static void say_nothing(void)
{
}

static void send_head_without_end(void)
{
    send_text("GET / HTTP/1.1\r\nHost: a\r\nX: ");
    for (int i = 0; i < 16 * KIB - 40; i++)
        send_all("x", 1);
}

static void send_body_without_end(void)
{
    static char body[64 * KIB - 1];

    send_text("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n");
    send_all(body, sizeof(body));
}

/* As much between the chunks as there may be. */
static void send_chunks_without_end(void)
{
    static char line[4 * KIB - 8];

    memset(line, 'x', sizeof(line));
    send_text("POST / HTTP/1.1\r\nHost: a\r\n"
              "Transfer-Encoding: chunked\r\n\r\nffff;");
    send_all(line, sizeof(line));
    send_text("\r\n");
    send_all(line, sizeof(line));
}

static void requests_are_bounded(void **state)
{
    (void)state;
    measure("who says nothing", NULL, say_nothing, 16 * KIB);
    measure("a head without end", NULL, send_head_without_end, 64 * KIB);
    measure("a body without end", NULL, send_body_without_end, 192 * KIB);
    measure("chunks without end", NULL, send_chunks_without_end, 192 * KIB);
}

/* ---- TLS ---------------------------------------------------------------- */

/* A whole ClientHello, and no more. */
static void begin_handshake(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *out = BIO_new(BIO_s_mem());
    char *hello;

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    assert_int_equal(SSL_connect(ssl), -1);
    long n = BIO_get_mem_data(out, &hello);
    before = atomic_load(&held); /* this much is the client's */
    atomic_store(&most, before);
    send_all(hello, (size_t)n);
    wait_until_taken();
    SSL_free(ssl);
    SSL_CTX_free(ctx);
}

/* As long as OpenSSL believes one to be. */
static void begin_long_hello(void)
{
    static const uint8_t record[] = { 0x16, 3, 1, 0x40, 0 },
                         hello[] = { 1, 1, 0xff, 0 };
    static uint8_t rest[16 * KIB - sizeof(hello)];

    for (int i = 0; i < 7; i++) {
        send_all(record, sizeof(record));
        if (i == 0)
            send_all(hello, sizeof(hello));
        send_all(rest, sizeof(rest));
        if (i > 0)
            send_all(hello, sizeof(hello));
    }
}

static void handshakes_are_bounded(void **state)
{
    (void)state;
    const ws_tls tls = { .cert_file = certs_path("server.pem") };

    begin(&tls); /* the first one has OpenSSL get ready */
    begin_handshake();
    end("the first handshake", MIB);
    measure("TLS begun and left", &tls, begin_handshake, 320 * KIB);
    measure("TLS with a long beginning", &tls, begin_long_hello, 320 * KIB);
}

/* ---- Messages ----------------------------------------------------------- */

static void upgrade(const char *path, const char *more)
{
    static struct answer a;
    char text[512];

    snprintf(text, sizeof(text),
             "GET %s HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             path, more);
    send_text(text);
    assert_true(hear_head(fd, &a));
    assert_int_equal(a.status, 101);
}

#define DEFLATE "Sec-WebSocket-Extensions: permessage-deflate\r\n"

/* Masked by zeros; at most 64 KiB. */
static void send_frame(int first, const void *data, size_t n)
{
    uint8_t head[8] = { (uint8_t)first, (uint8_t)(0x80 | n) };
    size_t size = 6;

    if (n >= 126) {
        head[1] = 0xfe;
        head[2] = (uint8_t)(n >> 8);
        head[3] = (uint8_t)n;
        size = 8;
    }
    send_all(head, size);
    send_all(data, n);
}

static void assert_closed_with(int code)
{
    uint8_t close[4];

    assert_int_equal(recv(fd, close, sizeof(close), MSG_WAITALL), 4);
    assert_int_equal(close[0], 0x88);
    assert_int_equal(close[2] << 8 | close[3], code);
}

/* All that went before has been handled. */
static void wait_for_pong(void)
{
    static const uint8_t last[] = { 0x8a, 3, 'e', 'n', 'd' };
    uint8_t pong[sizeof(last)] = { 0 };

    send_frame(0x89, "end", 3);
    do { /* the last bytes that come */
        memmove(pong, pong + 1, sizeof(pong) - 1);
        assert_int_equal(hear_some(fd, pong + sizeof(pong) - 1, 1), 1);
    } while (memcmp(pong, last, sizeof(last)) != 0);
}

static void send_pieces_to_the_limit(void)
{
    static char data[32 * KIB];

    upgrade("/plain", "");
    send_frame(0x02, data, sizeof(data) - 1);
    for (int i = 1; i < LIMIT / (int)sizeof(data); i++)
        send_frame(0x00, data, sizeof(data));
    wait_for_pong();
}

static void send_fragments_without_end(void)
{
    upgrade("/plain", "");
    send_frame(0x02, "", 0);
    for (int i = 0; i < 20000; i++)
        send_frame(0x00, "x", (size_t)(i & 1));
    wait_for_pong();
}

/* A header that claims as much as there may be. */
static void send_claims(void)
{
    static const uint8_t head[] = { 0x82, 0xff, 0, 0, 0, 0, 0,
                                    0x10, 0,    0, 0, 0, 0, 0 };

    upgrade("/plain", "");
    send_all(head, sizeof(head));
    send_all("abc", 3);
}

static void send_pings(void)
{
    static const char data[125];

    upgrade("/plain", "");
    for (int i = 0; i < 5000; i++)
        send_frame(0x89, data, sizeof(data));
    wait_for_pong();
}

/* A message that inflates to twice the limit, in fragments. */
static void send_bomb(void)
{
    static uint8_t zeros[2 * LIMIT], out[8 * KIB];
    z_stream z = { .next_in = zeros,
                   .avail_in = sizeof(zeros),
                   .next_out = out,
                   .avail_out = sizeof(out) };

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, 0), Z_OK);
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    size_t n = sizeof(out) - z.avail_out;
    deflateEnd(&z);
    send_frame(0x42, out, 100);
    send_frame(0x80, out + 100, n - 104);
    assert_closed_with(WS_CLOSE_TOO_BIG);
}

static void send_bomb_alone(void)
{
    upgrade("/deflated", DEFLATE);
    send_bomb();
}

/* With both windows: the first message is echoed compressed. */
static void send_bomb_with_takeover(void)
{
    static const uint8_t hello[] = { 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00 };
    char echoed[64];

    upgrade("/takeover", DEFLATE);
    send_frame(0xc1, hello, sizeof(hello));
    assert_int_equal(hear_some(fd, echoed, sizeof(echoed)), 9);
    send_bomb();
}

static void never_read(void)
{
    upgrade("/queue", "");
    assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLRDHUP }, 1,
                          PATIENCE_S * 1000),
                     1);
}

static void messages_are_bounded(void **state)
{
    (void)state;
    measure("pieces to the limit", NULL, send_pieces_to_the_limit,
            2 * LIMIT + 256 * KIB);
    measure("fragments without end", NULL, send_fragments_without_end,
            512 * KIB);
    measure("claims", NULL, send_claims, 512 * KIB);
    measure("pings", NULL, send_pings, 512 * KIB);
}

static void what_inflates_is_bounded(void **state)
{
    (void)state;
    measure("a bomb", NULL, send_bomb_alone, 2 * LIMIT + 384 * KIB);
    measure("a bomb with takeover", NULL, send_bomb_with_takeover,
            2 * LIMIT + 640 * KIB);
}

static void what_waits_for_a_peer_is_bounded(void **state)
{
    (void)state;
    measure("who never reads", NULL, never_read, MIB + 256 * KIB);
}

/* ---- Many of them ------------------------------------------------------- */

enum { MANY = 40 };

static ws_conn *exchange(const ws_tls *trust, size_t n)
{
    const ws_dialer d = { .proxy = "",
                          .tls = trust,
                          .enable_compression = true };
    char url[64], *text = malloc(n + 1);
    ws_error err;
    ws_message m;

    snprintf(url, sizeof(url), "%s://%s/echo", trust ? "wss" : "ws",
             ws_listener_addr(l));
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c)
        fail_msg("%s", err.text);
    memset(text, 'x', n);
    assert_int_equal(ws_write_message(c, WS_TEXT, text, n), 0);
    assert_int_equal(
        ws_read_message_by(c, &m, ws_after(PATIENCE_S * 1000), NULL), 0);
    assert_int_equal(m.len, n);
    free(text);
    /* It is not lent any more. */
    assert_int_equal(ws_read_message_by(c, &m, ws_now(), NULL), WS_ERR_TIMEOUT);
    return c;
}

static ws_listener *serve_with(const ws_tls *tls, size_t stack)
{
    ws_error err;
    ws_listener *served = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                                  .routes = routes,
                                                  .tls = tls,
                                                  .workers = 1,
                                                  .stack_size = stack },
                                    &err);

    assert_non_null(served);
    return served;
}

/* What compressed their last message, or received it, has gone to others. */
static void who_waits_holds_next_to_nothing(void **state)
{
    (void)state;
    ws_conn *c[2 * MANY];
    long first = 0;

    l = serve_with(NULL, 0);
    for (int i = 0; i < 2 * MANY; i++) {
        c[i] = exchange(NULL, 4 * KIB);
        assert_int_equal(ws_listener_alive(l, 0), 0);
        if (i + 1 == MANY)
            first = atomic_load(&held);
    }
    assert_in_range(atomic_load(&held) - first, 0, 2 * MANY * KIB);
    for (int i = 0; i < 2 * MANY; i++)
        ws_close(c[i]);
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
}

/* ---- Stacks ------------------------------------------------------------- */

/* Frames are larger under sanitizers. */
enum { STACK = (WS__SANITIZED ? 128 : 64) * KIB };

/* TLS, requests, compression, all on one that is a quarter of the usual. */
static void handlers_need_a_quarter_of_their_stack(void **state)
{
    (void)state;
    const ws_tls tls = { .cert_file = certs_path("server.pem") };
    const ws_tls trust = { .insecure_skip_verify = true };

    l = serve_with(&tls, STACK);
    for (size_t n = 1; n <= MIB; n *= 32)
        ws_close(exchange(&trust, n));
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_bounded),
        cmocka_unit_test(handshakes_are_bounded),
        cmocka_unit_test(messages_are_bounded),
        cmocka_unit_test(what_inflates_is_bounded),
        cmocka_unit_test(what_waits_for_a_peer_is_bounded),
        cmocka_unit_test(who_waits_holds_next_to_nothing),
        cmocka_unit_test(handlers_need_a_quarter_of_their_stack),
    };

    openssl_alloc_install(allocate);
    ws_set_allocator(allocate, NULL);
    return cmocka_run_group_tests(tests, certs_set_up, certs_tear_down);
}
