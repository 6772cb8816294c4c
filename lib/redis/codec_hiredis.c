/* SPDX-License-Identifier: MIT */

#include "redis/codec.h"

#include <errno.h>
#include <string.h>

#include <hiredis.h>

#include "base/alloc.h"
#include "base/error.h"

struct ws__redis_reader {
    redisReader *hiredis;
    size_t bytes;        /* of the strings of the reply that comes */
    size_t elements;     /* that its arrays have announced */
    const char *refused; /* what it was, and no more is read */
};

bool ws__redis_codec_exists(void)
{
    return true;
}

/* ---- What hiredis has read ---------------------------------------------- */

/* An array grows as its elements come, to a power of two: what it says of its
 * length takes no memory. */
static bool reply_append(struct ws__redis_reply *array,
                         struct ws__redis_reply *r)
{
    size_t n = array->elements;

    if ((n & (n - 1)) == 0) {
        void *more =
            ws__realloc(array->element, (n == 0 ? 1 : 2 * n) * sizeof(r));
        if (!more)
            return false;
        array->element = more;
    }
    array->element[array->elements++] = r;
    return true;
}

static struct ws__redis_reply *reply_create(const redisReadTask *t,
                                            enum ws__redis_type type)
{
    struct ws__redis_reply *r = ws__zalloc(sizeof(*r));

    if (!r)
        return NULL;
    r->type = type;
    if (t->parent && !reply_append(t->parent->obj, r)) {
        ws_free(r);
        return NULL;
    }
    return r;
}

/* hiredis takes it for a want of memory. */
static void *reply_refuse(const redisReadTask *t, const char *why)
{
    struct ws__redis_reader *r = t->privdata;

    r->refused = why;
    return NULL;
}

static void *create_string(const redisReadTask *t, char *p, size_t n)
{
    static const enum ws__redis_type types[] = {
        [REDIS_REPLY_STRING] = WS__REDIS_STRING,
        [REDIS_REPLY_STATUS] = WS__REDIS_STATUS,
        [REDIS_REPLY_ERROR] = WS__REDIS_ERROR,
    };
    struct ws__redis_reader *reader = t->privdata;

    if (t->type != REDIS_REPLY_STRING && t->type != REDIS_REPLY_STATUS &&
        t->type != REDIS_REPLY_ERROR)
        return reply_refuse(t, "a type of RESP 3");
    if (n > WS__REDIS_REPLY_MAX - reader->bytes)
        return reply_refuse(t, "a reply of more than 64 MiB");
    reader->bytes += n;

    struct ws__redis_reply *r = reply_create(t, types[t->type]);
    if (!r)
        return NULL;
    r->str = ws__alloc(n + 1);
    if (!r->str) {
        if (!t->parent)
            ws_free(r);
        return NULL;
    }
    memcpy(r->str, p, n);
    r->str[n] = '\0';
    r->len = n;
    return r;
}

static int reply_depth(const redisReadTask *t)
{
    int n = 1;

    while ((t = t->parent))
        n++;
    return n;
}

/* Their number was an int once. */
#if HIREDIS_MAJOR == 0
typedef int elements;
#else
typedef size_t elements;
#endif

static void *create_array(const redisReadTask *t, elements n)
{
    struct ws__redis_reader *reader = t->privdata;

    if (t->type != REDIS_REPLY_ARRAY)
        return reply_refuse(t, "a type of RESP 3");
    if ((size_t)n > WS__REDIS_ELEMENTS_MAX - reader->elements)
        return reply_refuse(t, "a reply of more than 1048576 elements");
    if (reply_depth(t) > WS__REDIS_DEPTH_MAX)
        return reply_refuse(t, "arrays nested deeper than 7");
    reader->elements += (size_t)n;
    return reply_create(t, WS__REDIS_ARRAY);
}

static void *create_integer(const redisReadTask *t, long long n)
{
    struct ws__redis_reply *r = reply_create(t, WS__REDIS_INTEGER);

    if (r)
        r->integer = n;
    return r;
}

static void *create_nil(const redisReadTask *t)
{
    return reply_create(t, WS__REDIS_NIL);
}

