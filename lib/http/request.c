/* SPDX-License-Identifier: MIT */

/* A request, from the first byte to the last of its body. */

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "conn/pools.h"
#include "fiber/budget.h"
#include "http/request.h"
#include "proto/header.h"
#include "proto/http_body.h"
#include "proto/http_parse.h"
#include "proto/http_target.h"

enum {
    READ_SIZE = 4096,
    INTERIM_TIMEOUT_MS = 10 * 1000, /* for "100 Continue" */
    PARSED = 8, /* a byte between chunks costs as much as to receive so many */
};

static int fail(struct ws__fault *f, int status, const char *text)
{
    *f = (struct ws__fault){ .status = status, .text = text };
    return WS_ERR_HTTP;
}

static int fail_memory(struct ws__fault *f)
{
    return fail(f, 500, "out of memory");
}

/* ---- Bytes -------------------------------------------------------------- */

/* Nothing is held while nothing is here. */
static int await_request(struct ws__session *s, int64_t *deadline)
{
    bool first = !s->served;
    int limit = s->server->request_timeout_ms;

    if (ws__buf_used(&s->in) > 0) {
        *deadline = ws__session_deadline(limit);
        return 0;
    }
    ws__buf_release(&s->in, NULL);
    if (!ws__entry_idle(&s->entry, true))
        return WS_ERR_CANCELED;
    int64_t until =
        first ? s->first_by : ws__session_deadline(s->server->idle_timeout_ms);
    int r = ws__stream_wait_read(&s->stream, until);
    ws__entry_idle(&s->entry, false);
    *deadline = first ? until : ws__session_deadline(limit);
    return r;
}

static int make_room(struct ws__session *s)
{
    struct ws__buf *b = &s->in;
    size_t max = s->server->max_header_bytes;

    if (ws__buf_used(b) == 0)
        b->pos = b->last = b->begin;
    if (ws__buf_room(b) > 0)
        return 0;
    size_t n = ws__buf_used(b) == 0 ? READ_SIZE : 1;
    if (max < ws__buf_used(b) + n)
        max = ws__buf_used(b) + n;
    return ws__buf_reserve(b, n, max, NULL);
}

/* The deadline is looked at before the bytes: a peer that always has one more
 * must not put it off.  But the first ones may have waited for us. */
static int fill(struct ws__session *s, int64_t deadline, bool first)
{
    ws__take_turns(); /* the peer may always have more */
    int r = !first && deadline != 0 && ws_now() >= deadline
                ? WS_ERR_TIMEOUT
                : ws__stream_wait_read(&s->stream, deadline);

    if (r == 0)
        r = make_room(s);
    if (r != 0)
        return r;
    ssize_t n = ws__stream_read(&s->stream, s->in.last, ws__buf_room(&s->in));
    if (n > 0)
        s->in.last += n;
    return n > 0 || n == -EAGAIN ? 0 : n == 0 ? WS_ERR_EOF : (int)n;
}

/* The same within a request. */
static int read_more(struct ws__session *s, int64_t deadline,
                     struct ws__fault *f)
{
    int r = fill(s, deadline, false);

    if (r == WS_ERR_TIMEOUT)
        return fail(f, 408, "the request took too long");
    return r == -ENOMEM ? fail_memory(f) : r;
}

/* ---- The head ----------------------------------------------------------- */

/* Returns its size or a negative code. */
static int read_head(struct ws__session *s, struct ws__http_head *h,
                     int64_t deadline, struct ws__fault *f)
{
    ws__http_init(h, false, s->server->max_header_bytes);
    for (bool first = true;; first = false) {
        size_t used = ws__buf_used(&s->in);
        int n = 0;

        if (used > 0)
            n = ws__http_parse(h, (const char *)s->in.pos, used);
        if (n < 0)
            return fail(f, h->fault, h->text);
        if (n > 0)
            return n;
        n = used > 0 ? read_more(s, deadline, f) : fill(s, deadline, first);
        if (n != 0)
            return n;
    }
}

/* Append n characters and a NUL at *at. */
static const char *put(char **at, const char *p, size_t n)
{
    char *start = *at;

    memcpy(start, p, n);
    start[n] = '\0';
    *at += n + 1;
    return start;
}

/* The authority of an absolute target takes the place of Host (RFC 9112,
 * section 3.2.2).  at has room for the decoded path and the authority. */
static int take_target(ws_request *r, char *at, struct ws__fault *f)
{
    const char *host = ws_header_get(r->headers, "Host");
    struct ws__target t;

    if (!ws__target_split(ws__str(r->target), &t))
        return fail(f, 400, "malformed request target");
    ptrdiff_t n = ws__target_path(at, t.path);
    if (n < 0)
        return fail(f, 400, "malformed escape in the request target");
    r->path = at;
    at += n + 1;
    r->query = t.query.n > 0 ? t.query.p : "";
    r->host = host ? host : "";
    if (t.authority.n > 0)
        r->host = put(&at, t.authority.p, t.authority.n);
    return 0;
}

/* RFC 9112, section 9.3. */
static bool is_persistent(const ws_header *headers, int minor)
{
    return !ws__header_has_token(headers, "Connection", "close") &&
           (minor > 0 ||
            ws__header_has_token(headers, "Connection", "keep-alive"));
}

static void *request_room(struct ws__session *s, size_t size)
{
    return size <= sizeof(s->request) ? (void *)s->request : ws__alloc(size);
}

