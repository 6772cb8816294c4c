/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_ACCEPT_KEY_H
#define WS_PROTO_ACCEPT_KEY_H

#define WS__KEY_LEN 24    /* of Sec-WebSocket-Key: 16 bytes in base64 */
#define WS__ACCEPT_LEN 28 /* of Sec-WebSocket-Accept: a SHA-1 in base64 */

/* Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2).  Returns 0 or
 * -ENOMEM. */
int ws__accept_key(char out[static WS__ACCEPT_LEN + 1], const char *key);

#endif
