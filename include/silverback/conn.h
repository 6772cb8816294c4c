/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_CONN_H
#define SILVERBACK_CONN_H

#include "base.h"
#include "fiber.h"
#include "tls.h"

WS_BEGIN_DECLS

/*
 * A WebSocket connection, either end.
 *
 * Concurrency: one fiber at a time reads, on the worker where the connection
 * was made (made in a thread: any one thread).  Reading, its limits and its
 * handlers belong to it.  Everything else may be called from any fiber and any
 * thread that holds a reference: a message is sent whole, one after the other,
 * and control frames go between its fragments.
 *
 * Errors are sticky per direction: once a read (or a write) has failed, every
 * later one returns the same code at once, and ws_conn_error tells the story.
 * WS_ERR_TIMEOUT is no failure: the connection stands exactly where it stood,
 * even inside a frame, and the next read goes on.
 *
 * A write that fails is its caller's to see to, and leaves reading alone:
 * ws_shutdown wakes who waits there.  What is sent without a caller (an answer, a
 * ping, what was handed over or held back) ends reading when it fails for good:
 * what has come is read, and then the read returns that error.
 */
typedef struct ws_conn ws_conn;

/* Hold the connection for another fiber, that writes to it or shuts it down
 * while its owner may close it.  Returns c.  After ws_close, calls through such
 * a reference return WS_ERR_CANCELED; memory goes with the last. */
WS_API ws_conn *ws_ref(ws_conn *c);
WS_API void ws_unref(ws_conn *c);

/* What a message is, or a control frame: the opcodes of RFC 6455, section 5.2. */
typedef enum ws_type {
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
} ws_type;

/* Close codes: RFC 6455, section 7.4.1, and the IANA registry. */
enum {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_NO_STATUS = 1005, /* never on the wire */
    WS_CLOSE_ABNORMAL = 1006,  /* never on the wire */
    WS_CLOSE_BAD_PAYLOAD = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_MANDATORY_EXTENSION = 1010,
    WS_CLOSE_INTERNAL = 1011,
    WS_CLOSE_SERVICE_RESTART = 1012,
    WS_CLOSE_TRY_AGAIN_LATER = 1013,
    WS_CLOSE_BAD_GATEWAY = 1014,
    WS_CLOSE_TLS_HANDSHAKE = 1015, /* never on the wire */
};

/*
 * A received message.  The bytes belong to the connection: they are yours to
 * read and to scribble on until the next read or ws_close.  data[len] is
 * always '\0', so a text message can be printed as it is.
 */
typedef struct ws_message {
    ws_type type; /* WS_TEXT or WS_BINARY */
    char *data;   /* never NULL */
    size_t len;
} ws_message;

/* ---- Reading ------------------------------------------------------------ */

/*
 * Wait for the next whole message.  Pings are answered and fragments joined on
 * the way.  Answering never waits: while a message is being written, the answer
 * to the newest ping follows it; and an answer that cannot be sent is no error
 * of the read as long as there is something to be read.
 *
 * Returns 0, or
 *   WS_ERR_CLOSED      the peer sent a close frame: see ws_close_code
 *   WS_ERR_TOO_BIG     the message exceeds the read limit (1009 was sent)
 *   WS_ERR_PROTOCOL    the peer misbehaved (1002 was sent)
 *   WS_ERR_UTF8, WS_ERR_DEFLATE   likewise (1007 was sent)
 *   WS_ERR_TIMEOUT     the read deadline passed: the connection is usable
 *   WS_ERR_DEAD        nothing came, not even the answer to a ping, nor was
 *                      anything taken (ws_upgrader.ping_interval_ms)
 *   WS_ERR_SLOW        the rest of a message came too slowly (1008 was sent;
 *                      ws_upgrader.min_read_rate), or the peer did not take what
 *                      was handed over (1013 was sent; ws_set_queue)
 *   WS_ERR_FULL        unfinished messages, of all connections together or of
 *                      those from one address, hold too much (1013 was sent;
 *                      ws_set_unfinished_limit, max_unfinished_per_address)
 *   WS_ERR_CANCELED    ws_shutdown was called
 *   WS_ERR_BUSY        another fiber is inside a read, or this one, which has
 *                      called a handler of control frames; or the one that read
 *                      before has not waited since it held an answer back
 *                      (ws_flush): nothing was read
 *   WS_ERR_EOF, -ECONNRESET, ...   the transport failed
 */
