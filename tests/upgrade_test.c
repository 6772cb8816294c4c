/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include <silverback/fiber.h>
#include <silverback/upgrade.h>

#include "alloc_fail.h"
#include "peer.h"
#include "mode.h"

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define GET "GET / HTTP/1.1" SERVED
#define WHOLE GET UPGRADE VERSION KEY
#define NOT_WEBSOCKET                                                          \
    "websocket: the client is not using the websocket protocol: "

static struct answer a;
static ws_listener *l;

/* ---- The server --------------------------------------------------------- */

static const ws_upgrader *upgrader;
static const ws_header *response;
static ws_mutex error_lock; /* for tests that do not wait for each handler */
static ws_error error;
static ws_event done; /* the handler is at its end */

static void (*after)(ws_conn *c, ws_request *r);

static void handler(ws_request *r, void *arg)
{
    (void)arg;
    ws_conn *c = ws_upgrade(upgrader, r, response);

    ws_mutex_lock(&error_lock);
    error = r->error;
    ws_mutex_unlock(&error_lock);
    if (after)
        after(c, r);
    else
        ws_close(c);
    ws_event_set(&done);
}

static int start(void **state)
{
    (void)state;
    static const ws_route routes[] = { { .path = "/", .handler = handler },
                                       { 0 } };

    upgrader = NULL;
    response = NULL;
    after = NULL;
    ws_event_clear(&done);
    l = serve((ws_server){ .routes = routes });
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return l ? ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)) : 0;
}

static void wait_for_handler(void)
{
    assert_int_equal(ws_event_wait(&done, ws_after(PATIENCE_S * 1000)), 0);
    ws_event_clear(&done);
}

static int dial(const char *request)
{
    int fd = call(l);

    say(fd, request);
    assert_true(hear_head(fd, &a));
    return fd;
}

/* ---- Refusals ----------------------------------------------------------- */

static bool nobody(const ws_request *r, void *arg)
{
    (void)r;
    (void)arg;
    return false;
}

static const ws_upgrader unfriendly = { .check_origin = nobody };
static const char *const no_origins[] = { "a", NULL };
static const ws_upgrader misspelt = { .allowed_origins = no_origins };
static const ws_header extensions[] = {
    { "Sec-WebSocket-Extensions", "permessage-deflate" },
    { 0 },
};
static const ws_header bad_name[] = { { "a b", "c" }, { 0 } };

/* Every way to be refused, in the order of the checks: the request, what the
 * handler hands to ws_upgrade, the status and the fields of the answer, and
 * r->error.text; NULL where the server answers by itself, before the handler. */
