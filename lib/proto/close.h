/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_CLOSE_H
#define WS_PROTO_CLOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The longest reason: a control frame's payload without the code. */
#define WS__REASON_MAX 123

/* May this code be sent in a close frame (RFC 6455, section 7.4.2, and the IANA
 * registry: 1000-1003, 1007-1014, 3000-4999)? */
bool ws__close_sendable(int code);

/* The name of a code, "normal" for 1000; "" if it has none. */
const char *ws__close_name(int code);

/*
 * Take a close frame's payload apart.  *code becomes 1005 when there is none;
 * the reason is what follows the first two bytes.
 *
 * Returns NULL, or what is wrong with it: a payload of one byte, a code that
 * may not be sent, a reason that is not UTF-8.
 */
const char *ws__close_decode(const uint8_t *p, size_t n, int *code);

/* As much of a reason (may be NULL) as fits, without cutting a character. */
struct ws__str ws__close_reason(const char *reason);

/* Write a payload: code and as much of the reason as fits.  Code 1005 makes it
 * empty.  Returns its size. */
size_t ws__close_encode(uint8_t out[static 125], int code, const char *reason);

#endif