WS_API WS_CHECKED int ws_read_message(ws_conn *c, ws_message *m);

/*
 * The same, with what ends this one call: deadline, a point in time (0: never),
 * instead of the connection's; and event (NULL: none), that something else sets:
 * then WS_ERR_INTERRUPTED, and the connection is usable.  A message that is here
 * in full is read all the same.
 */
WS_API WS_CHECKED int ws_read_message_by(ws_conn *c, ws_message *m,
                                         int64_t deadline, ws_event *event);

/* Keep a message past the next read: moved out if possible, else copied.
 * Returns m->data, now yours, for ws_free; or NULL when there is no memory, and
 * m is borrowed as before. */
WS_API char *ws_message_take(ws_conn *c, ws_message *m);

/*
 * A message in pieces, for one too large to hold.  ws_next_reader skips to the
 * start of the next message; ws_read then returns at most n (> 0) bytes of
 * it, and 0 at its end.  Text is checked as it arrives.  The read limit holds
 * here too, for each message anew.
 */
WS_API WS_CHECKED int ws_next_reader(ws_conn *c, ws_type *type);
WS_API WS_CHECKED ptrdiff_t ws_read(ws_conn *c, void *buf, size_t n);

/* All messages as one byte stream, term (which may be NULL) after each.  Returns
 * how many of at most n (> 0) bytes there are, never 0; or a negative code, as
 * ws_read_message does.  Goes on with a message that ws_read has begun. */
WS_API WS_CHECKED ptrdiff_t ws_read_joined(ws_conn *c, const char *term,
                                           void *buf, size_t n);

/* ---- Writing ------------------------------------------------------------ */

/*
 * Send one message, as one frame.  data is not retained.  Text is sent as it
 * is: that it be UTF-8 is for the caller to see to.
 *
 * Returns 0, or
 *   WS_ERR_CLOSE_SENT  a close frame went before it
 *   WS_ERR_TIMEOUT     the write deadline passed before anything of the message
 *                      was sent: it is not sent, the connection is usable
 *   WS_ERR_DEAD        it passed in the middle of the message, or the peer took
 *                      nothing for write_timeout_ms
 *   WS_ERR_CANCELED    ws_shutdown or ws_close was called
 *   WS_ERR_SLOW        it did not take what was handed over (ws_set_queue)
 *   -ECONNRESET, ...   the transport failed
 */
WS_API int ws_write_message(ws_conn *c, ws_type type, const void *data,
                            size_t len);
WS_API int ws_write_text(ws_conn *c, const char *text);
WS_API int ws_writef(ws_conn *c, const char *fmt, ...) WS_PRINTF(2, 3);
WS_API int ws_vwritef(ws_conn *c, const char *fmt, va_list ap) WS_PRINTF(2, 0);

/* ws_write_message with a deadline of its own, a point in time (0: never), instead
 * of the connection's. */
WS_API int ws_write_message_by(ws_conn *c, ws_type type, const void *data,
                               size_t len, int64_t deadline);

/*
 * ws_write_message that never waits: for a peer that may be slow, while others
 * are not to be.  Takes all of the message, or none.
 *
 * What the kernel has no room for is kept, and goes as soon as there is room: by
 * the fiber that reads, while it waits in this library, or with the next write or
 * flush.  So without a reader a connection that nothing more is written to wants
 * a ws_flush.  One message at most is kept: as long as some of it is, there is no
 * room for the next.
 *
 * Returns 0; WS_ERR_TIMEOUT when it would have to wait, for room or for another
 * one that is writing: nothing was sent, the connection is usable; -ENOMEM, and
 * likewise; or what ws_write_message does.
 */
