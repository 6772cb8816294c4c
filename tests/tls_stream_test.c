/* SPDX-License-Identifier: MIT */

/* TLS as a stream: both ends over a socketpair. */

#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "certs.h"
#include "fiber/budget.h"
#include "io/tls.h"
#include "io/tls_state.h"
#include "mode.h"
#include "openssl_alloc.h"

enum { LONG = 60000, LARGE = 1 << 20 };

static struct ws__stream a, b; /* a: the server's end */
static struct ws__tls_context *context, *demanding;
static ws_tls files, strict, trust;

/* ---- What OpenSSL holds ------------------------------------------------- */

enum { RECORD = 16 * 1024, HEAD = 2 }; /* in words */

static atomic_int buffers; /* blocks that a whole record fits into */

static void *count_buffers(void *p, size_t n, void *arg)
{
    size_t *old = p ? (size_t *)p - HEAD : NULL;

    (void)arg;
    if (old && *old >= RECORD)
        atomic_fetch_sub(&buffers, 1);
    if (n == 0) {
        free(old);
        return NULL;
    }
    size_t *fresh = realloc(old, n + HEAD * sizeof(size_t));
    assert_non_null(fresh);
    *fresh = n;
    if (n >= RECORD)
        atomic_fetch_add(&buffers, 1);
    return fresh + HEAD;
}

/* ---- A transport that takes its time ------------------------------------ */

static const struct ws__stream_ops *socket_ops;
static atomic_int sends, reads;
static atomic_uint turn;

static ssize_t counted_writev(struct ws__stream *s, const struct iovec *v,
                              int n)
{
    atomic_fetch_add(&sends, 1);
    return socket_ops->writev(s, v, n);
}

/* What is sent says whether more follows. */
static char said[16];

static ssize_t noted_writev(struct ws__stream *s, const struct iovec *v, int n)
{
    said[atomic_fetch_add(&sends, 1) % 15] = s->follows ? '+' : '.';
    return socket_ops->writev(s, v, n);
}

/* A byte at a time, and every other time none. */
static ssize_t slow_read(struct ws__stream *s, void *p, size_t n)
{
    (void)n;
    return atomic_fetch_add(&turn, 1) % 2 ? socket_ops->read(s, p, 1) : -EAGAIN;
}

static ssize_t slow_writev(struct ws__stream *s, const struct iovec *v, int n)
{
    const struct iovec one = { .iov_base = v->iov_base, .iov_len = 1 };

    (void)n;
    return atomic_fetch_add(&turn, 1) % 2 ? socket_ops->writev(s, &one, 1)
                                          : -EAGAIN;
}

/* Lets so many bytes through. */
static size_t gate;

static ssize_t gated_read(struct ws__stream *s, void *p, size_t n)
{
    atomic_fetch_add(&reads, 1);
    n = n < gate ? n : gate;
    ssize_t r = n > 0 ? socket_ops->read(s, p, n) : -EAGAIN;
    gate -= r > 0 ? (size_t)r : 0;
    return r;
}

static bool full;

static ssize_t full_writev(struct ws__stream *s, const struct iovec *v, int n)
{
    return full ? -EAGAIN : socket_ops->writev(s, v, n);
}

/* A socket's, but for reading and writing. */
static struct ws__stream_ops special;
static struct ws__transport specially = { &special };

static void use(struct ws__stream *s,
                ssize_t (*rd)(struct ws__stream *, void *, size_t),
                ssize_t (*wr)(struct ws__stream *, const struct iovec *, int))
{
    if (s->transport != &specially)
        socket_ops = s->transport->ops;
    special = *socket_ops;
    special.read = rd ? rd : special.read;
    special.writev = wr ? wr : special.writev;
    s->transport = &specially;
}

/* ---- Both ends ---------------------------------------------------------- */

static int open_both(void **state)
{
    int fds[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        return -1;
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int));
    ws__stream_socket(&a, fds[0]);
    ws__stream_socket(&b, fds[1]);
    return 0;
}

