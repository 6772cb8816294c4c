/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_TRACE_H
#define WS_CONN_TRACE_H

#include "conn/conn.h"
#include "proto/reader.h"

/* A line in the log for each frame of a connection: what stands in its header,
 * never what is in its payload. */

static inline bool ws__is_traced(const ws_conn *c)
{
    return ws__is_on(c, WS__TRACED);
}

/* All are, if the environment's SILVERBACK_TRACE is 1. */
bool ws__trace_all(void);

/* The frame that a reader, which is an inbox's, has come to; one that is about
 * to be sent. */
void ws__trace_in(const struct ws__reader *r);
void ws__trace_out(const ws_conn *c, const struct ws__frame *f);

#endif