WS_API int ws_try_write_message(ws_conn *c, ws_type type, const void *data,
                                size_t len);

/*
 * Bytes that were written, or handed over, and that the peer has not acknowledged
 * yet (of a local socket: not read), here and in the kernel, with what frames and
 * TLS put around them: how far it is behind.  Of a message in pieces, those that
 * were sent.  0 for NULL.  Concurrency: any fiber, any thread.
 */
WS_API size_t ws_buffered(const ws_conn *c);

/*
 * A small message from the fiber that reads may wait in a buffer, but only
 * while the next message to read is already here in full.  It goes out before
 * that fiber waits in this library, ahead of any other fiber's message, at 16
 * KiB, and when the handler returns, or the thread ends.  So a burst of requests
 * gets its answers in one packet, and a lone one at once.  An error of such a
 * message shows at a later call.
 *
 * Long computing, or waiting outside of this library, holds such an answer
 * back: ws_flush before it (it waits for what was handed over, too), or
 * ws_set_coalescing(c, false) to send always at once.  A connection that held
 * answers for over 100 us three times in a row stops by itself, and a route with
 * thread set starts with coalescing off.
 *
 * In a fiber the answer to a close frame is held back, too, to leave in one
 * packet with the end of the stream: until ws_close, or until the fiber waits,
 * and by TCP for 200 ms at most.
 */
WS_API int ws_flush(ws_conn *c);
WS_API void ws_set_coalescing(ws_conn *c, bool enable);

/* A message in pieces: next_writer, any number of writes, end_message, from one
 * fiber.  Other fibers' messages wait meanwhile; this fiber's own get
 * WS_ERR_BUSY.  A piece goes out when the buffer is full, or by ws_flush.  A
 * write that returns WS_ERR_TIMEOUT has taken nothing: it can be tried again. */
WS_API WS_CHECKED int ws_next_writer(ws_conn *c, ws_type type);
WS_API WS_CHECKED int ws_write(ws_conn *c, const void *data, size_t len);
WS_API WS_CHECKED int ws_end_message(ws_conn *c);

/* Send a ping, pong or close of at most 125 bytes; a longer one, or a close
 * with a code that may not be sent, is WS_ERR_INVALID. */
WS_API int ws_write_control(ws_conn *c, ws_type type, const void *data,
                            size_t len, int64_t deadline);

/* Send a close frame, waiting for a message under way up to the write deadline.
 * A reason (NULL: none) over 123 bytes is cut between characters; a code that
 * may not be sent (1005, 1006, 1015, ...) is WS_ERR_INVALID. */
WS_API int ws_write_close(ws_conn *c, int code, const char *reason);

/*
 * One message for many connections: data is copied, framed once, compressed
 * once for each level, and shared by reference (a client's copy is masked anew;
 * with context takeover a connection compresses for itself).
 *
 * Concurrency: any fiber, any thread may write it.  Free it when no new write
 * can begin: those under way keep its bytes.
 *
 * ws_prepare returns NULL when memory ran out, for a type that there is none
 * of, or for a control message over 125 bytes.  ws_write_prepared returns what
 * ws_write_message does, and -ENOMEM; NULL is WS_ERR_INVALID.
 */
typedef struct ws_prepared ws_prepared;
WS_API ws_prepared *ws_prepare(ws_type type, const void *data, size_t len);
WS_API int ws_write_prepared(ws_conn *c, ws_prepared *p);
WS_API void ws_prepared_free(ws_prepared *p);

/* ---- Being called instead of waiting ------------------------------------ */

/*
 * Takes the connection, from its handler.  Once the handler has returned, fn
 * runs for each message, one after the other, in a fiber; a connection that
 * waits for its next message keeps no stack.  (In a thread route it is that
 * thread that goes on, stack and all.)  m is borrowed until fn returns.  fn may
 * write, read on, and end the connection by ws_shutdown.  ws_close is not its to
 * call: within fn, or in the handler after this, that is logged, and the connection
 * is closed when fn, or the handler, has returned; from elsewhere, and from a
 * handler of control frames, it is logged and shuts down.
 *
 * When the connection has ended, for any reason, also a read deadline, fn runs
 * one last time with m NULL: ws_conn_error says why; free arg there.  Then it
 * is closed.  Returns 0, or WS_ERR_INVALID when not called from the handler that
 * upgraded c, which is then still yours to close, or when that was closed.
 */