static void close_one(struct ws__stream *s)
{
    if (s->fd >= 0)
        ws__stream_fini(s);
}

static int close_both(void **state)
{
    (void)state;
    close_one(&a);
    close_one(&b);
    ERR_clear_error();
    return 0;
}

/* The server's records are small, and its tickets, which hold the client's
 * certificate, are not; and b leaves them unread. */
static bool in_fragments;

/* What the client offers, if not what it does by itself. */
static const char *suites;

/* Who hears of the server's secrets. */
static void (*listens)(const SSL *ssl, const char *line);

static const struct ws__tls_host good = { "good.test", "good.test" };

static SSL *ssl_of(const struct ws__stream *s)
{
    return ((struct ws__tls *)s->transport)->ssl;
}

static void *accept_a(void *err)
{
    int error = ws__tls_accept(&a, in_fragments ? demanding : context);

    if (error == 0 && in_fragments)
        SSL_set_max_send_fragment(ssl_of(&a), 512);
    if (error == 0 && listens)
        SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl_of(&a)), listens);

    if (error == 0)
        error = ws__tls_handshake(&a, ws_after(LONG), NULL, err);
    return (void *)(intptr_t)error;
}

static void shake_hands(void)
{
    ws_error at_a = { 0 }, at_b = { 0 };
    pthread_t t;
    void *failed;

    assert_int_equal(pthread_create(&t, NULL, accept_a, &at_a), 0);
    assert_int_equal(ws__tls_connect(&b, &trust, &good, 0, NULL, &at_b), 0);
    if (suites)
        assert_true(SSL_set_ciphersuites(ssl_of(&b), suites));
    int error = ws__tls_handshake(&b, ws_after(LONG), NULL, &at_b);
    while (pthread_tryjoin_np(t, &failed) != 0) {
        /* Else there may be no room for its tickets. */
        ws__stream_wait_read(&b, ws_after(1));
        if (error == 0 && !in_fragments)
            assert_int_equal(ws__stream_read(&b, &(char){ 0 }, 1), -EAGAIN);
    }
    if (error != 0 || failed)
        fail_msg("%s; %s", at_a.text, at_b.text);
}

static void put(struct ws__stream *s, const char *text)
{
    assert_int_equal(ws__stream_write(s, text, strlen(text), ws_after(LONG)),
                     0);
}

/* As much as comes with one read, or the code. */
static ssize_t get(struct ws__stream *s, void *p, size_t n)
{
    ssize_t r;

    do
        r = ws__stream_wait_read(s, ws_after(LONG)) == 0
                ? ws__stream_read(s, p, n)
                : WS_ERR_TIMEOUT;
    while (r == -EAGAIN);
    return r;
}

static void assert_gets(struct ws__stream *s, const char *text)
{
    char buf[64];
    size_t n = 0;

    while (n < strlen(text)) {
        ssize_t r = get(s, buf + n, sizeof(buf) - n);
        assert_true(r > 0);
        n += (size_t)r;
    }
    assert_int_equal(n, strlen(text));
    assert_memory_equal(buf, text, n);
}

/* ---- Bytes -------------------------------------------------------------- */

static void what_is_small_goes_in_one_send(void **state)
{
    (void)state;
    char head[] = "head", payload[9000];
    struct iovec v[] = { { head, 4 }, { payload, sizeof(payload) } };
    char buf[16 * 1024];

    memset(payload, 'p', sizeof(payload));
    setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
    use(&a, NULL, counted_writev);
    shake_hands();
    atomic_store(&sends, 0);
    assert_int_equal(ws__stream_writev(&a, v, 2), 9004);
    assert_int_equal(atomic_load(&sends), 1);
    assert_int_equal(get(&b, buf, sizeof(buf)), 9004);
    assert_memory_equal(buf, "headppp", 7);
}

