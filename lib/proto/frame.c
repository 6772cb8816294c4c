/* SPDX-License-Identifier: MIT */

#include "proto/frame.h"

#include <string.h>

#include <silverback/conn.h>

#include "base/endian.h"

enum {
    FIN = 0x80,
    RSV1 = 0x40,
    RSV23 = 0x30,
    OPCODE = 0x0f,
    MASK = 0x80,
    LEN = 0x7f,
    LEN16 = 126,
    LEN64 = 127,
};

static bool is_control(uint8_t opcode)
{
    return opcode & WS__CONTROL_BIT;
}

static bool is_known(uint8_t opcode)
{
    return opcode <= WS_BINARY || (opcode >= WS_CLOSE && opcode <= WS_PONG);
}

/* A length has one encoding only: the shortest. */
static bool is_shortest(uint8_t len7, uint64_t len)
{
    switch (len7) {
    case LEN16:
        return len >= LEN16;
    case LEN64:
        return len > UINT16_MAX && len <= INT64_MAX;
    default:
        return true;
    }
}

int ws__frame_decode(struct ws__frame *f, const uint8_t *p, size_t n)
{
    if (n < 2)
        return 0;

    f->fin = p[0] & FIN;
    f->rsv1 = p[0] & RSV1;
    f->opcode = p[0] & OPCODE;
    f->masked = p[1] & MASK;

    uint8_t len7 = p[1] & LEN;
    if ((p[0] & RSV23) || !is_known(f->opcode))
        return WS_ERR_PROTOCOL;
    if (is_control(f->opcode) && (!f->fin || len7 > WS__CONTROL_MAX))
        return WS_ERR_PROTOCOL;

    size_t extended = len7 == LEN16 ? 2 : len7 == LEN64 ? 8 : 0;
    size_t size = 2 + extended + (f->masked ? sizeof(f->key) : 0);
    if (n < size)
        return 0;

    f->len = extended ? load_be(p + 2, extended) : len7;
    if (!is_shortest(len7, f->len))
        return WS_ERR_PROTOCOL;
    if (f->masked)
        memcpy(f->key, p + 2 + extended, sizeof(f->key));
    return (int)size;
}

const char *ws__frame_fault(const uint8_t *p)
{
    uint8_t opcode = p[0] & OPCODE;

    if (p[0] & RSV23)
        return "RSV2 or RSV3 is set";
    if (!is_known(opcode))
        return "an unknown opcode";
    if (is_control(opcode))
        return p[0] & FIN ? "a control frame of more than 125 bytes"
                          : "a fragmented control frame";
    return "a length that is not in its shortest form, or too large";
}

size_t ws__frame_encode(const struct ws__frame *f,
                        uint8_t out[static WS__FRAME_HEADER_MAX])
{
    uint8_t mask = f->masked ? MASK : 0;
    uint8_t *p = out;

    *p++ = (f->fin ? FIN : 0) | (f->rsv1 ? RSV1 : 0) | f->opcode;
    if (f->len < LEN16) {
        *p++ = mask | (uint8_t)f->len;
    } else if (f->len <= UINT16_MAX) {
        *p++ = mask | LEN16;
        p = store_be(p, f->len, 2);
    } else {
        *p++ = mask | LEN64;
        p = store_be(p, f->len, 8);
    }
    if (f->masked) {
        memcpy(p, f->key, sizeof(f->key));
        p += sizeof(f->key);
    }
    return (size_t)(p - out);
}