/* The record, the fields, the head's bytes with a NUL, then what take_target
 * writes: two strings no longer than the target. */
static struct ws__request *request_new(struct ws__session *s,
                                       const struct ws__http_head *h,
                                       size_t size)
{
    size_t fields = (h->nfields + 1) * sizeof(ws_header);
    struct ws__request *r =
        request_room(s, sizeof(*r) + fields + size + 1 + h->target.len + 4);

    if (!r)
        return NULL;
    *r = (struct ws__request){ .session = s, .minor = h->minor };
    ws_header *headers = (ws_header *)(r + 1);
    char *head = (char *)headers + fields;

    memcpy(head, s->in.pos, size);
    head[size] = '\0';
    ws__http_strings(h, head, headers);
    r->pub.method = head + h->method.at;
    r->pub.target = head + h->target.at;
    r->pub.headers = headers;
    r->pub.remote_addr = s->remote;
    r->pub.tls = s->host->tls != NULL;
    r->rest = head + size + 1;
    r->pub.body = "";
    r->is_head = strcmp(r->pub.method, "HEAD") == 0;
    r->keep_alive = is_persistent(headers, h->minor);
    return r;
}

static int receive_head(struct ws__session *s, int64_t deadline,
                        struct ws__request **r, struct ws__fault *f)
{
    struct ws__http_head *h = ws__pool_get(&ws__pools_here()->head);
    int size = h ? read_head(s, h, deadline, f) : fail_memory(f);

    if (size >= 0) {
        *r = request_new(s, h, (size_t)size);
        s->in.pos += size;
        size = *r ? take_target(&(*r)->pub, (char *)(*r)->rest, f)
                  : fail_memory(f);
    }
    if (h)
        ws__pool_put(&ws__pools_here()->head, h);
    return size;
}

/* ---- The body ----------------------------------------------------------- */

static int keep(struct ws__request *r, const char *p, size_t n,
                struct ws__fault *f)
{
    size_t max = r->session->server->max_body_bytes;

    if (n > max - ws__buf_used(&r->body))
        return fail(f, 413, "the body is too large");
    if (n == 0)
        return 0;
    if (ws__buf_reserve(&r->body, n + 1, max + 1, NULL) != 0)
        return fail_memory(f);
    ws__buf_append(&r->body, p, n);
    return 0;
}

/* What is here: until the body is done, or more is needed. */
static int take_body(struct ws__request *r, struct ws__body *b,
                     struct ws__fault *f)
{
    struct ws__buf *in = &r->session->in;
    ptrdiff_t n = 1;

    if (b->chunked)
        ws__spend_bytes(ws__buf_used(in) * PARSED);
    while (!b->done && n > 0 && ws__buf_used(in) > 0) {
        const char *data = NULL;
        size_t len = 0;

        n = ws__body_next(b, (const char *)in->pos, ws__buf_used(in), &data,
                          &len);
        if (n < 0)
            return fail(f, b->fault, b->text);
        int error = keep(r, data, len, f);
        if (error != 0)
            return error;
        in->pos += n;
    }
    return 0;
}

static int read_body(struct ws__request *r, struct ws__body *b,
                     int64_t deadline, struct ws__fault *f)
{
    int error = take_body(r, b, f);

    while (error == 0 && !b->done) {
        error = read_more(r->session, deadline, f);
        if (error == 0)
            error = take_body(r, b, f);
    }
    if (error == 0 && ws__buf_used(&r->body) > 0) {
        *r->body.last = '\0';
        r->pub.body = (const char *)r->body.pos;
        r->pub.body_len = ws__buf_used(&r->body);
    }
    return error;
}

/* RFC 9110, section 10.1.1: HTTP/1.0 does not know of it, and a client that has
 * begun to send does not wait. */
static int answer_expect(struct ws__request *r, struct ws__fault *f)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expect = ws_header_get(r->pub.headers, "Expect");
    struct ws__session *s = r->session;

    if (!expect || r->minor == 0)
        return 0;
    if (!ws__equal_nocase(expect, "100-continue"))
        return fail(f, 417, "the only expectation known is 100-continue");
    if (!r->has_body || ws__buf_used(&s->in) > 0)
        return 0;
    return ws__stream_write(&s->stream, text, sizeof(text) - 1,
                            ws_after(INTERIM_TIMEOUT_MS));
}

static int receive_body(struct ws__request *r, int64_t deadline,
                        struct ws__fault *f)
{
    struct ws__body b;

    if (ws__body_init(&b, r->pub.headers, r->minor) != 0)
        return fail(f, b.fault, b.text);
    r->has_body = b.present;
    if (b.sized && b.left > r->session->server->max_body_bytes)
        return fail(f, 413, "the body is too large");
    int error = answer_expect(r, f);
    if (error != 0 || !b.present)
        return error;
    return read_body(r, &b, deadline, f);
}

struct ws__request *ws__request_receive(struct ws__session *s,
                                        struct ws__fault *f)
{
    struct ws__request *r = NULL;
    int64_t deadline;

    ws__spend(WS__COST_REQUEST);
    ws__take_turns(); /* the peer may always have another one */
    int error = await_request(s, &deadline);

    if (error == 0)
        error = receive_head(s, deadline, &r, f);
    if (error == 0)
        error = receive_body(r, deadline, f);
    if (error == 0)
        return r;
    if (r)
        ws__request_free(r);
    return NULL;
}