/* Of a message; and nothing of TLS's own waits for another. */
static void records_but_the_last_say_that_more_follows(void **state)
{
    (void)state;
    static char payload[40000];
    struct iovec v[] = { { "head", 4 }, { payload, sizeof(payload) } };

    setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
    use(&a, NULL, noted_writev);
    shake_hands();
    atomic_store(&sends, 0);
    memset(said, 0, sizeof(said));
    assert_int_equal(ws__stream_writev(&a, v, 2), 40004);
    v[1].iov_len = RECORD - 4;
    assert_int_equal(ws__stream_writev(&a, v, 2), RECORD);
    ws__stream_half_close(&a);
    assert_string_equal(said, "++...");
}

/* Not even if a message has been left in the middle. */
static void a_cut_message_holds_nothing_back(void **state)
{
    (void)state;
    uint8_t *p = calloc(1, LARGE);
    struct iovec v = { p, LARGE };

    use(&a, NULL, noted_writev);
    shake_hands();
    atomic_store(&sends, 0);
    while (ws__stream_writev(&a, &v, 1) > 0)
        continue;
    assert_int_equal(said[(atomic_load(&sends) + 14) % 15], '+');
    assert_false(((struct ws__tls *)a.transport)->beneath.follows);
    free(p);
}

static void read_never_waits(void **state)
{
    (void)state;
    char buf[4];

    shake_hands();
    while (b.readable) /* tickets */
        assert_int_equal(ws__stream_read(&b, buf, sizeof(buf)), -EAGAIN);
    assert_int_equal(ws__stream_read(&a, buf, sizeof(buf)), -EAGAIN);
    assert_int_equal(a.read_events, POLLIN);
    assert_int_equal(a.write_events, POLLOUT);
}

/* Nor is a transport asked again that had less than it was asked for. */
static void a_record_is_read_in_one_go(void **state)
{
    (void)state;
    gate = SIZE_MAX;
    use(&b, gated_read, NULL);
    shake_hands();
    while (b.readable)
        assert_int_equal(ws__stream_read(&b, &(char){ 0 }, 1), -EAGAIN);
    put(&a, "abcdef");
    atomic_store(&reads, 0);
    assert_gets(&b, "abcdef");
    assert_int_equal(ws__stream_read(&b, &(char){ 0 }, 1), -EAGAIN);
    assert_int_equal(atomic_load(&reads), 2);

    put(&a, "abcdef");
    gate = 3;
    assert_int_equal(ws__stream_read(&b, &(char){ 0 }, 1), -EAGAIN);
    assert_int_equal(atomic_load(&reads), 3);
}

static void renew_keys(int times)
{
    for (int i = 0; i < times; i++) {
        assert_true(SSL_key_update(ssl_of(&b), SSL_KEY_UPDATE_NOT_REQUESTED));
        assert_int_equal(SSL_do_handshake(ssl_of(&b)), 1);
    }
}

/* Each takes longer than a message, and is no byte that would be counted. */
static void new_keys_come_with_bytes_now_and_then(void **state)
{
    (void)state;
    char byte;

    setsockopt(b.fd, SOL_SOCKET, SO_SNDBUF, &(int){ LARGE }, sizeof(int));
    shake_hands();
    for (int i = 0; i < 5; i++) {
        renew_keys(32);
        put(&b, "x");
        assert_int_equal(get(&a, &byte, 1), 1);
    }
    renew_keys(40);
    put(&b, "x");
    assert_int_equal(get(&a, &byte, 1), WS_ERR_TLS);
    assert_non_null(strstr(ws__stream_error(&a, WS_ERR_TLS), "key updates"));
    assert_int_equal(ws__stream_read(&a, &byte, 1), WS_ERR_TLS);
}

