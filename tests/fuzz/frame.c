/* SPDX-License-Identifier: MIT */

/* Headers of frames (RFC 6455, section 5.2) and payloads of close frames (section
 * 5.5.1): what is taken is written as it came, and what is said of a header holds
 * for all that begins like it. */

#include "fuzz/fuzz.h"

#include <silverback/conn.h>

#include "proto/close.h"
#include "proto/frame.h"

static bool is_same(const struct ws__frame *a, const struct ws__frame *b)
{
    return a->opcode == b->opcode && a->fin == b->fin && a->rsv1 == b->rsv1 &&
           a->masked == b->masked && a->len == b->len &&
           (!a->masked || memcmp(a->key, b->key, sizeof(a->key)) == 0);
}

static void check_taken(const struct ws__frame *f, const uint8_t *p,
                        size_t size)
{
    uint8_t out[WS__FRAME_HEADER_MAX];

    CHECK(size <= WS__FRAME_HEADER_MAX && f->len <= INT64_MAX);
    CHECK(!(f->opcode & WS__CONTROL_BIT) ||
          (f->fin && f->len <= WS__CONTROL_MAX));
    CHECK(ws__frame_encode(f, out) == size);
    CHECK(memcmp(out, p, size) == 0);
}

static void check_header(struct input in)
{
    struct ws__frame whole, part;
    int size = ws__frame_decode(&whole, in.p, in.n);

    CHECK(size == 0 || size == WS_ERR_PROTOCOL ||
          (size >= 2 && (size_t)size <= in.n));
    if (size == WS_ERR_PROTOCOL)
        CHECK(is_line(ws__frame_fault(in.p)));
    for (size_t n = 0; n <= in.n && n <= WS__FRAME_HEADER_MAX; n++) {
        int r = ws__frame_decode(&part, in.p, n);

        if (size > 0 && n >= (size_t)size)
            CHECK(r == size && is_same(&part, &whole));
        else if (size >= 0)
            CHECK(r == 0);
        else
            CHECK(r == 0 || r == WS_ERR_PROTOCOL);
    }
    if (size > 0)
        check_taken(&whole, in.p, (size_t)size);
}

static void check_close(struct input in)
{
    uint8_t out[125];
    char reason[WS__REASON_MAX + 1];
    int code;
    const char *fault = ws__close_decode(in.p, in.n, &code);

    if (fault) {
        CHECK(is_line(fault) && in.n > 0);
        return;
    }
    CHECK(in.n == 0 ? code == WS_CLOSE_NO_STATUS : ws__close_sendable(code));
    size_t n = in.n > 2 ? in.n - 2 : 0;
    CHECK(n == 0 || ws__utf8_is_valid(in.p + 2, n));
    if (n > 0)
        memcpy(reason, in.p + 2, n);
    reason[n] = '\0';
    if (strlen(reason) < n) /* it is one for us, and not for C */
        return;
    CHECK(ws__close_encode(out, code, reason) == in.n);
    CHECK(in.n == 0 || memcmp(out, in.p, in.n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };

    check_header(in);
    check_close(take_bytes(&in, WS__CONTROL_MAX));
    return 0;
}