typedef void (*ws_message_fn)(ws_conn *c, ws_message *m, void *arg);
WS_API int ws_on_message(ws_conn *c, ws_message_fn fn, void *arg);

/* ---- Limits, deadlines, compression ------------------------------------- */

/* The most that one message may hold, after inflating.  0: the default of
 * 16 MiB; -1: no limit. */
WS_API void ws_set_read_limit(ws_conn *c, int64_t bytes);

/* Points in time, 0 for never, that hold for every later read (write) until
 * they are changed, but for those that have one of their own (ws_read_message_by,
 * ws_write_message_by).  They do not wake one that waits: ws_shutdown does, and
 * the event of ws_read_message_by.  The first of a connection takes memory; where
 * there is none, the connection fails with -ENOMEM, as by ws_shutdown. */
WS_API void ws_set_read_deadline(ws_conn *c, int64_t deadline);
WS_API void ws_set_write_deadline(ws_conn *c, int64_t deadline);

/* Whether, and how well, messages of this side are compressed, from the next one
 * on.  Levels are zlib's 0 .. 9, -1 for its default and -2 for Huffman codes
 * alone; 1 unless set, which ISA-L, where the library was built with it, does in
 * less than half the time for whole messages without context takeover.  All of
 * them end in a sync flush, not in a last block, which many peers take for the
 * end of everything (RFC 7692, section 7.2.3.4). */
WS_API void ws_enable_write_compression(ws_conn *c, bool enable);
WS_API int ws_set_compression_level(ws_conn *c, int level); /* -2 .. 9 */

/* ---- Control frames ----------------------------------------------------- */

/*
 * What becomes of control frames.  Called from within reads; data is borrowed for
 * the call, and ends with '\0'.  May write.  Must not read (WS_ERR_BUSY), nor
 * close: ws_close within one is logged, shuts the connection down, and leaves it
 * to be closed.  Return 0 to go on, or a negative code that the read then returns
 * for good (after a close frame, which it does not hide: ws_conn_error tells of
 * that).  A handler replaces the default (answer a ping with its bytes, ignore a
 * pong, answer a close with its code): a ping handler sends its own pong.  NULL
 * restores it.
 */
typedef int (*ws_control_fn)(ws_conn *c, const char *data, size_t len,
                             void *arg);
typedef int (*ws_close_fn)(ws_conn *c, int code, const char *reason, void *arg);
WS_API void ws_set_ping_handler(ws_conn *c, ws_control_fn fn, void *arg);
WS_API void ws_set_pong_handler(ws_conn *c, ws_control_fn fn, void *arg);
WS_API void ws_set_close_handler(ws_conn *c, ws_close_fn fn, void *arg);

/*
 * Leave the answer to the peer's close frame to the owner, who may have more to
 * say before: for ms after it has come (-1: for as long as it takes; 0, the
 * default: not at all) messages are sent as before, although reading has ended
 * with WS_ERR_CLOSED.  The answer is ws_write_close or ws_finish, or ws_close,
 * which repeats the peer's code; a write that comes too late sends that, too, and
 * returns WS_ERR_CLOSE_SENT.  A close handler decides by itself.  Many peers drop
 * what comes after they have said goodbye (browsers do), and none has to wait
 * for the answer for long.
 */
WS_API void ws_set_close_delay(ws_conn *c, int ms);

/* ---- About it ----------------------------------------------------------- */

/* What the handshake has agreed on, and who is at either end. */
WS_API const char *ws_subprotocol(const ws_conn *c); /* "" if none */
WS_API const char *ws_local_addr(const ws_conn *c);  /* "127.0.0.1:8080" */
WS_API const char *ws_remote_addr(const ws_conn *c); /* as the request's */

