/* SPDX-License-Identifier: MIT */

/* The head of a request, as a server reads it (RFC 9112): the same in one piece
 * and in any, and what was taken is taken again when it is written anew. */

#include "fuzz/fields.h"

#include "base/poison.h"
#include "proto/header.h"
#include "proto/http_parse.h"
#include "proto/http_target.h"
#include "proto/http_write.h"

static const size_t limits[] = { 16384, 64, 256, 1024 };

/* The bytes that have not come yet must not be looked at. */
static int parse(struct ws__http_head *h, struct ws__str head,
                 struct steps steps)
{
    size_t n = 0;
    int end = 0;

    while (end == 0 && n < head.n) {
        n += step(&steps, head.n - n);
        ws__poison(head.p + n, head.n - n);
        end = ws__http_parse(h, head.p, n);
        ws__unpoison(head.p + n, head.n - n);
    }
    CHECK(end <= 0 || (size_t)end <= n);
    return end;
}

static bool same_span(struct ws__span a, struct ws__span b)
{
    return a.at == b.at && a.len == b.len;
}

static void check_same(const struct ws__http_head *a,
                       const struct ws__http_head *b)
{
    CHECK(a->fault == b->fault && a->text == b->text);
    CHECK(a->line == b->line && a->scanned == b->scanned);
    CHECK(a->minor == b->minor && a->nfields == b->nfields);
    CHECK(same_span(a->method, b->method) && same_span(a->target, b->target));
    for (unsigned i = 0; i < a->nfields; i++)
        CHECK(same_span(a->fields[i].name, b->fields[i].name) &&
              same_span(a->fields[i].value, b->fields[i].value));
}

static void check_fault(const struct ws__http_head *h, int end)
{
    CHECK(end == WS_ERR_HTTP && is_line(h->text));
    CHECK(h->fault == 400 || h->fault == 414 || h->fault == 431 ||
          h->fault == 505);
}

/* Written, a tab within a value is a blank. */
static bool same_value(const char *a, const char *b)
{
    while (*a && (*a == *b || (*a == '\t' && *b == ' '))) {
        a++;
        b++;
    }
    return *a == *b;
}

static void check_rewritten(const char *method, const char *target,
                            const ws_header *fields, unsigned n)
{
    struct ws__http_out out;
    struct ws__http_head h;
    ws_header again[WS__FIELDS_MAX + 1];

    ws__http_out_init(&out);
    ws__http_request_line(&out, method, target);
    for (unsigned i = 0; i < n; i++)
        ws__http_field(&out, fields[i].name, fields[i].value);
    CHECK(ws__http_end(&out) == 0);
    ws__http_init(&h, false, SIZE_MAX);
    CHECK(ws__http_parse(&h, out.p, out.len) == (int)out.len);
    CHECK(h.nfields == n);
    ws__http_strings(&h, out.p, again);
    CHECK(strcmp(out.p + h.method.at, method) == 0);
    CHECK(strcmp(out.p + h.target.at, target) == 0);
    for (unsigned i = 0; i < n; i++)
        CHECK(strcmp(again[i].name, fields[i].name) == 0 &&
              same_value(fields[i].value, again[i].value));
    ws__http_out_fini(&out);
}

/* A head of size bytes, at the beginning of text, that was taken. */
static void check_taken(const struct ws__http_head *h, const uint8_t *text,
                        size_t size)
{
    ws_header fields[WS__FIELDS_MAX + 1];
    char *head = string_of((struct ws__str){ (const char *)text, size });
    struct ws__target t;

    CHECK(size <= h->max_bytes && h->nfields <= WS__FIELDS_MAX);
    CHECK(h->minor >= 0 && h->minor <= 9);
    ws__http_strings(h, head, fields);

    const char *method = head + h->method.at, *target = head + h->target.at;
    CHECK(ws__is_token(ws__str(method)));
    CHECK(ws__target_split(ws__str(target), &t));
    CHECK(check_fields(fields) == h->nfields);
    CHECK(ws__header_count(fields, "Host") <= 1);
    CHECK(h->minor == 0 || ws__header_count(fields, "Host") == 1);
    if (ws__header_count(fields, "Host") == 1)
        check_rewritten(method, target, fields, h->nfields);
    free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct ws__http_head whole, split;
    size_t limit = limits[take_byte(&in) % COUNT(limits)];
    struct steps steps = take_steps(&in);

    ws__http_init(&whole, false, limit);
    ws__http_init(&split, false, limit);
    int end = parse(&whole, as_str(in), (struct steps){ 0 });
    CHECK(parse(&split, as_str(in), steps) == end);
    check_same(&whole, &split);
    if (end < 0)
        check_fault(&whole, end);
    if (end > 0)
        check_taken(&whole, in.p, (size_t)end);
    return 0;
}
