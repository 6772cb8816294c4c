/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_EXTENSION_H
#define WS_PROTO_EXTENSION_H

#include <stdbool.h>

#include <silverback/http.h>

/* permessage-deflate as agreed (RFC 7692).  Bits are those of the LZ77 window,
 * 9 .. 15; a takeover means that a window lives on from message to message. */
struct ws__deflate_params {
    bool on;
    bool server_takeover;
    bool client_takeover;
    bool client_unasked; /* the client did not offer to keep none */
    int server_bits;
    int client_bits;
    bool say_server_bits; /* the answer names them */
    bool say_client_bits;
};

#define WS__DEFLATE_FIELD_MAX 192

/*
 * Server: choose among the offers of a request's Sec-WebSocket-Extensions
 * fields the first that we can honour in full.  takeover_bits is the
 * upgrader's: 0 for no context takeover, else the largest window that either
 * side may keep.  p->on tells whether one was found; *p is then what we agree
 * to, and ws__deflate_answer writes the field's value.
 */
void ws__deflate_choose(struct ws__deflate_params *p, const ws_header *headers,
                        int takeover_bits);
void ws__deflate_answer(char out[static WS__DEFLATE_FIELD_MAX],
                        const struct ws__deflate_params *p);

/* Client: the offer's value, and the check of what came back.  Returns NULL and
 * *p (off, if the server declined), or one static line that says why the answer
 * breaks the offer, and *held is the field that does. */
void ws__deflate_offer(char out[static WS__DEFLATE_FIELD_MAX],
                       int takeover_bits);
const char *ws__deflate_check(struct ws__deflate_params *p,
                              const ws_header *headers, bool offered,
                              int takeover_bits, const char **held);

#endif
