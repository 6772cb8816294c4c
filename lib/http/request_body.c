/* SPDX-License-Identifier: MIT */

#include "http/request_body.h"

#include "base/str.h"
#include "fiber/budget.h"
#include "http/input.h"
#include "proto/http_body.h"

enum {
    INTERIM_TIMEOUT_MS = 10 * 1000, /* for "100 Continue" */
    PARSED = 8, /* a byte between chunks costs as much as to receive so many */
};

static int too_large(struct ws__fault *f)
{
    return ws__fault_set(f, 413, "the body is too large");
}

/* left: bytes of the body that are announced to follow. */
static int keep(struct ws__request *r, const char *p, size_t n, uint64_t left,
                struct ws__fault *f)
{
    size_t max = r->session->server->max_body_bytes;
    size_t room = max - ws__buf_used(&r->body);

    if (n > room || left > room - n)
        return too_large(f);
    if (n == 0)
        return 0;
    if (ws__buf_reserve(&r->body, n + 1, max + 1, NULL) != 0)
        return ws__fault_memory(f);
    ws__buf_append(&r->body, p, n);
    return 0;
}

/* What is here: until the body is done, or more is needed. */
static int take_present(struct ws__request *r, struct ws__body *b,
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
            return ws__fault_set(f, b->fault, b->text);
        int error = keep(r, data, len, b->left, f);
        if (error != 0)
            return error;
        in->pos += n;
    }
    return 0;
}

static int take_all(struct ws__request *r, struct ws__body *b, int64_t deadline,
                    struct ws__fault *f)
{
    int error = take_present(r, b, f);

    while (error == 0 && !b->done) {
        error = ws__input_more(r->session, deadline, f);
        if (error == 0)
            error = take_present(r, b, f);
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
        return ws__fault_set(f, 417,
                             "the only expectation known is 100-continue");
    if (!r->has_body || ws__buf_used(&s->in) > 0)
        return 0;
    return ws__stream_write(&s->stream, text, sizeof(text) - 1,
                            ws_after(INTERIM_TIMEOUT_MS));
}

int ws__request_body(struct ws__request *r, int64_t deadline,
                     struct ws__fault *f)
{
    struct ws__body b;

    if (ws__body_init(&b, r->pub.headers, r->minor) != 0)
        return ws__fault_set(f, b.fault, b.text);
    r->has_body = b.present;
    if (b.sized && b.left > r->session->server->max_body_bytes)
        return too_large(f);
    int error = answer_expect(r, f);
    if (error != 0 || !b.present)
        return error;
    return take_all(r, &b, deadline, f);
}
