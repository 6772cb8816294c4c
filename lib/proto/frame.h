/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_FRAME_H
#define WS_PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest frame header: 2 bytes, 8 of length, 4 of masking key. */
#define WS__FRAME_HEADER_MAX 14

/* The largest payload of a control frame (RFC 6455, section 5.5). */
#define WS__CONTROL_MAX 125

/* Of opcodes (RFC 6455, section 5.2): of a frame that goes on with a message, and
 * the bit that all control frames have. */
#define WS__CONTINUATION 0x0
#define WS__CONTROL_BIT 0x8

/* A frame header (RFC 6455, section 5.2). */
struct ws__frame {
    uint8_t opcode;
    bool fin;
    bool rsv1;
    bool masked;
    uint8_t key[4];
    uint64_t len; /* of the payload that follows */
};

/*
 * Decode the header at the start of n bytes.
 *
 * Returns its size, 0 if it is not all there yet, or WS_ERR_PROTOCOL if no
 * continuation of these bytes can be a valid header.
 */
int ws__frame_decode(struct ws__frame *f, const uint8_t *p, size_t n);

/* What is wrong with a header that ws__frame_decode refused, in words. */
const char *ws__frame_fault(const uint8_t *p);

/* Encode a header.  Returns its size. */
size_t ws__frame_encode(const struct ws__frame *f,
                        uint8_t out[static WS__FRAME_HEADER_MAX]);

#endif
