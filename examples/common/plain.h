/* SPDX-License-Identifier: MIT */

#ifndef COMMON_PLAIN_H
#define COMMON_PLAIN_H

#include <silverback/codec.h>

/*
 * Text or bytes as they are.  A value is a ws_message: ws_send sends it as its
 * type says, WS_TEXT or WS_BINARY, and ws_receive gives a copy, whose data is
 * for free() and ends with '\0'.
 */
extern const ws_codec plain_codec;

#endif