/* Others must have their turn. */
static void a_write_takes_no_more_than_is_right_at_once(void **state)
{
    (void)state;
    uint8_t *p = calloc(1, LARGE);
    struct iovec v = { p, LARGE };

    setsockopt(a.fd, SOL_SOCKET, SO_SNDBUF, &(int){ LARGE }, sizeof(int));
    shake_hands();
    assert_int_equal(ws__stream_writev(&a, &v, 1), WS__AT_ONCE);
    free(p);
}

/* They lie in OpenSSL, where poll(2) sees nothing of them. */
static void what_was_read_ahead_is_not_waited_for(void **state)
{
    (void)state;
    char buf[4];

    shake_hands();
    for (int i = 0; i < 3; i++)
        put(&a, "abcdef");
    assert_gets(&b, "abcdefabcdef");
    assert_int_equal(get(&b, buf, 4), 4);
    assert_true(b.readable);
    assert_int_equal(ws__stream_wait_read(&b, 1), 0);
    assert_int_equal(ws__stream_read(&b, buf, 4), 2);
    assert_false(b.readable);
    assert_int_equal(ws__stream_wait_read(&b, 1), WS_ERR_TIMEOUT);
}

static uint8_t *pattern(void)
{
    uint8_t *p = malloc(LARGE);

    assert_non_null(p);
    for (size_t i = 0; i < LARGE; i++)
        p[i] = (uint8_t)(i * 7 + (i >> 8));
    return p;
}

/* The caller may have moved it meanwhile. */
static void what_is_held_may_come_again_from_elsewhere(void **state)
{
    (void)state;
    uint8_t *p = pattern(), *other = pattern();
    struct iovec v = { p, LARGE };
    uint8_t got[RECORD];
    size_t sent = 0, came = 0;
    ssize_t r;

    shake_hands();
    while ((r = ws__stream_writev(&a, &v, 1)) > 0) {
        v.iov_base = p + (sent += (size_t)r);
        v.iov_len -= (size_t)r;
    }
    assert_int_equal(r, -EAGAIN);
    assert_in_range(a.taken, 1, RECORD);
    size_t all = sent + a.taken;
    v = (struct iovec){ other + sent, a.taken };
    memset(p, 0, LARGE);
    while (came < all) {
        r = sent < all ? ws__stream_writev(&a, &v, 1) : -EAGAIN;
        assert_true(r == -EAGAIN || sent + (size_t)r == all);
        sent += r > 0 ? (size_t)r : 0;
        r = ws__stream_read(&b, got, sizeof(got));
        assert_true(r == -EAGAIN || r > 0);
        assert_memory_equal(got, other + came, r > 0 ? (size_t)r : 0);
        came += r > 0 ? (size_t)r : 0;
    }
    assert_int_equal(sent, all);
    assert_int_equal(a.taken, 0);
    free(p);
    free(other);
}

struct way {
    struct ws__stream *s;
    const uint8_t *p;
    size_t n;
};

/* NULL if it is the pattern. */
static void *read_pattern(void *way)
{
    const struct way *w = way;
    uint8_t buf[20000];
    size_t done = 0;

    while (done < w->n) {
        ssize_t r = get(w->s, buf, done % sizeof(buf) + 1);
        if (r <= 0 || memcmp(w->p + done, buf, (size_t)r) != 0)
            return "other bytes";
        done += (size_t)r;
    }
    return NULL;
}

static void *write_pattern(void *way)
{
    const struct way *w = way;

    return ws__stream_write(w->s, w->p, w->n, ws_after(LONG)) == 0
               ? NULL
               : "not written";
}

/* Both ends write and read at once. */
static void cross(size_t n)
{
    uint8_t *p = pattern();
    struct way ways[] = { { &a, p, n }, { &b, p, n } };
    pthread_t t[4];
    void *failed;

    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, i < 2 ? write_pattern : read_pattern,
                       &ways[i % 2]);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &failed);
        assert_null(failed);
    }
    free(p);
}

static void both_ends_write_much_at_once(void **state)
{
    (void)state;
    shake_hands();
    cross(LARGE);
}

