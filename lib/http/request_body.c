/* SPDX-License-Identifier: MIT */

#include "http/request_body.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "fiber/budget.h"
#include "fiber/offload.h"
#include "http/input.h"
#include "http/route.h"
#include "io/spool.h"
#include "proto/http_body.h"

enum {
    INTERIM_TIMEOUT_MS = 10 * 1000, /* for "100 Continue" */
    PARSED = 8, /* a byte between chunks costs as much as to receive so many */
    PIECE = 256 * 1024, /* of what goes to a file */
};

/* A body on its way: into the request's buffer; once it is, or is to be, larger
 * than in_memory, through that into a file. */
struct receiving {
    struct ws__request *request;
    struct ws__body framing;
    size_t max;
    size_t in_memory;
    int64_t deadline;
    struct ws__fault *fault;
};

/* ---- Into a file -------------------------------------------------------- */

static int fail_file(struct receiving *c, int error)
{
    if (error == -ENOMEM)
        return ws__fault_memory(c->fault);
    return ws__fault_set(c->fault, 500, "the body cannot be kept in a file");
}

/* For a helper thread, as it waits for the disk. */
static int spool_held(void *request)
{
    struct ws__request *r = request;
    int error = 0;

    if (r->spool->fd < 0)
        error = ws__spool_begin(r->spool, r->session->server->body_folder);
    if (error == 0)
        error = ws__spool_append(r->spool, r->body.pos, ws__buf_used(&r->body));
    r->body.pos = r->body.last = r->body.begin;
    return error;
}

static int flush_held(struct receiving *c)
{
    int error = ws__blocking(WS__FOR_FILES, spool_held, c->request);

    return error == 0 ? 0 : fail_file(c, error);
}

static int start_file(struct receiving *c)
{
    struct ws__request *r = c->request;

    r->spool = ws__alloc(sizeof(*r->spool));
    if (!r->spool)
        return ws__fault_memory(c->fault);
    *r->spool = (struct ws__spool){ .fd = -1 };
    return flush_held(c);
}

static int end_file(struct receiving *c)
{
    struct ws__request *r = c->request;
    int error = flush_held(c);

    if (error != 0)
        return error;
    ws__buf_release(&r->body, NULL);
    error = ws__spool_map(r->spool);
    if (error != 0)
        return fail_file(c, error);
    r->pub.body = r->spool->map;
    r->pub.body_len = (size_t)r->spool->size;
    r->pub.body_fd = r->spool->fd;
    return 0;
}

/* ---- What has come ------------------------------------------------------ */

static int too_large(struct receiving *c)
{
    return ws__fault_set(c->fault, 413, "the body is too large");
}

static int hold(struct receiving *c, const char *p, size_t n, size_t max)
{
    struct ws__buf *b = &c->request->body;

    if (ws__buf_reserve(b, n + 1, max, NULL) != 0)
        return ws__fault_memory(c->fault);
    ws__buf_append(b, p, n);
    return 0;
}

/* With n bytes more, and those that are announced to follow. */
static bool is_too_large(const struct receiving *c, size_t n)
{
    const struct ws__request *r = c->request;
    size_t got =
        ws__buf_used(&r->body) + (r->spool ? (size_t)r->spool->size : 0);

    return n > c->max - got || c->framing.left > c->max - got - n;
}

static int keep(struct receiving *c, const char *p, size_t n)
{
    struct ws__request *r = c->request;
    size_t held = ws__buf_used(&r->body);
    uint64_t left = c->framing.left;
    int error = 0;

    if (is_too_large(c, n))
        return too_large(c);
    if (n == 0)
        return 0;
    if (!r->spool &&
        (n > c->in_memory - held || left > c->in_memory - held - n))
        error = start_file(c);
    if (error != 0 || !r->spool)
        return error == 0 ? hold(c, p, n, c->max + 1) : error;
    if (held + n > PIECE)
        error = flush_held(c);
    return error == 0 ? hold(c, p, n, PIECE + n + 1) : error;
}

/* What is here: until the body is done, or more is needed. */
static int take_present(struct receiving *c)
{
    struct ws__buf *in = &c->request->session->in;
    struct ws__body *b = &c->framing;
    ptrdiff_t n = 1;

    if (b->chunked)
        ws__spend_bytes(ws__buf_used(in) * PARSED);
    while (!b->done && n > 0 && ws__buf_used(in) > 0) {
        const char *data = NULL;
        size_t len = 0;

        n = ws__body_next(b, (const char *)in->pos, ws__buf_used(in), &data,
                          &len);
        if (n < 0 && is_too_large(c, 0)) /* else the pieces would tell */
            return too_large(c);
        if (n < 0)
            return ws__fault_set(c->fault, b->fault, b->text);
        int error = keep(c, data, len);
        if (error != 0)
            return error;
        in->pos += n;
    }
    return 0;
}

static int take_all(struct receiving *c)
{
    struct ws__request *r = c->request;
    int error = take_present(c);

    while (error == 0 && !c->framing.done) {
        error = ws__input_more(r->session, c->deadline, c->fault);
        if (error == 0)
            error = take_present(c);
    }
    if (error == 0 && r->spool)
        return end_file(c);
    if (error == 0 && ws__buf_used(&r->body) > 0) {
        *r->body.last = '\0';
        r->pub.body = (const char *)r->body.pos;
        r->pub.body_len = ws__buf_used(&r->body);
    }
    return error;
}

/* ---- Whether it comes --------------------------------------------------- */

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

static void set_limits(struct receiving *c)
{
    const ws_request *pub = &c->request->pub;
    const ws_server *s = c->request->session->server;
    const ws_route *of_path = ws__route_find(s->routes, pub->path);
    const ws_route *route =
        of_path ? ws__route_choose(of_path, pub->method) : NULL;

    c->max = route && route->max_body_bytes > 0 ? route->max_body_bytes
                                                : s->max_body_bytes;
    if (c->max > SIZE_MAX / 4)
        c->max = SIZE_MAX / 4;
    c->in_memory = s->body_file_above > 0 && s->body_file_above < c->max
                       ? s->body_file_above
                       : c->max;
}

int ws__request_body(struct ws__request *r, int64_t deadline,
                     struct ws__fault *f)
{
    struct receiving c = { .request = r, .deadline = deadline, .fault = f };
    struct ws__body *b = &c.framing;

    if (ws__body_init(b, r->pub.headers, r->minor) != 0)
        return ws__fault_set(f, b->fault, b->text);
    r->has_body = b->present;
    if (b->present)
        set_limits(&c);
    if (b->sized && b->left > c.max)
        return too_large(&c);
    int error = answer_expect(r, f);
    if (error != 0 || !b->present)
        return error;
    return take_all(&c);
}
