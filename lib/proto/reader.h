/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_READER_H
#define WS_PROTO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/conn.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "proto/frame.h"
#include "proto/inflate.h"
#include "proto/lookback.h"

/* What the bytes that came amount to. */
enum ws__event {
    WS__NEED_INPUT, /* read more: see ws__reader_window */
    WS__MESSAGE,    /* reader.message */
    WS__PIECE,      /* reader.piece bytes of a message are in the caller's */
    WS__CONTROL,    /* reader.control: a ping, pong or close */
    WS__FAILED,     /* reader.error, now and ever after */
    WS__GO_ON,      /* call again: it was a lot of work so far */
};

/*
 * The receiving half of the protocol: bytes in, messages out (RFC 6455, sections
 * 5 and 8.1; RFC 7692, section 6.2).
 *
 * Bytes come by one buffer, in.  An unfragmented uncompressed message that fits
 * there is given out in place; others are put together in whole.
 */
struct ws__reader {
    bool client;      /* this end is a client's: frames come unmasked */
    bool compression; /* permessage-deflate was agreed, */
    bool takeover;    /* and the peer's window lives on */
    struct ws__lookback *lookback; /* or does in spite of it; NULL: never */
    int64_t limit;                 /* of one message, inflated; < 0: none */
    size_t in_max;                 /* the largest size of in */
    struct ws__pool *buffers;
    struct ws__pool *inflaters;
    void (*trace)(const struct ws__reader *r); /* of each frame; NULL: none */

    /* The frame under way, or the next one: if that is decoded already, the size
     * of its header, which lies in the buffer still. */
    struct ws__frame frame;
    uint8_t header;
    bool in_payload; /* its header is done with, and it is a data frame */
    uint64_t left;   /* of its payload: what is not used up */
    size_t ready;    /* bytes at in->pos that are unmasked and checked */
    size_t phase;    /* of the mask */

    /* The message under way. */
    uint8_t type; /* 0 between messages */
    bool compressed;
    uint64_t
        wire; /* payloads of compressed ones: the caller counts, and zeroes */
    uint64_t have; /* bytes of it given out, or put into whole */
    struct ws__utf8 utf8;
    int waited_ms; /* for the rest of it: the caller counts */
    struct ws__buf whole;
    bool direct; /* whole has room for the next bytes of the payload */
    struct ws__inflate *inflate; /* kept as long as it has a window to keep */

    char *borrowed_end; /* where a NUL was put over a byte of in (or NULL), */
    char saved;         /* which is this one */

    /* What the last call did, in bytes, but for those that came. */
    size_t effort;

    ws_message message;
    size_t piece;
    struct {
        uint8_t type;
        uint8_t len;
        char data[WS__CONTROL_MAX + 1];
    } control;
    int error;        /* the code for the caller, */
    int close_code;   /* the one for the peer, */
    const char *text; /* and why */
};

/* Give back the memory that nothing needs between messages.  all: also what was
 * grown for large ones, and what is larger than the message under way. */
void ws__reader_idle(struct ws__reader *r, bool all);

/* Is there nothing of a message, an error or a window in it, so that another
 * connection may go on with it? */
bool ws__reader_is_clean(const struct ws__reader *r);

void ws__reader_fini(struct ws__reader *r);

/* Go on to the next event, towards a whole message.  What the last message
 * borrowed is void. */
enum ws__event ws__reader_next(struct ws__reader *r, struct ws__buf *in);

/* Go on to the next event, towards a piece: up to n bytes of the message under
 * way are put in buf.  A piece of 0 bytes is the end of the message.  When none is
 * under way, the first piece of the next one is waited for; with n 0, its
 * start. */
enum ws__event ws__reader_piece(struct ws__reader *r, struct ws__buf *in,
                                void *buf, size_t n);

/* The payload of a large message is received right where it belongs: the next
 * bytes go to *p, at most *n, and are told to ws__reader_filled.  Returns false
 * when they go to in. */
bool ws__reader_window(struct ws__reader *r, const struct ws__buf *in,
                       uint8_t **p, size_t *n);
void ws__reader_filled(struct ws__reader *r, size_t n);

/* How many bytes of the message under way have come; inflated, if they have to
 * be. */
uint64_t ws__reader_came(const struct ws__reader *r);

/* How many bytes more in must have room for. */
size_t ws__reader_wants(const struct ws__reader *r, const struct ws__buf *in);

/* Is the next message there in full, unfragmented?  It may say no of one behind a
 * message that was put together in whole. */
bool ws__reader_has_next(const struct ws__reader *r, const struct ws__buf *in);

#endif
