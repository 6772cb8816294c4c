/* SPDX-License-Identifier: MIT */

#include <silverback/redial.h>

#include <time.h>

#include "base/alloc.h"
#include "base/backoff.h"
#include "base/error.h"
#include "client/retry.h"
#include "conn/close.h"
#include "conn/outbox.h"
#include "fiber/sync.h"
#include "io/random.h"

enum {
    BASE_DELAY_MS = 1000,
    MAX_DELAY_MS = 60 * 1000,
    STABLE_MS = 30 * 1000,
    DAY_MS = 24 * 60 * 60 * 1000,
};

struct ws_redial {
    const ws_redialer *how;
    struct ws__backoff backoff;
    ws_conn *conn;         /* NULL: none */
    ws_response *response; /* a refusal of the last dial */
    ws_error error;        /* why that failed, or conn's last has ended */
    int close_code;
    bool hopeless; /* to dial again as before */
    bool over;     /* for good: error says why */
};

static int64_t redial_ms(int ms, int64_t standard, int64_t none)
{
    if (ms < 0)
        return none;
    return ms == 0 ? standard : ms;
}

ws_redial *ws_redial_new(const ws_redialer *how)
{
    ws_redial *r = how ? ws__zalloc(sizeof(*r)) : NULL;

    if (!r)
        return NULL;
    r->how = how;
    r->backoff.base = redial_ms(how->base_delay_ms, BASE_DELAY_MS, 0);
    r->backoff.max = redial_ms(how->max_delay_ms, MAX_DELAY_MS, DAY_MS);
    r->backoff.stable = redial_ms(how->stable_ms, STABLE_MS, 0);
    return r;
}

const ws_error *ws_redial_error(const ws_redial *r)
{
    static const ws_error null = { .code = WS_ERR_INVALID,
                                   .text = "there is nothing to dial" };

    return r ? &r->error : &null;
}

/* ---- The last one -------------------------------------------------------- */

/* What came before is told of no more. */
static void redial_forget(ws_redial *r)
{
    ws_response_free(r->response);
    r->response = NULL;
    r->error = (ws_error){ 0 };
    r->close_code = 0;
    r->hopeless = false;
}

static void redial_close(ws_redial *r)
{
    if (!r->conn)
        return;
    redial_forget(r);
    r->error = *ws_conn_error(r->conn);
    r->close_code = ws_close_code(r->conn);
    if (r->error.code == 0)
        ws__outbox_goodbye(r->conn, WS_CLOSE_NORMAL, NULL);
    ws__close_kept(r->conn);
    r->conn = NULL;
    ws__backoff_failed(&r->backoff, ws_now());
}

void ws_redial_free(ws_redial *r)
{
    if (!r)
        return;
    redial_close(r);
    ws_response_free(r->response);
    ws_free(r);
}

/* ---- The next one -------------------------------------------------------- */

static ws_event *redial_cancel(const ws_redial *r)
{
    return r->how->dialer ? r->how->dialer->cancel : NULL;
}

static void redial_give_up(ws_redial *r, int code, const char *why)
{
    r->over = true;
    r->error = (ws_error){ 0 };
    ws__fail(&r->error, code, "%s", why);
}

/* Random numbers that there are none of are no reason to stay away. */
static int64_t redial_delay(const ws_redial *r)
{
    uint64_t bits = 0;

    ws__random(&bits, sizeof(bits));
    return ws__retry_after(r->response, time(NULL)) +
           ws__backoff_delay(&r->backoff, bits);
}

/* Returns whether that was not canceled. */
static bool redial_wait(ws_redial *r)
{
    ws_event never = { { 0 } };
    int64_t until = ws_after(redial_delay(r));

    if (ws__event_wait(&never, until, redial_cancel(r)) == WS_ERR_TIMEOUT)
        return true;
    redial_give_up(r, WS_ERR_CANCELED, ws_strerror(WS_ERR_CANCELED));
    return false;
}

/* Returns whether to dial. */
static bool redial_resume(ws_redial *r, ws_redial_attempt *a)
{
    const ws_redialer *how = r->how;
    int code = how->resume ? how->resume(a, how->arg) : 0;

    if (code < 0)
        redial_give_up(r, code, ws_strerror(code));
    else
        r->over = a->hopeless;
    return !r->over;
}

static void redial_dial(ws_redial *r, const ws_redial_attempt *a)
{
    ws_response *response;
    ws_error err;

    r->conn = ws_dial(r->how->dialer, a->url, a->headers, &response, &err);
    redial_forget(r);
    if (r->conn) {
        ws__close_keep(r->conn);
        ws_response_free(response);
        ws__backoff_connected(&r->backoff, ws_now());
        return;
    }
    r->response = response;
    r->error = err;
    r->hopeless = ws__retry_is_hopeless(&err);
    ws__backoff_failed(&r->backoff, ws_now());
}

static void redial_once(ws_redial *r)
{
    ws_redial_attempt a = {
        .url = r->how->url,
        .headers = r->how->headers,
        .failures = r->backoff.failures,
        .error = &r->error,
        .response = r->response,
        .close_code = r->close_code,
        .hopeless = r->hopeless,
    };

    if (r->hopeless && !r->how->resume)
        r->over = true;
    else if (redial_wait(r) && redial_resume(r, &a))
        redial_dial(r, &a);
}

ws_conn *ws_redial_next(ws_redial *r)
{
    if (!r)
        return NULL;
    redial_close(r);
    while (!r->conn && !r->over)
        redial_once(r);
    return r->conn;
}
