/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_CODEC_H
#define WS_REDIS_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback/base.h>

#include "redis/command.h"
#include "redis/reply.h"

/*
 * RESP, the protocol of Redis, by hiredis; or by nobody in a build without it.
 * Memory is taken for what has come, and no more than these allow.
 */
enum {
    WS__REDIS_REPLY_MAX = 64 * 1024 * 1024, /* bytes of a reply's strings */
    WS__REDIS_DEPTH_MAX = 7,                /* of arrays in arrays */
    WS__REDIS_ELEMENTS_MAX = 1024 * 1024,   /* of all of its arrays together */
    WS__REDIS_LINE_MAX = 64 * 1024,         /* of a status or an error */
    WS__REDIS_COMMAND_MAX = WS__REDIS_REPLY_MAX,
};

/* Is there one?  Else what is below returns -ENOTSUP, or NULL. */
bool ws__redis_codec_exists(void);

/* What a server sends.  NULL: there is no memory. */
struct ws__redis_reader;
struct ws__redis_reader *ws__redis_reader_new(void);
void ws__redis_reader_free(struct ws__redis_reader *r);

/* The next n bytes that have come.  Returns 0, -ENOMEM, or WS_ERR_REDIS. */
int ws__redis_reader_feed(struct ws__redis_reader *r, const void *p, size_t n);

/* Take the next reply.  Returns 0, and *reply is the caller's, or NULL as long as
 * it has not come in whole; or -ENOMEM, or WS_ERR_REDIS for what breaks the
 * protocol or a limit, which *err tells: then nothing more is to be had. */
int ws__redis_reader_next(struct ws__redis_reader *r,
                          struct ws__redis_reply **reply, ws_error *err);

/* A command as it is sent, for ws__redis_format_free.  Returns 0, -ENOMEM;
 * WS_ERR_INVALID: no words, or more than WS__REDIS_WORDS; or WS_ERR_TOO_BIG. */
int ws__redis_format(const struct ws__redis_command *c, char **bytes,
                     size_t *n);
void ws__redis_format_free(char *bytes);

#endif
