/* SPDX-License-Identifier: MIT */

/* A request, from the first byte to the last of its body. */

#include "http/request.h"

#include <string.h>

#include "base/alloc.h"
#include "conn/pools.h"
#include "fiber/sched.h"
#include "fiber/budget.h"
#include "http/input.h"
#include "http/peer.h"
#include "http/request_body.h"
#include "io/spool.h"
#include "proto/header.h"
#include "proto/http_parse.h"
#include "proto/http_target.h"

/* Returns its size or a negative code. */
static int read_whole_head(struct ws__session *s, struct ws__http_head *h,
                           int64_t deadline, struct ws__fault *f)
{
    ws__http_init(h, false, s->server->max_header_bytes);
    for (bool first = true;; first = false) {
        size_t used = ws__buf_used(&s->in);
        int n = 0;

        if (used > 0)
            n = ws__http_parse(h, (const char *)s->in.pos, used);
        if (n < 0)
            return ws__fault_set(f, h->fault, h->text);
        if (n > 0)
            return n;
        n = used > 0 ? ws__input_more(s, deadline, f)
                     : ws__input_some(s, deadline, first);
        if (n != 0)
            return n;
    }
}

/* Append n characters and a NUL at *at. */
static const char *copy_string(char **at, const char *p, size_t n)
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
        return ws__fault_set(f, 400, "malformed request target");
    ptrdiff_t n = ws__target_path(at, t.path);
    if (n < 0)
        return ws__fault_set(f, 400, "malformed escape in the request target");
    r->path = at;
    at += n + 1;
    r->query = t.query.n > 0 ? t.query.p : "";
    r->host = host ? host : "";
    if (t.authority.n > 0)
        r->host = copy_string(&at, t.authority.p, t.authority.n);
    return 0;
}

/* RFC 9112, section 9.3. */
static bool is_persistent(const ws_header *headers, int minor)
{
    return !ws__header_has_token(headers, "Connection", "close") &&
           (minor > 0 ||
            ws__header_has_token(headers, "Connection", "keep-alive"));
}

void ws__request_init(struct ws__request *r, struct ws__session *s)
{
    static const ws_header none[] = { { 0 } };

    *r = (struct ws__request){ .session = s, .minor = 1 };
    r->pub.method = r->pub.target = r->pub.path = "";
    r->pub.query = r->pub.host = r->pub.body = "";
    r->pub.headers = none;
    r->pub.remote_addr = s->remote;
    r->pub.tls = s->tls;
    r->pub.self_ = &r->pub;
    r->pub.body_fd = -1;
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
    ws__request_init(r, s);
    r->minor = h->minor;
    ws_header *headers = (ws_header *)(r + 1);
    char *head = (char *)headers + fields;

    memcpy(head, s->in.pos, size);
    head[size] = '\0';
    ws__http_strings(h, head, headers);
    r->pub.method = head + h->method.at;
    r->pub.target = head + h->target.at;
    r->pub.headers = headers;
    r->began = ws__now_about();
    r->rest = head + size + 1;
    r->is_head = strcmp(r->pub.method, "HEAD") == 0;
    r->keep_alive = is_persistent(headers, h->minor);
    return r;
}

/* It is parsed in a buffer that is for messages at other times. */
_Static_assert(sizeof(struct ws__http_head) <= WS__WRITE_BUFFER,
               "a head has room in a buffer of the pools");

static int receive_head(struct ws__session *s, int64_t deadline,
                        struct ws__request **r, struct ws__fault *f)
{
    struct ws__http_head *h = ws__pool_get(&ws__pools_here()->small);
    int size = h ? read_whole_head(s, h, deadline, f) : ws__fault_memory(f);

    if (size >= 0) {
        *r = request_new(s, h, (size_t)size);
        s->in.pos += size;
        size = *r ? take_target(&(*r)->pub, (char *)(*r)->rest, f)
                  : ws__fault_memory(f);
        if (size == 0)
            size = ws__peer_client(*r, f);
    }
    if (h)
        ws__pool_put(&ws__pools_here()->small, h);
    return size;
}

void ws__request_free(struct ws__request *r)
{
    r->pub.self_ = NULL; /* whoever kept it gets WS_ERR_INVALID */
    ws__buf_release(&r->body, NULL);
    if (r->spool)
        ws__spool_end(r->spool);
    ws_free(r->spool);
    for (int i = 0; i < WS__MADE_KINDS; i++)
        ws_free(r->made[i]);
    if ((void *)r != r->session->request)
        ws_free(r);
}

/* For one whose head could not be read, or kept: the session's own room is free
 * then. */
static struct ws__request *request_of_nothing(struct ws__session *s)
{
    struct ws__request *r = (struct ws__request *)(void *)s->request;

    _Static_assert(sizeof(*r) <= sizeof(s->request), "there is room");
    ws__request_init(r, s);
    return r;
}

struct ws__request *ws__request_receive(struct ws__session *s,
                                        struct ws__fault *f)
{
    struct ws__request *r = NULL;
    int64_t deadline;

    ws__spend(WS__COST_REQUEST);
    ws__take_turns(); /* the peer may always have another one */
    int error = ws__input_await(s, &deadline);

    if (error == 0)
        error = receive_head(s, deadline, &r, f);
    if (error == 0)
        error = ws__request_body(r, deadline, f);
    if (error == 0)
        return r;
    if (f->status != 0) {
        r = r ? r : request_of_nothing(s);
        r->keep_alive = false;
        return r;
    }
    if (r)
        ws__request_free(r);
    return NULL;
}