static void the_transport_may_go_byte_by_byte(void **state)
{
    (void)state;
    use(&a, slow_read, slow_writev);
    b.transport = a.transport;
    shake_hands();
    cross(20000);
}

static void tls_may_lie_beneath_tls(void **state)
{
    (void)state;
    shake_hands();
    shake_hands();
    cross(LARGE / 4);
    ws__stream_half_close(&a);
    assert_int_equal(get(&b, &(char){ 0 }, 1), 0);
}

/* ---- Ciphers ------------------------------------------------------------ */

static void assert_cipher(const char *offered, const char *chosen)
{
    close_both(NULL);
    open_both(NULL);
    suites = offered;
    shake_hands();
    suites = NULL;
    assert_string_equal(SSL_get_cipher(ssl_of(&a)), chosen);
}

#define AES_128 "TLS_AES_128_GCM_SHA256"
#define AES_256 "TLS_AES_256_GCM_SHA384"
#define CHACHA "TLS_CHACHA20_POLY1305_SHA256"

static void aes_has_128_bits_unless_the_client_wants_otherwise(void **state)
{
    (void)state;
    assert_cipher(NULL, AES_128);
    assert_cipher(AES_256 ":" CHACHA ":" AES_128, AES_128);
    assert_cipher(CHACHA ":" AES_256 ":" AES_128, CHACHA);
    assert_cipher(AES_256 ":" CHACHA, AES_256);
    assert_cipher(CHACHA, CHACHA);
}

/* ---- Messages of its own ------------------------------------------------ */

/* b has the first record of a ticket, and no more of it. */
static void begin_a_ticket(void)
{
    in_fragments = true;
    gate = SIZE_MAX;
    use(&b, gated_read, NULL);
    shake_hands();
    in_fragments = false;
    for (gate = 0; !SSL_in_init(ssl_of(&b)); gate = 1)
        assert_int_equal(ws__stream_read(&b, &(char){ 0 }, 1), -EAGAIN);
    gate = 0;
}

/* What it read further would lie where poll(2) does not see it. */
static void a_write_reads_no_more_than_stands_in_its_way(void **state)
{
    (void)state;
    struct iovec v = { "x", 1 };
    struct pollfd p = { .events = POLLIN };

    begin_a_ticket();
    put(&a, "abcd");
    gate = SIZE_MAX;
    assert_int_equal(ws__stream_writev(&b, &v, 1), 1);
    p.fd = b.fd;
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_gets(&b, "abcd");
    assert_gets(&a, "x");
}

static void a_write_waits_until_somebody_has_read(void **state)
{
    (void)state;
    struct iovec v = { "x", 1 };

    begin_a_ticket();
    assert_int_equal(ws__stream_writev(&b, &v, 1), -EAGAIN);
    assert_int_equal(b.write_events, POLLIN);
    assert_int_equal(b.taken, 0);
    assert_int_equal(ws_event_wait(b.transport->ops->again(&b), 1),
                     WS_ERR_TIMEOUT);
    gate = SIZE_MAX;
    while (SSL_in_init(ssl_of(&b)))
        assert_int_equal(ws__stream_read(&b, &(char){ 0 }, 1), -EAGAIN);
    assert_int_equal(ws_event_wait(b.transport->ops->again(&b), 1), 0);
    assert_int_equal(ws__stream_wait_write(&b, 0), 0);
    assert_int_equal(ws__stream_writev(&b, &v, 1), 1);
    assert_int_equal(b.write_events, POLLOUT);
    assert_gets(&a, "x");
}

/* ---- A peer that breaks the rules ---------------------------------------- */

enum { SECRET = 32, KEY = 16, IV = 12, TAG = 16 };

static uint8_t secret[SECRET]; /* of what the client sends */