static const struct refusal {
    const char *why;
    const char *request;
    const ws_upgrader *u;
    const ws_header *response;
    int status;
    const char *fields[3];
    const char *text;
} refusals[] = {
    { "malformed HTTP", "GET / HTTP/1.1\nHost: a\n" UPGRADE VERSION KEY "\r\n",
      .status = 400, .fields = { "Connection: close" } },
    { "no Host", "GET / HTTP/1.1\r\n" UPGRADE VERSION KEY "\r\n", .status = 400,
      .fields = { "Connection: close" } },
    { "a second Host", GET "Host: a\r\n" UPGRADE VERSION KEY "\r\n",
      .status = 400, .fields = { "Connection: close" } },
    { "HTTP/2.0", "GET / HTTP/2.0" SERVED UPGRADE VERSION KEY "\r\n",
      .status = 505, .fields = { "Connection: close" } },
    { "HTTP/1.0", "GET / HTTP/1.0" SERVED UPGRADE VERSION KEY "\r\n",
      .status = 426,
      .fields = { "Sec-WebSocket-Version: 13", "Upgrade: websocket",
                  "Connection: close" },
      .text = "websocket: the request is HTTP/1.0, not HTTP/1.1 (does a proxy "
              "in between speak 1.0?)" },
    { "a body", WHOLE "Content-Length: 1\r\n\r\nx", .status = 400,
      .fields = { "Sec-WebSocket-Version: 13", "Connection: close" },
      .text = "websocket: the request has a body, an upgrade has none" },
    { "a chunked body", WHOLE "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      .status = 400,
      .fields = { "Sec-WebSocket-Version: 13", "Connection: close" },
      .text = "websocket: the request has a body, an upgrade has none" },
    { "a second Key", WHOLE KEY "\r\n", .status = 400,
      .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: more than one 'Sec-WebSocket-Key' header" },
    { "a second Origin", WHOLE "Origin: http://a\r\nOrigin: http://a\r\n\r\n",
      .status = 400, .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: more than one 'Origin' header" },
    { "Connection without upgrade",
      GET "Connection: keep-alive\r\nUpgrade: websocket\r\n" VERSION KEY "\r\n",
      .status = 400, .fields = { "Sec-WebSocket-Version: 13" },
      .text =
          NOT_WEBSOCKET "'upgrade' token not found in 'Connection' header" },
    { "Upgrade without websocket",
      GET "Connection: upgrade\r\nUpgrade: h2c\r\n" VERSION KEY "\r\n",
      .status = 426,
      .fields = { "Sec-WebSocket-Version: 13", "Upgrade: websocket" },
      .text = NOT_WEBSOCKET "'websocket' token not found in 'Upgrade' header" },
    { "another method", "PUT / HTTP/1.1" SERVED UPGRADE VERSION KEY "\r\n",
      .status = 405, .fields = { "Sec-WebSocket-Version: 13", "Allow: GET" },
      .text = NOT_WEBSOCKET "request method is not GET" },
    { "another version", GET UPGRADE "Sec-WebSocket-Version: 8\r\n" KEY "\r\n",
      .status = 400, .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: unsupported version: 13 not found in "
              "'Sec-WebSocket-Version' header" },
    { "extensions among the response headers", WHOLE "\r\n",
      .response = extensions, .status = 500,
      .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: application specific 'Sec-WebSocket-Extensions' "
              "headers are unsupported" },
    { "another Origin", WHOLE "Origin: http://b\r\n\r\n", .status = 403,
      .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: Origin \"http://b\" is not in allowed_origins, and "
              "Host \"a\" is another" },
    { "check_origin says no", WHOLE "\r\n", .u = &unfriendly, .status = 403,
      .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: check_origin refused a request without Origin" },
    { "an entry of allowed_origins that is no origin", WHOLE "\r\n",
      .u = &misspelt, .status = 500, .fields = { "Sec-WebSocket-Version: 13" },
      .text = "allowed_origins: expected scheme://host[:port], \"null\" or "
              "\"*\", got \"a\"" },
    { "no Key", GET UPGRADE VERSION "\r\n", .status = 400,
      .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: not a websocket handshake: 'Sec-WebSocket-Key' "
              "header must be Base64 encoded value of 16-byte in length" },
    { "a Key that is too short",
      GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n",
      .status = 400, .fields = { "Sec-WebSocket-Version: 13" },
      .text = "websocket: not a websocket handshake: 'Sec-WebSocket-Key' "
              "header must be Base64 encoded value of 16-byte in length" },
    { "a response header that cannot be sent", WHOLE "\r\n",
      .response = bad_name, .status = 500, .fields = { NULL },
      .text = "a response header cannot be sent" },
};

static void assert_has_line(const char *head, const char *line)
{
    char whole[256];

    snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
    if (!strstr(head, whole))
        fail_msg("no %s in:\n%s", line, head);
}

static void every_refusal_has_its_status_fields_and_text(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct refusal *row = &refusals[i];

        upgrader = row->u;
        response = row->response;
        assert_int_equal(ask(l, row->request, &a), row->status);
        for (size_t k = 0; k < COUNT(row->fields) && row->fields[k]; k++)
            assert_has_line(a.head, row->fields[k]);
        if (!row->text)
            continue;
        wait_for_handler();
        assert_string_equal(error.text, row->text);
        assert_int_equal(error.http_status, row->status);
        assert_int_equal(error.code, row->status == 500 ? WS_ERR_INVALID
                                                        : WS_ERR_HANDSHAKE);
    }
}

static void a_refusal_says_its_status_in_plain_text(void **state)
{
    (void)state;
    assert_int_equal(ask(l, GET "\r\n", &a), 400);
    assert_string_equal(a.body, "Bad Request\n");
}

/* What follows is the next request: the connection is still HTTP. */
static void a_refused_connection_goes_on(void **state)
{
    (void)state;
    int fd = call(l);

    say(fd, GET "\r\n" GET "\r\n");
    assert_true(hear(fd, &a) && hear(fd, &a));
    assert_int_equal(a.status, 400);
    close(fd);
}

/* ---- The hook ----------------------------------------------------------- */

static void answer_itself(ws_request *r, int status, const char *reason,
                          void *arg)
{
    const ws_header headers[] = { { "X-Hook", arg }, { 0 } };

    ws_reply(r, status + 1, headers, reason, strlen(reason));
}

static void only_look(ws_request *r, int status, const char *reason, void *arg)
{
    (void)r;
    (void)reason;
    *(int *)arg = status;
}

static void the_hook_answers_or_leaves_it_to_us(void **state)
{
    (void)state;
    static char own[] = "own";
    int seen = 0;
    const ws_upgrader answers = { .error = answer_itself, .arg = own };
    const ws_upgrader looks = { .error = only_look, .arg = &seen };

    upgrader = &answers;
    assert_int_equal(ask(l, GET "\r\n", &a), 401);
    assert_string_equal(field_of(&a, "X-Hook"), "own");
    assert_string_equal(field_of(&a, "Sec-WebSocket-Version"), "13");
    assert_int_equal(strncmp(a.body, "websocket: ", 11), 0);

    upgrader = &looks;
    assert_int_equal(ask(l, GET "\r\n", &a), 400);
    assert_int_equal(seen, 400);
    assert_string_equal(a.body, "Bad Request\n");
}

static void answer_with_fields(ws_request *r, int status, const char *reason,
                               void *arg)
{
    static const ws_header headers[] = { { "sec-websocket-version", "8, 13" },
                                         { 0 } };

    (void)reason;
    (void)arg;
    ws_reply(r, status, headers, "{}", 2);
}

/* RFC 9110, sections 15.5.6 and 15.5.22; RFC 6455, section 4.4. */
static void the_hooks_answer_has_what_its_status_wants(void **state)
{
    (void)state;
    static const char key[] = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    static const struct {
        const char *method, *version, *fields;
        int status;
        const char *name, *value;
    } rows[] = {
        { "GET", "1.1", "Connection: Upgrade\r\n", 426, "Upgrade",
          "websocket" },
        { "GET", "1.0", key, 426, "Upgrade", "websocket" },
        { "POST", "1.1", key, 405, "Allow", "GET" },
        { "GET", "1.1", key, 400, "sec-websocket-version", "8, 13" },
    };
    static const ws_upgrader answers = { .error = answer_with_fields };
    char request[512];

    upgrader = &answers;
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(request, sizeof(request), "%s / HTTP/%s" SERVED "%s\r\n",
                 rows[i].method, rows[i].version, rows[i].fields);
        assert_int_equal(ask(l, request, &a), rows[i].status);
        assert_string_equal(a.body, "{}");
        assert_string_equal(field_of(&a, rows[i].name), rows[i].value);
        assert_null(field_of(&a, "Sec-WebSocket-Version"));
    }
}

/* ---- Upgrades ----------------------------------------------------------- */

/* RFC 6455, section 1.3. */
static void the_answer_is_that_of_the_rfc(void **state)
{
    (void)state;
    static const ws_header more[] = { { "X-A", "b\r\nc" }, { 0 } };

    response = more;
    int fd = dial(WHOLE "\r\n");
    assert_string_equal(a.head,
                        "HTTP/1.1 101 Switching Protocols\r\n"
                        "Upgrade: websocket\r\n"
                        "Connection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                        "X-A: b  c\r\n\r\n");
    wait_for_handler();
    assert_int_equal(error.code, 0);
    assert_true(has_ended(fd));
    close(fd);
}

static char message[64], subprotocol[64];

static void read_one(ws_conn *c, ws_request *r)
{
    ws_message m = { .data = NULL };

    assert_string_equal(r->path, "/"); /* lives on */
    message[0] = '\0';
    snprintf(subprotocol, sizeof(subprotocol), "%s", ws_subprotocol(c));
    if (ws_read_message(c, &m) == 0)
        snprintf(message, sizeof(message), "%s", m.data);
    ws_close(c);
}

/* A masked "Hello" (RFC 6455, section 5.7), and one that is not whole. */
#define HELLO "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

static void what_came_with_the_request_is_read_first(void **state)
{
    (void)state;
    static const char bytes[] = WHOLE "\r\n" HELLO;

    after = read_one;
    for (size_t late = 0; late <= sizeof(HELLO) - 1; late++) {
        const size_t n = sizeof(bytes) - 1 - late;
        int fd = call(l);

        say_n(fd, bytes, n);
        assert_true(hear_head(fd, &a));
        say_n(fd, bytes + n, late);
        wait_for_handler();
        assert_string_equal(message, "Hello");
        close(fd);
    }
}

static void the_subprotocol_is_the_clients_first_that_we_list(void **state)
{
    (void)state;
    static const char *const ours[] = { "b", "c", NULL };
    static const ws_upgrader lists = { .subprotocols = ours };
    static const ws_header says[] = { { "Sec-WebSocket-Protocol", "x" },
                                      { 0 } };
    static const struct {
        const ws_upgrader *u;
        const ws_header *response;
        const char *field;
        const char *chosen;
    } rows[] = {
        { &lists, NULL, "Sec-WebSocket-Protocol: a, c, b\r\n", "c" },
        { &lists, says, "Sec-WebSocket-Protocol: b\r\n", "b" },
        { &lists, NULL, "Sec-WebSocket-Protocol: d\r\n", "" },
        { NULL, says, "", "x" },
        { NULL, NULL, "Sec-WebSocket-Protocol: b\r\n", "" },
    };
    char request[512];

    after = read_one;
    for (size_t i = 0; i < COUNT(rows); i++) {
        upgrader = rows[i].u;
        response = rows[i].response;
        snprintf(request, sizeof(request), WHOLE "%s\r\n", rows[i].field);
        int fd = dial(request);
        const char *field = field_of(&a, "Sec-WebSocket-Protocol");
        assert_string_equal(field ? field : "", rows[i].chosen);
        close(fd);
        wait_for_handler();
        assert_string_equal(subprotocol, rows[i].chosen);
    }
}

static void compression_is_agreed_to_when_both_want_it(void **state)
{
    (void)state;
    static const ws_upgrader with = { .enable_compression = true };
    static const char offer[] =
        WHOLE "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

    close(dial(offer));
    assert_null(field_of(&a, "Sec-WebSocket-Extensions"));
    upgrader = &with;
    close(dial(WHOLE "\r\n"));
    assert_null(field_of(&a, "Sec-WebSocket-Extensions"));
    close(dial(offer));
    assert_string_equal(field_of(&a, "Sec-WebSocket-Extensions"),
                        "permessage-deflate; server_no_context_takeover; "
                        "client_no_context_takeover");
}

static const char *asked[8];

static void list_subprotocols(ws_conn *c, ws_request *r)
{
    const char *const *list = ws_requested_subprotocols(r);
    static char copies[COUNT(asked)][16];
    size_t n = 0;

    assert_ptr_equal(list, ws_requested_subprotocols(r));
    for (; list[n]; n++) {
        snprintf(copies[n], sizeof(copies[n]), "%s", list[n]);
        asked[n] = copies[n];
    }
    asked[n] = NULL;
    ws_close(c);
}

static void the_clients_subprotocols_are_listed_in_its_order(void **state)
{
    (void)state;

    after = list_subprotocols;
    close(dial(WHOLE "Sec-WebSocket-Protocol: b, a\r\n"
                     "Sec-WebSocket-Protocol:\r\n"
                     "sec-websocket-protocol: ,c ,\r\n\r\n"));
    wait_for_handler();
    assert_string_equal(asked[0], "b");
    assert_string_equal(asked[1], "a");
    assert_string_equal(asked[2], "c");
    assert_null(asked[3]);
    close(dial(WHOLE "\r\n"));
    wait_for_handler();
    assert_null(asked[0]);
}

/* ---- Misuse ------------------------------------------------------------- */

static void upgrade_again(ws_conn *c, ws_request *r)
{
    assert_null(ws_upgrade(NULL, r, NULL));
    error = r->error;
    assert_int_equal(ws_reply_text(r, 200, "no"), WS_ERR_INVALID);
    ws_close(c);
}

static void a_request_is_answered_once(void **state)
{
    (void)state;

    after = upgrade_again;
    close(dial(WHOLE "\r\n"));
    wait_for_handler();
    assert_int_equal(error.code, WS_ERR_INVALID);
    close(dial(GET "\r\n"));
    wait_for_handler();
    assert_int_equal(error.code, WS_ERR_INVALID);
    assert_int_equal(a.status, 400);
}

/* Also the answer that says so needs memory: then there is none. */
static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    static const ws_upgrader with = { .enable_compression = true };

    upgrader = &with;
    for (long n = 1; n < 40; n++) {
        int fd = call(l);

        alloc_fail_at(n);
        say(fd, WHOLE "Sec-WebSocket-Protocol: a\r\n\r\n");
        hear(fd, &a);
        alloc_fail_at(0);
        close(fd);
    }
    int fd = dial(WHOLE "\r\n");
    assert_int_equal(a.status, 101);
    close(fd);
}

/* ---- Shutdown ----------------------------------------------------------- */

static ws_conn *kept;

static void keep_conn(ws_conn *c, ws_request *r)
{
    (void)r;
    kept = c;
}

static void read_to_the_end(ws_conn *c, ws_request *r)
{
    ws_message m;

    (void)r;
    while (ws_read_message(c, &m) == 0)
        ;
    error = *ws_conn_error(c);
    ws_close(c);
}

static void *end(void *arg)
{
    *(int *)arg = ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000));
    l = NULL;
    return NULL;
}

