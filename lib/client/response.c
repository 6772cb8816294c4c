/* SPDX-License-Identifier: MIT */

#include "client/response.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"
#include "proto/http_body.h"
#include "proto/http_parse.h"

enum {
    HEAD_MAX = WS__EXCHANGE_HEAD_MAX,
    BODY_MAX = 1024,
    INTERIM_MAX = 10, /* answers 1xx before the one that counts */
    FIELD_MIN = 3,    /* bytes of "a:" and its line's end */
    FIELDS_MAX = HEAD_MAX / FIELD_MIN,
};

/* What a ws_response is made of. */
struct response {
    ws_response response; /* first, so that it can be freed by it */
    char *head;           /* the fields lie in it */
    ws_header *fields;
    char body[BODY_MAX + 1];
};

static unsigned max_fields(const struct ws__exchange *x)
{
    if (x->max_fields == 0)
        return WS__FIELDS_MAX;
    return x->max_fields < 0 || x->max_fields > FIELDS_MAX
               ? FIELDS_MAX
               : (unsigned)x->max_fields;
}

/* ---- The head ----------------------------------------------------------- */

/* The line that was not understood, or all that came instead of a first one. */
static struct ws__str faulty(const struct ws__exchange *x,
                             const struct ws__http_head *h)
{
    struct ws__str s = { (char *)x->in.pos + h->line,
                         ws__buf_used(&x->in) - h->line };
    const char *end = h->lines > 0 ? memchr(s.p, '\n', s.n) : NULL;

    if (end)
        s.n = (size_t)(end - s.p);
    if (end && s.n > 0 && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

/* TLS answers what it does not understand with an alert (RFC 8446, section
 * 5.1). */
static bool speaks_tls(struct ws__str s)
{
    return s.n > 1 && memcmp(s.p, "\x15\x03", 2) == 0;
}

static int fail_head(const struct ws__exchange *x,
                     const struct ws__http_head *h, ws_error *err)
{
    struct ws__str s = faulty(x, h);
    char quote[WS__QUOTED];

    return ws__fail(err, WS_ERR_HTTP, "malformed answer: %s: \"%s\"%s", h->text,
                    ws__quote(quote, s),
                    speaks_tls(s) ? "; does it speak TLS?" : "");
}

/* Returns the size of the head, or a negative code. */
static int read_response_head(struct ws__exchange *x, struct ws__http_head *h,
                              struct ws__field *fields, ws_error *err)
{
    int n = 0;

    ws__http_init(h, true, HEAD_MAX);
    ws__http_room(h, fields, max_fields(x));
    while (n == 0) {
        if (ws__buf_used(&x->in) > 0)
            n = ws__http_parse(h, (char *)x->in.pos, ws__buf_used(&x->in));
        if (n < 0)
            return fail_head(x, h, err);
        if (n == 0) {
            int r = ws__exchange_fill(x);
            if (r != 0)
                return r;
        }
    }
    return n;
}

/* The head of the answer that counts (RFC 9110, section 15.2). */
static int read_final_head(struct ws__exchange *x, struct ws__http_head *h,
                           struct ws__field *fields, ws_error *err)
{
    for (int i = 0; i <= INTERIM_MAX; i++) {
        int n = read_response_head(x, h, fields, err);
        if (n < 0 || h->status == 101 || h->status >= 200)
            return n;
        x->in.pos += n;
    }
    return ws__fail(err, WS_ERR_HTTP,
                    "malformed answer: more than %d of status 1xx",
                    INTERIM_MAX);
}

/* Take a head of n bytes out of the buffer. */
static struct response *response_new(struct ws__exchange *x,
                                     const struct ws__http_head *h, size_t n)
{
    struct response *a = ws__zalloc(sizeof(*a));

    if (!a)
        return NULL;
    a->head = ws__alloc(n);
    a->fields = ws__zalloc((h->nfields + 1) * sizeof(*a->fields));
    if (!a->head || !a->fields) {
        ws_response_free(&a->response);
        return NULL;
    }
    memcpy(a->head, x->in.pos, n);
    x->in.pos += n;
    ws__http_strings(h, a->head, a->fields);
    a->response = (ws_response){
        .status = h->status,
        .headers = a->fields,
        .body = a->body,
    };
    return a;
}

/* Append what has come of the body.  Returns true if more of it can be had. */
static bool append_body(struct ws__exchange *x, struct response *a,
                        struct ws__body *b)
{
    bool framed = b->sized || b->chunked;

    while (ws__buf_used(&x->in) > 0 && a->response.body_len < BODY_MAX) {
        const char *data = (char *)x->in.pos;
        size_t len = ws__buf_used(&x->in);
        ptrdiff_t used = (ptrdiff_t)len;

        if (framed)
            used = ws__body_next(b, data, len, &data, &len);
        if (used <= 0)
            return used == 0;

        size_t room = BODY_MAX - a->response.body_len;
        size_t n = len < room ? len : room;
        memcpy(a->body + a->response.body_len, data, n);
        a->response.body_len += n;
        x->in.pos += used;
        if (framed && b->done)
            return false;
    }
    return a->response.body_len < BODY_MAX;
}

/* RFC 9112, section 6.3. */
static bool response_has_body(const struct ws__exchange *x,
                              const struct ws__body *b, int status)
{
    if (status == 101 || status == 204 || status == 304 ||
        (x->tunnel && status < 300))
        return false;
    return b->present || !b->sized;
}

/* A body that is cut, late or malformed is no fault beside the refusal that it
 * explains: what there is of it is kept. */
static int read_response_body(struct ws__exchange *x, struct response *a,
                              int minor)
{
    struct ws__body b = { 0 };

    if (ws__body_init(&b, a->fields, minor) != 0 ||
        !response_has_body(x, &b, a->response.status))
        return 0;

    int r = 0;
    while (r == 0 && append_body(x, a, &b))
        r = ws__exchange_fill(x);
    return r == WS_ERR_CANCELED ? r : 0;
}

/* Returns 0, and *a and *minor are the answer's, or a negative code. */
static int read_response(struct ws__exchange *x, struct response **a,
                         int *minor, ws_error *err)
{
    struct ws__http_head h;
    struct ws__field *fields = ws__alloc(max_fields(x) * sizeof(*fields));
    int n = fields ? read_final_head(x, &h, fields, err) : -ENOMEM;

    if (n >= 0) {
        *minor = h.minor;
        *a = response_new(x, &h, (size_t)n);
        n = *a ? 0 : -ENOMEM;
    }
    ws_free(fields);
    return n;
}

int ws__response_read(struct ws__exchange *x, ws_response **resp, int *minor,
                      ws_error *err)
{
    struct response *a;
    int r = read_response(x, &a, minor, err);

    if (r != 0)
        return r;
    r = read_response_body(x, a, *minor);
    if (r != 0) {
        ws_response_free(&a->response);
        return r;
    }
    *resp = &a->response;
    return 0;
}

void ws_response_free(ws_response *resp)
{
    struct response *a = (struct response *)resp;

    if (!a)
        return;
    ws_free(a->head);
    ws_free(a->fields);
    ws_free(a);
}