static void note_secret(const SSL *ssl, const char *line)
{
    static const char label[] = "CLIENT_TRAFFIC_SECRET_0 ";
    const char *hex = strrchr(line, ' ') + 1;

    (void)ssl;
    if (strncmp(line, label, strlen(label)) != 0)
        return;
    for (int i = 0; i < SECRET; i++)
        sscanf(hex + 2 * i, "%2hhx", &secret[i]);
}

/* HKDF-Expand-Label (RFC 8446, section 7.1). */
static void derive(const char *label, uint8_t *out, uint8_t n)
{
    uint8_t info[64], whole[EVP_MAX_MD_SIZE];
    int len = snprintf((char *)info + 3, sizeof(info) - 3, "tls13 %s", label);
    unsigned made = sizeof(whole);

    info[0] = 0;
    info[1] = n;
    info[2] = (uint8_t)len;
    info[len + 3] = 0; /* no context */
    info[len + 4] = 1; /* of HKDF's blocks the first */
    assert_non_null(HMAC(EVP_sha256(), secret, SECRET, info, (size_t)len + 5,
                         whole, &made));
    memcpy(out, whole, n);
}

/* The client's record of that number, whatever its own TLS thinks of it (RFC
 * 8446, sections 5.2 and 5.3). */
static void forge(uint8_t number, uint8_t type, const char *text, uint8_t len)
{
    uint8_t key[KEY], iv[IV], in[64], out[5 + 64 + TAG];
    uint8_t n = (uint8_t)(len + 1);
    int made;
    EVP_CIPHER_CTX *e = EVP_CIPHER_CTX_new();

    derive("key", key, KEY);
    derive("iv", iv, IV);
    iv[IV - 1] ^= number;
    memcpy(in, text, len);
    in[len] = type;
    memcpy(out, (uint8_t[]){ 0x17, 3, 3, 0, (uint8_t)(n + TAG) }, 5);
    assert_true(EVP_EncryptInit_ex(e, EVP_aes_128_gcm(), NULL, key, iv));
    assert_true(EVP_EncryptUpdate(e, NULL, &made, out, 5));
    assert_true(EVP_EncryptUpdate(e, out + 5, &made, in, n));
    assert_true(EVP_EncryptFinal_ex(e, out + 5 + n, &made));
    assert_true(EVP_CIPHER_CTX_ctrl(e, EVP_CTRL_GCM_GET_TAG, TAG, out + 5 + n));
    EVP_CIPHER_CTX_free(e);
    assert_int_equal(send(b.fd, out, 5u + n + TAG, 0), 5 + n + TAG);
}

/* Half a request for new keys stands in the way, and then comes the end. */
static void a_write_that_has_to_read_may_find_the_end(void **state)
{
    (void)state;
    struct iovec v = { "x", 1 };

    listens = note_secret;
    suites = "TLS_AES_128_GCM_SHA256";
    shake_hands();
    suites = NULL;
    listens = NULL;
    forge(0, SSL3_RT_HANDSHAKE, "\x18\0\0\1", 4);
    assert_int_equal(ws__stream_wait_read(&a, ws_after(LONG)), 0);
    assert_int_equal(ws__stream_read(&a, &(char){ 0 }, 1), -EAGAIN);
    forge(1, SSL3_RT_ALERT, "\1\0", 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ws__stream_writev(&a, &v, 1), WS_ERR_EOF);
}

/* "close_notify" instead of an answer. */
static void a_handshake_may_find_the_end(void **state)
{
    (void)state;
    static const char alert[] = { 0x15, 3, 1, 0, 2, 1, 0 };
    ws_error err = { 0 };

    assert_int_equal(send(a.fd, alert, sizeof(alert), 0), sizeof(alert));
    assert_int_equal(ws__tls_connect(&b, &trust, &good, 0, NULL, &err), 0);
    assert_int_equal(ws__tls_handshake(&b, ws_after(LONG), NULL, &err),
                     WS_ERR_EOF);
    assert_string_equal(err.text,
                        "TLS with good.test: the peer closed the connection "
                        "during the handshake");
}