#if HIREDIS_MAJOR > 0
static void *create_double(const redisReadTask *t, double n, char *p,
                           size_t len)
{
    (void)n;
    (void)p;
    (void)len;
    return reply_refuse(t, "a type of RESP 3");
}

static void *create_bool(const redisReadTask *t, int n)
{
    (void)n;
    return reply_refuse(t, "a type of RESP 3");
}
#endif

static void free_object(void *reply)
{
    ws__redis_reply_free(reply);
}

static redisReplyObjectFunctions reply_functions = {
    .createString = create_string,
    .createArray = create_array,
    .createInteger = create_integer,
    .createNil = create_nil,
#if HIREDIS_MAJOR > 0
    .createDouble = create_double,
    .createBool = create_bool,
#endif
    .freeObject = free_object,
};

/* ---- The reader --------------------------------------------------------- */

struct ws__redis_reader *ws__redis_reader_new(void)
{
    struct ws__redis_reader *r = ws__zalloc(sizeof(*r));

    if (!r)
        return NULL;
    r->hiredis = redisReaderCreateWithFunctions(&reply_functions);
    if (!r->hiredis) {
        ws_free(r);
        return NULL;
    }
    r->hiredis->privdata = r;
    return r;
}

void ws__redis_reader_free(struct ws__redis_reader *r)
{
    if (!r)
        return;
    redisReaderFree(r->hiredis);
    ws_free(r);
}

int ws__redis_reader_feed(struct ws__redis_reader *r, const void *p, size_t n)
{
    /* Beyond an error it says so again, whatever came. */
    if (r->hiredis->err != 0)
        return 0;
    return redisReaderFeed(r->hiredis, p, n) == REDIS_OK ? 0 : -ENOMEM;
}

/* What is not taken yet is the beginning of a line, or of a string behind a line
 * that says how long it is. */
static const char *unfinished_fault(const struct ws__redis_reader *r)
{
    const redisReader *h = r->hiredis;
    size_t n = h->len - h->pos;

    if (n > WS__REDIS_LINE_MAX &&
        !memchr(h->buf + h->pos, '\r', WS__REDIS_LINE_MAX))
        return "a line of more than 64 KiB";
    if (n > WS__REDIS_REPLY_MAX + WS__REDIS_LINE_MAX)
        return "a reply of more than 64 MiB";
    return NULL;
}

static int reader_fail(const struct ws__redis_reader *r, ws_error *err)
{
    const char *why = r->refused;

    if (!why && r->hiredis->err == REDIS_ERR_OOM)
        return ws__fail(err, -ENOMEM, "out of memory");
    return ws__fail(err, WS_ERR_REDIS,
                    "a reply of Redis was expected, what came is %s",
                    why ? why : r->hiredis->errstr);
}

int ws__redis_reader_next(struct ws__redis_reader *r,
                          struct ws__redis_reply **reply, ws_error *err)
{
    void *got = NULL;

    *reply = NULL;
    if (r->refused || redisReaderGetReply(r->hiredis, &got) != REDIS_OK)
        return reader_fail(r, err);
    if (!got) {
        r->refused = unfinished_fault(r);
        return r->refused ? reader_fail(r, err) : 0;
    }
    r->bytes = 0;
    r->elements = 0;
    *reply = got;
    return 0;
}

/* ---- Commands ----------------------------------------------------------- */

int ws__redis_format(const struct ws__redis_command *c, char **bytes, size_t *n)
{
    const char *argv[WS__REDIS_WORDS];
    size_t lengths[WS__REDIS_WORDS], all = 0;

    if (c->n < 1 || c->n > WS__REDIS_WORDS)
        return WS_ERR_INVALID;
    for (int i = 0; i < c->n; i++) {
        argv[i] = c->words[i].p;
        lengths[i] = c->words[i].n;
        if (lengths[i] > WS__REDIS_COMMAND_MAX - all)
            return WS_ERR_TOO_BIG;
        all += lengths[i];
    }
    long long r = redisFormatCommandArgv(bytes, c->n, argv, lengths);
    if (r < 0)
        return -ENOMEM;
    *n = (size_t)r;
    return 0;
}

void ws__redis_format_free(char *bytes)
{
    redisFreeCommand(bytes);
}