/* An empty close frame of code 1001, and the client's masked answer. */
#define GOING_AWAY "\x88\x02\x03\xe9"
#define ANSWER "\x88\x82\0\0\0\0\x03\xe9"

static void shutdown_says_1001_and_reads_until_the_answer(void **state)
{
    (void)state;
    char bytes[4];
    pthread_t t;
    int result;

    after = read_to_the_end;
    int fd = dial(WHOLE "\r\n");
    assert_int_equal(a.status, 101);
    pthread_create(&t, NULL, end, &result);
    assert_int_equal(recv(fd, bytes, 4, MSG_WAITALL), 4);
    assert_memory_equal(bytes, GOING_AWAY, 4);
    say_n(fd, ANSWER, sizeof(ANSWER) - 1);
    assert_true(has_ended(fd));
    close(fd);
    pthread_join(t, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(error.code, WS_ERR_CLOSED);
}

static void shutdown_breaks_who_does_not_answer(void **state)
{
    (void)state;

    after = read_to_the_end;
    int fd = dial(WHOLE "\r\n");
    assert_int_equal(ws_listener_shutdown(l, 1), 0);
    l = NULL;
    assert_int_equal(error.code, WS_ERR_CANCELED);
    close(fd);
}

/* It was closed, and waits only for the peer to have read that. */
static void shutdown_breaks_who_does_not_go(void **state)
{
    (void)state;
    int fd = dial(WHOLE "\r\n");

    assert_int_equal(a.status, 101);
    wait_for_handler();
    assert_int_equal(ws_listener_shutdown(l, 1), 0);
    l = NULL;
    close(fd);
}

/* A descriptor is in use as long as it is not closed. */
static void one_that_does_not_go_is_counted(void **state)
{
    (void)state;
    static const ws_route routes[] = { { .path = "/", .handler = handler },
                                       { 0 } };

    assert_int_equal(stop(NULL), 0);
    l = serve((ws_server){ .routes = routes, .max_connections = 1 });
    int fd = dial(WHOLE "\r\n");
    assert_int_equal(a.status, 101);
    wait_for_handler();
    int other = dial("");
    assert_int_equal(a.status, 503);
    close(other);
    close(fd);
}

static void a_connection_may_outlive_its_handler_and_the_listener(void **state)
{
    (void)state;
    char bytes[4];

    after = keep_conn;
    int fd = dial(WHOLE "\r\n");
    wait_for_handler();
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_S * 1000)), 0);
    l = NULL;
    assert_int_equal(recv(fd, bytes, 4, MSG_WAITALL), 4);
    assert_memory_equal(bytes, GOING_AWAY, 4);
    assert_int_equal(ws_write_text(kept, "late"), WS_ERR_CLOSE_SENT);
    close(fd);
    ws_close(kept);
}

