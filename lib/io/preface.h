/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_PREFACE_H
#define WS_IO_PREFACE_H

#include <stddef.h>
#include <stdint.h>

#include "io/stream.h"

/* How long what n bytes begin with is, 0 if there is more to come, or a negative
 * code. */
typedef int (*ws__preface_fn)(void *arg, const void *bytes, size_t n);

/*
 * Read what a plain stream begins with into room, of cap bytes, by the deadline,
 * and not one byte more, since the next ones may be another's (TLS).  Returns its
 * length, what fn has refused it with, WS_ERR_EOF, WS_ERR_TIMEOUT, -EMSGSIZE when
 * cap bytes are not enough, or a negated errno.
 */
int ws__preface_read(struct ws__stream *s, void *room, size_t cap,
                     int64_t deadline, ws__preface_fn fn, void *arg);

#endif