/* ---- The end ------------------------------------------------------------ */

static void an_end_is_told_from_a_cut(void **state)
{
    (void)state;
    char c;

    shake_hands();
    put(&a, "ab");
    ws__stream_half_close(&a);
    assert_gets(&b, "ab");
    assert_int_equal(get(&b, &c, 1), 0);

    put(&b, "cd"); /* the other direction is still open, */
    assert_gets(&a, "cd");
    ws__tls_unwrap(&b); /* and is cut */
    ws__stream_fini(&b);
    assert_int_equal(get(&a, &c, 1), WS_ERR_EOF);
    assert_int_equal(get(&a, &c, 1), WS_ERR_EOF);
}

static void an_end_that_found_no_room_is_said_again(void **state)
{
    (void)state;
    char c;

    use(&a, NULL, full_writev);
    full = false;
    shake_hands();
    full = true;
    for (int i = 0; i < 2; i++)
        assert_int_equal(ws__stream_half_close(&a), -EAGAIN);
    assert_int_equal(a.write_events, POLLOUT);
    put(&b, "ab"); /* which is read meanwhile */
    assert_gets(&a, "ab");
    assert_int_equal(ws__stream_half_close(&a), -EAGAIN);
    full = false;
    for (int i = 0; i < 2; i++)
        assert_int_equal(ws__stream_half_close(&a), 0);
    assert_int_equal(get(&b, &c, 1), 0);
}

/* There is nobody to say it to, so nothing is to be waited for. */
static void an_end_that_cannot_be_said_is_not_said_again(void **state)
{
    (void)state;

    shake_hands();
    ws__stream_fini(&b);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ws__stream_half_close(&a), 0);
}

static void a_cut_inside_of_a_record_is_one(void **state)
{
    (void)state;
    char c;

    shake_hands();
    ws__tls_unwrap(&a);
    put(&a, "\x17\x03\x03\x20");
    ws__stream_half_close(&a);
    assert_int_equal(get(&b, &c, 1), WS_ERR_EOF);
}

/* SIGPIPE does here what it does by default: end the process. */
static void a_peer_that_is_gone_is_an_error_and_no_signal(void **state)
{
    (void)state;
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    struct sigaction before;

    shake_hands();
    ws__stream_fini(&b);
    sigaction(SIGPIPE, &standard, &before);
    assert_int_equal(ws__stream_write(&a, "ab", 2, 0), -EPIPE);
    ws__stream_half_close(&a);
    sigaction(SIGPIPE, &before, NULL);
}

/* What is forged ends both directions, and each end knows why. */
static void a_forged_record_is_refused_in_words(void **state)
{
    (void)state;
    static const char forged[] = "\x17\x03\x03\x00\x20"
                                 "12345678901234567890123456789012";
    char c;

    shake_hands();
    while (b.readable)
        assert_int_equal(ws__stream_read(&b, &c, 1), -EAGAIN);
    assert_int_equal(b.transport->ops->read(&b, &c, 1), -EAGAIN);
    assert_int_equal(send(b.fd, forged, sizeof(forged) - 1, 0),
                     sizeof(forged) - 1);
    assert_int_equal(get(&a, &c, 1), WS_ERR_TLS);
    assert_non_null(strstr(ws__stream_error(&a, WS_ERR_TLS), "bad record mac"));
    assert_int_equal(ws__stream_write(&a, "a", 1, 0), WS_ERR_TLS);
    assert_int_equal(get(&b, &c, 1), WS_ERR_TLS);
    assert_non_null(
        strstr(ws__stream_error(&b, WS_ERR_TLS), "alert bad record mac"));
}

static void errors_that_others_left_are_not_ours(void **state)
{
    (void)state;
    char c;

    shake_hands();
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    assert_int_equal(ws__stream_read(&a, &c, 1), -EAGAIN);
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    put(&a, "ab");
    assert_gets(&b, "ab");
    assert_int_equal(ERR_peek_error(), 0);
}

