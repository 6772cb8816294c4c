/* SPDX-License-Identifier: MIT */

#include "http/reply.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"
#include "http/access.h"
#include "proto/header.h"
#include "proto/http_date.h"
#include "proto/http_write.h"

/* A body up to this size is copied behind its head, for one packet. */
enum { TOGETHER = 16 * 1024 };

/* ---- The head of an answer ---------------------------------------------- */

/* RFC 9110: 204 and 304 have no Content-Length (sections 15.3.5 and 15.4.5), that
 * of 205 is 0 (15.3.6). */
static bool has_length(int status)
{
    return status != 204 && status != 304;
}

static bool reply_has_body(int status)
{
    return has_length(status) && status != 205;
}

/* These say how the message is framed, which is not for the caller to say. */
static bool is_reserved(const char *name)
{
    static const char *const framing[] = { "Connection", "Content-Length",
                                           "Date", "Transfer-Encoding" };

    for (size_t i = 0; i < sizeof(framing) / sizeof(*framing); i++)
        if (ws__equal_nocase(name, framing[i]))
            return true;
    return false;
}

static void add_fields(struct ws__http_out *o, const ws_header *headers,
                       const ws_header *but)
{
    for (const ws_header *h = headers; h && h->name; h++)
        if (!is_reserved(h->name) && ws__header_count(but, h->name) == 0)
            ws__http_field(o, h->name, h->value ? h->value : "");
}

static void add_connection(struct ws__http_out *o, const struct ws__request *r,
                           bool keep_alive)
{
    if (!keep_alive)
        ws__http_field(o, "Connection", "close");
    else if (r->minor == 0)
        ws__http_field(o, "Connection", "keep-alive");
}

static int write_head(struct ws__http_out *o, const struct ws__request *r,
                      bool keep_alive, int status, const ws_header *headers,
                      uint64_t len)
{
    char date[WS__HTTP_DATE_LEN + 1];

    ws__http_status_line(o, status);
    if (ws__http_date(date, (int64_t)time(NULL)))
        ws__http_field(o, "Date", date);
    if (has_length(status))
        ws__http_fieldf(o, "Content-Length", "%llu",
                        reply_has_body(status) ? (unsigned long long)len : 0);
    add_connection(o, r, keep_alive);
    add_fields(o, headers, NULL);
    add_fields(o, r->needed, headers);
    return ws__http_end(o);
}

/* ---- Sending ------------------------------------------------------------ */

static int send_bytes(struct ws__session *s, const void *p, size_t n)
{
    int error =
        ws__stream_write_large(&s->stream, p, n, s->server->write_timeout_ms);

    s->broken = s->broken || error != 0;
    return error;
}

/* In one piece, or, if that is too large, in two. */
static int send_both(struct ws__session *s, struct ws__http_out *o,
                     const void *body, size_t n)
{
    char *both = n > 0 && n <= TOGETHER ? ws__realloc(o->p, o->len + n) : NULL;

    if (both) {
        memcpy(both + o->len, body, n);
        o->p = both;
        return send_bytes(s, both, o->len + n);
    }
    int error = send_bytes(s, o->p, o->len);
    return error == 0 && n > 0 ? send_bytes(s, body, n) : error;
}

int ws__reply_begin(struct ws__request *r, int status, const ws_header *headers,
                    uint64_t len, const void *first, size_t n)
{
    struct ws__session *s = r->session;
    bool keep_alive = r->keep_alive &&
                      !ws__registry_closing(s->host->registry) &&
                      !ws__header_has_token(headers, "Connection", "close");
    struct ws__http_out o;

    if (r->answered || status < 200 || status > 599)
        return WS_ERR_INVALID;
    ws__http_out_init(&o);
    int error = write_head(&o, r, keep_alive, status, headers, len);
    if (error == 0) {
        r->answered = true;
        r->keep_alive = keep_alive;
        ws__access_answer(r, status);
        n = r->is_head || !reply_has_body(status) ? 0 : n;
        error = send_both(s, &o, first, n);
        r->sent = error == 0 ? n : 0;
    }
    ws__http_out_fini(&o);
    return error;
}

int ws__reply_more(struct ws__request *r, const void *p, size_t n)
{
    int error = send_bytes(r->session, p, n);

    r->sent += error == 0 ? n : 0;
    return error;
}

/* ---- For handlers ------------------------------------------------------- */

int ws_reply(ws_request *r, int status, const ws_header *headers,
             const void *body, size_t len)
{
    struct ws__request *own = ws__request_of(r);

    if (!own || (!body && len > 0))
        return WS_ERR_INVALID;
    return ws__reply_begin(own, status, headers, len, body, len);
}

static int reply_typed(ws_request *r, int status, const char *type,
                       const char *text)
{
    const ws_header headers[] = { { "Content-Type", type }, { 0 } };

    if (!text)
        return WS_ERR_INVALID;
    return ws_reply(r, status, headers, text, strlen(text));
}

int ws_reply_text(ws_request *r, int status, const char *text)
{
    return reply_typed(r, status, "text/plain; charset=utf-8", text);
}

int ws_reply_html(ws_request *r, int status, const char *html)
{
    return reply_typed(r, status, "text/html; charset=utf-8", html);
}

int ws_reply_json(ws_request *r, int status, const char *json)
{
    return reply_typed(r, status, "application/json", json);
}
