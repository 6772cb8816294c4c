/* SPDX-License-Identifier: MIT */

#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <jansson.h>
#include <silverback/codec.h>

/*
 * JSON by jansson.  A value is a json_t: ws_send(c, &json_codec, value) sends it
 * as text, and ws_receive(c, &json_codec, &value) gives one, for json_decref.
 * A message, text or binary, that is not exactly one JSON value, that names a
 * member twice, or that is nested over 256 deep, is refused with WS_ERR_CODEC.
 */
extern const ws_codec json_codec;

#endif
