/* SPDX-License-Identifier: MIT */

/* The body of a request or a response, after its fields (RFC 9112, sections 6
 * and 7): the same in one piece and in any, and its chunks written again. */

#include "fuzz/fuzz.h"

#include "proto/http_body.h"

enum { FIELDS = 3, BODY_MAX = 1 << 16 };

struct body {
    struct ws__body b;
    int error;
    size_t used; /* bytes of the input that are done with */
    size_t n;
    char data[BODY_MAX];
};

/* Lines of the input that say which framing fields there are, up to an empty
 * one. */
static void take_fields(struct input *in, ws_header out[static FIELDS + 1])
{
    size_t n = 0;

    while (n < FIELDS) {
        struct ws__str line = take_until(in, '\n');
        if (line.n == 0)
            break;
        out[n].name = line.p[0] == 'L' ? "Content-Length" : "Transfer-Encoding";
        out[n].value = string_of((struct ws__str){ line.p + 1, line.n - 1 });
        n++;
    }
    out[n] = (ws_header){ 0 };
}

/* Everything that can be had of the n bytes at p. */
static void read_on(struct body *body, const char *p, size_t n)
{
    struct ws__body *b = &body->b;

    while (!b->done && body->error == 0) {
        const char *data = NULL;
        size_t len = 0;
        ptrdiff_t used = ws__body_next(b, p, n, &data, &len);

        if (used < 0) {
            body->error = (int)used;
            return;
        }
        CHECK((size_t)used <= n && len <= (size_t)used);
        CHECK(len == 0 || (data >= p && data + len <= p + used));
        if (used == 0)
            break;
        memcpy(body->data + body->n, data, len);
        body->n += len;
        body->used += (size_t)used;
        p += used;
        n -= (size_t)used;
    }
    CHECK(body->error != 0 || b->done || n == 0);
}

static void read_body(struct body *body, const ws_header *headers, int minor,
                      struct input in, struct steps steps)
{
    body->n = body->used = 0;
    body->error = ws__body_init(&body->b, headers, minor);
    while (body->error == 0 && !body->b.done && in.n > 0) {
        struct input now = take_bytes(&in, step(&steps, in.n));
        char *piece = malloc(now.n);

        CHECK(piece);
        memcpy(piece, now.p, now.n);
        read_on(body, piece, now.n);
        free(piece);
    }
    if (body->error == 0)
        return;
    CHECK(body->error == WS_ERR_HTTP && is_line(body->b.text));
    CHECK(body->b.fault == 400 || body->b.fault == 413 || body->b.fault == 501);
}

static void check_same(const struct body *a, const struct body *b)
{
    CHECK(a->error == b->error && a->b.fault == b->b.fault);
    CHECK(a->b.text == b->b.text);
    CHECK(a->n == b->n && memcmp(a->data, b->data, a->n) == 0);
    if (a->error == 0)
        CHECK(a->used == b->used && a->b.done == b->b.done &&
              a->b.left == b->b.left);
}

/* What RFC 9112, section 7.1, makes of chunks that are well formed. */
static void check_slowly(const struct body *body, struct input in)
{
    const char *p = (const char *)in.p;
    size_t n = 0, size;

    while ((size = strtoul(p, NULL, 16)) > 0) {
        p = strchr(p, '\n') + 1;
        CHECK(n + size <= body->n && memcmp(body->data + n, p, size) == 0);
        n += size;
        p += size + strlen("\r\n");
    }
    CHECK(n == body->n);
}

/* In two chunks, of which the first has this size. */
static void check_rewritten(const struct body *body, struct body *again,
                            size_t first)
{
    static const ws_header chunked[] = { { "Transfer-Encoding", "chunked" },
                                         { 0 } };
    static char text[BODY_MAX + 64];
    size_t sizes[] = { first, body->n - first }, at = 0, n = 0;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        if (sizes[i] == 0)
            continue;
        n += (size_t)sprintf(text + n, "%zX\r\n", sizes[i]);
        memcpy(text + n, body->data + at, sizes[i]);
        n += sizes[i];
        at += sizes[i];
        n += (size_t)sprintf(text + n, "\r\n");
    }
    n += (size_t)sprintf(text + n, "0\r\n\r\n");
    read_body(again, chunked, 1, (struct input){ (uint8_t *)text, n },
              (struct steps){ 0 });
    CHECK(again->error == 0 && again->b.done && again->used == n);
    CHECK(again->n == body->n && memcmp(again->data, body->data, body->n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct body whole, split;
    struct input in = { data, size < BODY_MAX ? size : BODY_MAX };
    ws_header headers[FIELDS + 1];
    int minor = take_byte(&in) & 1;
    struct steps steps = take_steps(&in);

    take_fields(&in, headers);
    read_body(&whole, headers, minor, in, (struct steps){ 0 });
    read_body(&split, headers, minor, in, steps);
    check_same(&whole, &split);
    if (whole.error == 0 && whole.b.done)
        check_rewritten(&whole, &split, whole.n / 3);
    if (whole.error == 0 && whole.b.done && whole.b.chunked)
        check_slowly(&whole, in);
    for (size_t i = 0; headers[i].name; i++)
        free((char *)headers[i].value);
    return 0;
}