/* ---- Adoption ----------------------------------------------------------- */

static void an_adopted_socket_is_a_plain_servers_end(void **state)
{
    (void)state;
    int fds[2];
    ws_error err;
    ws_message m;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ws_conn *c = ws_adopt(fds[0], NULL, &err);
    assert_non_null(c);
    assert_int_equal(err.code, 0);
    assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    say_n(fds[1], HELLO, sizeof(HELLO) - 1);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "Hello");
    assert_string_equal(ws_subprotocol(c), "");
    close(fds[1]);
    ws_close(c);
}

static void an_adoption_may_say_more(void **state)
{
    (void)state;
    /* "Hello", compressed (RFC 7692, section 7.2.3.1). */
    static const uint8_t early[] = { 0xc1, 0x07, 0xf2, 0x48, 0xcd,
                                     0xc9, 0xc9, 0x07, 0x00 };
    const ws_adoption adoption = { .client = true,
                                   .compression = true,
                                   .subprotocol = "s",
                                   .early = early,
                                   .early_len = sizeof(early) };
    int fds[2];
    ws_message m;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ws_conn *c = ws_adopt(fds[0], &adoption, NULL);
    assert_non_null(c);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "Hello");
    assert_string_equal(ws_subprotocol(c), "s");
    close(fds[1]);
    ws_close(c);
}