/* The certificate that the peer has shown, which was verified (but see its
 * field); of a resumed session, the one that began it.  NULL without TLS, for a
 * client that showed none, or when memory ran out.  It lives as long as c. */
WS_API const ws_cert *ws_conn_cert(const ws_conn *c);

/* Its descriptor; and what a program has put there for itself, NULL before. */
WS_API int ws_fd(const ws_conn *c); /* for getsockopt and logs, not for I/O */
WS_API void ws_set_user(ws_conn *c, void *user);
WS_API void *ws_user(const ws_conn *c);

/* Log each frame that comes and goes from now on: its direction, opcode, FIN and
 * RSV1, and the length of its payload, but nothing of that.  Those of all
 * connections if the environment's SILVERBACK_TRACE is 1 when they begin.  From
 * any thread; what has been received already may not be logged any more.  The log
 * function is called while nothing else can be sent on c: it must not write to c,
 * nor to another connection that is traced. */
WS_API void ws_set_trace(ws_conn *c, bool on);

/* ---- Ending ------------------------------------------------------------- */

/* The first final error of this connection; code 0 while all is well.  Written
 * once, so any fiber may look.  Usable codes and WS_ERR_CLOSE_SENT are answers
 * to the caller and not recorded; and what was sent without a caller, an answer
 * or a ping, and failed, is so when a write returns it, or a read: why the peer
 * closed may still be read.  Borrowed until ws_close. */
WS_API const ws_error *ws_conn_error(const ws_conn *c);

/* Code and reason of the peer's close frame; 1005 if it had no code, 1006 if
 * reading ended without a close frame, 0 before.  The reason is whatever UTF-8 it
 * sent, control bytes among it; ws_conn_error has it fit for a log. */
WS_API int ws_close_code(const ws_conn *c);
WS_API const char *ws_close_reason(const ws_conn *c);

/* True if the peer closed with one of the given codes:
 *     if (!ws_closed_with(c, WS_CLOSE_NORMAL, WS_CLOSE_GOING_AWAY)) ... */
#define ws_closed_with(...) ws_closed_with_(__VA_ARGS__, 0)
WS_API bool ws_closed_with_(const ws_conn *c, ...);

/* Say goodbye and wait for the answer, at most until deadline: send the close
 * frame (unless one was sent), read and drop what still comes.  It reads: only
 * for the fiber that does.  Returns 0 once the peer's close is in, also when it
 * came first; WS_ERR_TIMEOUT; WS_ERR_INVALID for a code that may not be sent; or
 * what ended the reading.  A close frame that
 * found no room by the deadline goes when there is.  ws_close comes next. */
WS_API int ws_finish(ws_conn *c, int code, const char *reason,
                     int64_t deadline);

/* Break the transport: whoever reads or writes wakes with WS_ERR_CANCELED, and
 * what was not sent is lost.  The connection remains to be closed. */
WS_API void ws_shutdown(ws_conn *c);

/*
 * Close the transport, and give up the reference that ws_upgrade, ws_dial or
 * ws_adopt returned: the owner's last call.  Others' calls wake as by
 * ws_shutdown.  Once more, through another reference, it is logged, and does
 * nothing.  Sends no close frame: that is ws_write_close or ws_finish.
 * After ws_write_close at once, Firefox calls the close not clean: it wants to
 * answer before the stream ends, and ws_finish waits for that.
 *
 * What was written before still arrives: the socket is half-closed, and what
 * comes is dropped in the background, until the peer has closed its side or
 * acknowledged nothing more for 2 s, and for write_timeout_ms at most.  (Not
 * while another fiber is inside a read, with its handlers, or a write: it is woken
 * by breaking the transport.  Nor when the peer's close frame was the last that
 * came, and the kernel has all of ours on its way: then nothing can be lost.)  A
 * program that ends meanwhile leaves the rest to the kernel, which drops it when
 * the peer has something to say.  NULL is allowed.
 */
WS_API void ws_close(ws_conn *c);

WS_END_DECLS

#endif
