/* SPDX-License-Identifier: MIT */

#ifndef TOOL_STATUS_H
#define TOOL_STATUS_H

#include <silverback.h>

/* What the tool exits with. */
enum status {
    STATUS_CLOSED = 0,        /* with 1000, 1001, 1005, or as we have said */
    STATUS_USAGE = 1,         /* and what this machine does not let us do */
    STATUS_NO_CONNECTION = 2, /* name, TCP, proxy; or nothing to listen on */
    STATUS_TLS = 3,           /* failed, or is not trusted */
    STATUS_REFUSED = 4,       /* the handshake, by a status of HTTP */
    STATUS_CLOSE_CODE = 5, /* closed with another code, or with none (1006) */
    STATUS_TIMEOUT = 6,
    STATUS_PROTOCOL = 7, /* the peer does not speak it */
    STATUS_INTERRUPTED = 130,
};

/* Of a dial that failed. */
enum status status_of_dial(const ws_error *err);

/* Of a connection that a read has ended with this code.  said: the close code
 * that we have sent first, or 0. */
enum status status_of_end(ws_conn *c, int code, int said);

#endif
