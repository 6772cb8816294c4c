/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_WRITE_H
#define WS_CONN_WRITE_H

#include "conn/outbox.h"

/* A frame to be sent.  may_hold: it may wait in the buffer (see ws_flush). */
struct ws__sending {
    uint8_t opcode;
    bool fin;
    bool rsv1;
    bool may_hold;
    bool whole; /* a message; the message lock is not held */
    const void *data;
    size_t framed; /* bytes before data: its header, as servers send it */
    size_t len;
    int64_t deadline;
};

/* What ends all writing: 0, the sticky error, WS_ERR_CANCELED or
 * WS_ERR_CLOSE_SENT. */
int ws__write_check(ws_conn *c);

/* Send one frame, between others' frames.  Returns what ws_write_message does;
 * WS_ERR_BUSY for a whole message while one in pieces is under way. */
int ws__write_frame(ws_conn *c, const struct ws__sending *s);

/* The same for a whole message, which may have to wait behind one in pieces. */
int ws__write_whole(ws_conn *c, struct ws__sending *s);

/* Is a message in pieces under way? */
bool ws__has_author(const ws_conn *c);

/* And is it the caller's? */
bool ws__is_author(const ws_conn *c);

/* The turn to write a message (see conn/outbox).  Returns 0, WS_ERR_TIMEOUT, what
 * ws__write_check does, or WS_ERR_BUSY for the author of a message in pieces. */
int ws__message_lock(ws_conn *c, int64_t deadline);
void ws__message_unlock(ws_conn *c);

/* For the one who closes, if it is the author of a message in pieces: others,
 * who wait for its end, wait no more. */
void ws__message_abandon(ws_conn *c);

/* ws_write_close with a deadline of its own. */
int ws__write_close_by(ws_conn *c, int code, const char *reason,
                       int64_t deadline);

/* May a message of the caller wait in the buffer (see ws_flush)?  Then it is
 * sent before the caller waits.  With the lock held. */
bool ws__hold_wanted(ws_conn *c);
void ws__hold(ws_conn *c);

/* Send what the caller's message in pieces has so far; 0 if there is none. */
int ws__piece_flush(ws_conn *c);

/* Is the next message to be compressed?  With a window of how many bits, that
 * lives on?  With what: NULL is no memory. */
bool ws__compresses(const ws_conn *c);
int ws__compressor_bits(const ws_conn *c);
bool ws__compressor_keeps(const ws_conn *c);
struct ws__deflate *ws__compressor_get(ws_conn *c);
void ws__compressor_put(ws_conn *c, struct ws__deflate *d);

/* ws__deflate_run, or ws__deflate_alone for a message that stands alone, into a
 * buffer of the worker's; on the worker's stack, since it is deep.  Others have
 * their turns meanwhile. */
struct ws__compression {
    struct ws__deflate *d;
    const void *data;
    size_t len;
    enum ws__flush flush;
    bool alone;
    bool at_once; /* they have none */
    struct ws__buf *out;
    int error;
};
int ws__compress(struct ws__compression k);

#endif
