/* SPDX-License-Identifier: MIT */

#include "redis/codec.h"

#include <errno.h>

bool ws__redis_codec_exists(void)
{
    return false;
}

struct ws__redis_reader *ws__redis_reader_new(void)
{
    return NULL;
}

void ws__redis_reader_free(struct ws__redis_reader *r)
{
    (void)r;
}

int ws__redis_reader_feed(struct ws__redis_reader *r, const void *p, size_t n)
{
    (void)r;
    (void)p;
    (void)n;
    return -ENOTSUP;
}

int ws__redis_reader_next(struct ws__redis_reader *r,
                          struct ws__redis_reply **reply, ws_error *err)
{
    (void)r;
    (void)err;
    *reply = NULL;
    return -ENOTSUP;
}

int ws__redis_format(const struct ws__redis_command *c, char **bytes, size_t *n)
{
    (void)c;
    *bytes = NULL;
    *n = 0;
    return -ENOTSUP;
}

void ws__redis_format_free(char *bytes)
{
    (void)bytes;
}
