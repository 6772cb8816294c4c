/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_FAULT_H
#define WS_PROTO_FAULT_H

#include "proto/reader.h"

/* Record in r what is wrong with what came, for the caller and for the peer.
 * Each returns WS__FAILED, and nothing more is read afterwards. */
enum ws__event ws__fault(struct ws__reader *r, int error, int close_code,
                         const char *text);
enum ws__event ws__fault_too_big(struct ws__reader *r);
enum ws__event ws__fault_not_utf8(struct ws__reader *r);
enum ws__event ws__fault_no_memory(struct ws__reader *r);

#endif
