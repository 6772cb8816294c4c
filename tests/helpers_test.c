/* SPDX-License-Identifier: MIT */

/* Handlers that keep all of their helper threads, and what goes on beside. */

#include "test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include <silverback.h>

#include "certs.h"
#include "mode.h"
#include "peer.h"

enum {
    HELPERS = 64,
    PATIENCE_MS = PATIENCE_S * 1000,
};

static struct cert ca;
static ws_tls trust = { .insecure_skip_verify = false };
static ws_listener *l;

/* ---- The server, of another worker --------------------------------------- */

static void file(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_file(r, certs_folder);
}

static const ws_route routes[] = { { .path = "/", .handler = file }, { 0 } };

/* ---- Handlers' helpers --------------------------------------------------- */

static atomic_int inside;
static ws_event may_leave;

static int stay(void *arg)
{
    (void)arg;
    atomic_fetch_add(&inside, 1);
    ws_event_wait(&may_leave, ws_after(PATIENCE_MS));
    atomic_fetch_sub(&inside, 1);
    return 0;
}

static void stay_in_helper(void *arg)
{
    ws_blocking(stay, arg);
}

static void keep_all(ws_fiber *f[static HELPERS])
{
    int64_t deadline = ws_after(PATIENCE_MS);

    ws_event_clear(&may_leave);
    for (int i = 0; i < HELPERS; i++)
        f[i] = ws_go(stay_in_helper, NULL);
    while (atomic_load(&inside) < HELPERS && ws_now() < deadline)
        ws_sleep(1);
}

static void give_back(ws_fiber *f[static HELPERS])
{
    ws_event_set(&may_leave);
    for (int i = 0; i < HELPERS; i++)
        ws_join(f[i]);
}

/* ---- Tests --------------------------------------------------------------- */

static int get(const char *path, const ws_tls *tls)
{
    ws_dialer d = { .tls = tls };
    ws_response *resp;
    char url[128];

    snprintf(url, sizeof(url), "wss://%s%s", ws_listener_addr(l), path);
    ws_conn *c = ws_dial(&d, url, NULL, &resp, NULL);
    int status = resp ? resp->status : 0;
    ws_response_free(resp);
    ws_close(c);
    return status;
}

/* A client's CA file, a server's look at its own, and what it serves. */
static void handlers_that_block_hold_up_nothing_of_the_librarys_own(
    void **state)
{
    (void)state;
    struct cert next = cert_make(
        (struct cert_spec){ .cn = "next", .san = "IP:127.0.0.1" }, &ca);
    ws_tls only_next = { .ca_file = certs_path("next.crt") };
    ws_fiber *f[HELPERS];

    cert_write_as("next.crt", next.x509, NULL, NULL);
    keep_all(f);
    int first = get("/ca.pem", &trust);
    cert_write("server.pem", &next);
    int64_t deadline = ws_after(PATIENCE_MS);
    int second;
    do
        second = get("/ca.pem", &only_next);
    while (second == 0 && ws_now() < deadline);
    int busy = atomic_load(&inside);
    give_back(f);

    assert_int_equal(first, 200);
    assert_int_equal(second, 200);
    assert_int_equal(busy, HELPERS);
    cert_free(&next);
}

/* A disk that does not answer is a pipe that nobody writes to. */
static void files_are_waited_for_until_the_deadline(void **state)
{
    (void)state;
    ws_tls tls = { .ca_file = certs_path("fifo") };
    ws_dialer d = { .tls = &tls, .handshake_timeout_ms = 100 };
    int64_t deadline = ws_after(PATIENCE_MS);
    char url[128];
    ws_error err;
    int fd;

    assert_int_equal(mkfifo(tls.ca_file, 0600), 0);
    snprintf(url, sizeof(url), "wss://%s/", ws_listener_addr(l));
    assert_null(ws_dial(&d, url, NULL, NULL, &err));
    assert_int_equal(err.code, WS_ERR_TIMEOUT);
    assert_non_null(strstr(err.text, "the client's files"));

    /* The helper, which still waits, does not for ever. */
    do
        fd = open(tls.ca_file, O_WRONLY | O_NONBLOCK);
    while (fd < 0 && ws_now() < deadline);
    assert_int_equal(close(fd), 0);
}

/* ---- All of it ---------------------------------------------------------- */

static int start(void **state)
{
    static ws_tls files;

    (void)state;
    certs_begin();
    ca = cert_make((struct cert_spec){ .cn = "ca", .ca = true }, NULL);
    cert_write_as("ca.pem", ca.x509, NULL, NULL);
    cert_write_new("server.pem",
                   (struct cert_spec){ .cn = "first", .san = "IP:127.0.0.1" },
                   &ca);
    trust.ca_file = certs_path("ca.pem");
    files.cert_file = certs_path("server.pem");
    l = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                .routes = routes,
                                .tls = &files,
                                .workers = 1 },
                  NULL);
    return l ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    int r = ws_listener_shutdown(l, ws_after(PATIENCE_MS));
    cert_free(&ca);
    certs_end();
    return r;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            handlers_that_block_hold_up_nothing_of_the_librarys_own),
        cmocka_unit_test(files_are_waited_for_until_the_deadline),
    };

    return run_in_fiber("helpers", tests, start, stop);
}
