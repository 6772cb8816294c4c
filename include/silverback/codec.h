/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_CODEC_H
#define SILVERBACK_CODEC_H

#include "conn.h"

WS_BEGIN_DECLS

/*
 * How a value becomes a message and a message a value; after the Codec of
 * golang.org/x/net/websocket.  marshal returns bytes in *data, which release
 * (NULL: free) gives back once they are sent, and may set *type, which is
 * WS_TEXT; m is borrowed by unmarshal.  Both return 0, or a code, best
 * WS_ERR_CODEC, that ws_send or ws_receive then returns; nothing is sent when
 * marshal fails, and the connection is usable.
 *
 * Concurrency: only read, and not kept, so one codec, static and const, serves
 * all fibers.
 */
typedef struct ws_codec {
    int (*marshal)(const void *value, ws_type *type, char **data, size_t *len);
    int (*unmarshal)(const ws_message *m, void *value);
    void (*release)(void *data);
} ws_codec;

/* Else what ws_write_message returns. */
WS_API WS_CHECKED int ws_send(ws_conn *c, const ws_codec *codec,
                              const void *value);

/* Else what ws_read_message returns.  A message that unmarshal refuses is gone,
 * the next one can be received. */
WS_API WS_CHECKED int ws_receive(ws_conn *c, const ws_codec *codec,
                                 void *value);

WS_END_DECLS

#endif