/* ---- Memory and secrets ------------------------------------------------- */

static void an_idle_stream_holds_no_buffers(void **state)
{
    (void)state;
    char buf[4];

    shake_hands();
    put(&a, "ab"); /* behind what the handshake leaves to be read */
    assert_gets(&b, "ab");
    for (int i = 0; i < 3; i++) {
        cross(LARGE / 16);
        while (ws__stream_read(&a, buf, 4) != -EAGAIN ||
               ws__stream_read(&b, buf, 4) != -EAGAIN)
            continue;
        assert_int_equal(atomic_load(&buffers), 0);
    }
}

static void secrets_are_logged_only_where_a_field_asks(void **state)
{
    (void)state;
    struct stat st;

    setenv("SSLKEYLOGFILE", certs_path("keys"), 1);
    shake_hands();
    assert_int_not_equal(stat(certs_path("keys"), &st), 0);
    close_both(state);
    open_both(state);
    trust.key_log = true;
    shake_hands();
    trust.key_log = false;
    unsetenv("SSLKEYLOGFILE");

    char line[256] = "";
    FILE *f = fopen(certs_path("keys"), "r");
    assert_non_null(fgets(line, sizeof(line), f));
    fclose(f);
    assert_memory_equal(line, "SERVER_HANDSHAKE_TRAFFIC_SECRET ", 32);
    assert_int_equal(stat(certs_path("keys"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void nothing(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static int make_files(void **state)
{
    ws_error err = { 0 };

    (void)state;
    certs_begin();
    cert_write_new(
        "self.pem",
        (struct cert_spec){ .cn = "good.test", .san = "DNS:good.test" }, NULL);
    files.cert_file = trust.ca_file = trust.cert_file = certs_path("self.pem");
    strict = files;
    strict.ca_file = files.cert_file;
    context = ws__tls_context_new(&files, &err);
    demanding = ws__tls_context_new(&strict, &err);
    return context && demanding ? 0 : -1;
}

static int remove_files(void **state)
{
    (void)state;
    ws__tls_context_free(context);
    ws__tls_context_free(demanding);
    certs_end();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_small_goes_in_one_send),
        TEST(records_but_the_last_say_that_more_follows),
        TEST(a_cut_message_holds_nothing_back),
        TEST(read_never_waits),
        TEST(a_record_is_read_in_one_go),
        TEST(new_keys_come_with_bytes_now_and_then),
        TEST(a_write_takes_no_more_than_is_right_at_once),
        TEST(what_was_read_ahead_is_not_waited_for),
        TEST(what_is_held_may_come_again_from_elsewhere),
        TEST(both_ends_write_much_at_once),
        TEST(the_transport_may_go_byte_by_byte),
        TEST(tls_may_lie_beneath_tls),
        TEST(aes_has_128_bits_unless_the_client_wants_otherwise),
        TEST(a_write_reads_no_more_than_stands_in_its_way),
        TEST(a_write_waits_until_somebody_has_read),
        TEST(a_write_that_has_to_read_may_find_the_end),
        TEST(a_handshake_may_find_the_end),
        TEST(an_end_that_found_no_room_is_said_again),
        TEST(an_end_that_cannot_be_said_is_not_said_again),
        TEST(an_end_is_told_from_a_cut),
        TEST(a_cut_inside_of_a_record_is_one),
        TEST(a_peer_that_is_gone_is_an_error_and_no_signal),
        TEST(a_forged_record_is_refused_in_words),
        TEST(errors_that_others_left_are_not_ours),
        TEST(an_idle_stream_holds_no_buffers),
        TEST(secrets_are_logged_only_where_a_field_asks),
    };

    openssl_alloc_install(count_buffers);
    ws_set_log(nothing, NULL);
    signal(SIGPIPE, SIG_DFL);
    return run_in_mode("tls_stream", tests, make_files, remove_files);
}