static void adopt_takes_the_descriptor_also_when_it_fails(void **state)
{
    (void)state;
    ws_error err;
    int fds[2];

    assert_null(ws_adopt(-1, NULL, &err));
    assert_int_equal(err.code, -EBADF);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    alloc_fail_at(1);
    assert_null(ws_adopt(fds[0], NULL, &err));
    alloc_fail_at(0);
    assert_int_equal(err.code, -ENOMEM);
    assert_true(has_ended(fds[1]));
    close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_refusal_has_its_status_fields_and_text),
        TEST(a_refusal_says_its_status_in_plain_text),
        TEST(a_refused_connection_goes_on),
        TEST(the_hook_answers_or_leaves_it_to_us),
        TEST(the_hooks_answer_has_what_its_status_wants),
        TEST(the_answer_is_that_of_the_rfc),
        TEST(what_came_with_the_request_is_read_first),
        TEST(the_subprotocol_is_the_clients_first_that_we_list),
        TEST(compression_is_agreed_to_when_both_want_it),
        TEST(the_clients_subprotocols_are_listed_in_its_order),
        TEST(a_request_is_answered_once),
        TEST(every_failed_allocation_is_survived),
        TEST(shutdown_says_1001_and_reads_until_the_answer),
        TEST(shutdown_breaks_who_does_not_answer),
        TEST(shutdown_breaks_who_does_not_go),
        TEST(one_that_does_not_go_is_counted),
        TEST(a_connection_may_outlive_its_handler_and_the_listener),
        cmocka_unit_test(an_adopted_socket_is_a_plain_servers_end),
        cmocka_unit_test(an_adoption_may_say_more),
        cmocka_unit_test(adopt_takes_the_descriptor_also_when_it_fails),
    };

    alloc_fail_install();
    return run_in_mode("upgrade", tests, NULL, NULL);
}
