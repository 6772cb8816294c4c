/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_STREAM_H
#define WS_IO_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <silverback/fiber.h>
#include <silverback/tls.h>

#include "fiber/watch.h"
#include "io/wait.h"

struct ws__stream;

/*
 * What a transport can do, without ever waiting.  read and writev return the
 * number of bytes, -EAGAIN when they would have to wait for s->read_events (or
 * s->write_events), or a negated errno; read returns 0 at the end of the stream.
 * They spend (fiber/budget), and writev may take less than there is room for.
 */
struct ws__stream_ops {
    ssize_t (*read)(struct ws__stream *s, void *p, size_t n);
    ssize_t (*writev)(struct ws__stream *s, const struct iovec *v, int n);
    void (*fini)(struct ws__stream *s); /* closes fd */

    /* No more will be written.  Returns 0, or -EAGAIN when that could not be
     * said without waiting as a write does: then it is to be called again. */
    int (*half_close)(struct ws__stream *s);

    /* Why a read or a write returned code; NULL: ws_strerror says it all. */
    const char *(*reason)(const struct ws__stream *s, int code);

    /* See ws__stream_cert; NULL: there is no TLS. */
    ws_cert *(*cert)(const struct ws__stream *s);

    /* What ends a wait for POLLIN before a write; NULL: nothing else. */
    ws_event *(*again)(const struct ws__stream *s);

    /* What writev was given it may hold although it said -EAGAIN: see taken. */
    bool holds;
};

/* What is behind a stream.  One with a state of its own begins it with this. */
struct ws__transport {
    const struct ws__stream_ops *ops;
};

/* A byte stream over a descriptor, which it owns.  It may be moved by copying
 * it while nobody uses it. */
struct ws__stream {
    struct ws__transport *transport;
    struct ws__watch *watch; /* of fd, in the worker that uses it most */
    int fd;

    /* Whoever reads: */
    uint8_t read_events : 3; /* what to wait for: POLLIN, but for TLS */
    uint8_t readable : 1;    /* a read may find bytes; cleared by a short one */
    uint8_t more : 1; /* set by read: bytes that poll(2) tells nothing of */

    /* Whoever writes; the first is anyone's to look at.  taken: of what the last
     * writev was given; held, not yet sent nor counted, and the next has to begin
     * with the same. */
    atomic_uchar write_events; /* POLLOUT, but for TLS */
    uint16_t taken : 15;
    uint16_t follows : 1; /* for writev to know: more comes at once */
};

/* What its transport does: see struct ws__stream_ops. */
static inline ssize_t ws__stream_writev(struct ws__stream *s,
                                        const struct iovec *v, int n)
{
    return s->transport->ops->writev(s, v, n);
}

static inline int ws__stream_half_close(struct ws__stream *s)
{
    return s->transport->ops->half_close(s);
}

static inline void ws__stream_fini(struct ws__stream *s)
{
    s->transport->ops->fini(s);
}

/* A TCP or local stream socket, non-blocking already. */
void ws__stream_socket(struct ws__stream *s, int fd);

/* Have the calling fiber's worker watch s, which makes each wait there cheap;
 * nothing in a thread.  room is for ws__watch_room.  Returns 0 or a negated errno.
 * unwatch, when it will wait elsewhere. */
int ws__stream_watch(struct ws__stream *s, size_t room);
void ws__stream_unwatch(struct ws__stream *s);

/* Bytes that one system call moves, so that others have their turn: read, or
 * sent of what is more than four and a half times as much.  (A message of a MiB
 * that leaves in parts costs a third more.)  Tests make it less. */
extern size_t ws__stream_at_once;

/* Read without waiting, so many bytes at most; notes in s->readable whether
 * more may be there. */
ssize_t ws__stream_read(struct ws__stream *s, void *p, size_t n);

/* Does an event that the caller waits for come once, rather than as long as it
 * holds? */
bool ws__stream_has_edges(const struct ws__stream *s);

/* Wait for poll(2) events.  Returns those that hold, or may, WS_ERR_TIMEOUT or a
 * negated errno. */
int ws__stream_wait(struct ws__stream *s, int events, int64_t deadline);

/* ws__stream_wait, which ends with WS_ERR_CANCELED when one of n keys no longer
 * says so: see ws__wait_while. */
int ws__stream_wait_while(struct ws__stream *s, int events, int64_t deadline,
                          const struct ws__wait_key *keys, int n);

/* Would a write find room now?  To wait says only when that changes. */
bool ws__stream_has_room(struct ws__stream *s);

/* Wait until a read may succeed: not at all if s is readable.  Returns 0,
 * WS_ERR_TIMEOUT or a negated errno. */
int ws__stream_wait_read(struct ws__stream *s, int64_t deadline);

/* For tests.  Wait until a write may succeed.  Returns as ws__stream_wait_read. */
int ws__stream_wait_write(struct ws__stream *s, int64_t deadline);

/* Wait until a write may succeed, as long as the peer goes on taking what was
 * sent: WS_ERR_DEAD once it has acknowledged nothing for ms; < 0: it need not
 * acknowledge. */
int ws__stream_wait_progress(struct ws__stream *s, int64_t deadline, int ms);

/* How much of what was sent lies in the kernel still, in bytes for TCP: the peer
 * has not acknowledged it, or not read it from a local socket.  0 where the
 * kernel does not say. */
int ws__stream_unacked(const struct ws__stream *s);

/*
 * How much of what was sent the peer has acknowledged: a number that counts only
 * by its growing.  TCP: every byte, since the connection began.  A local socket
 * counts no more than what lies unread, so this grows as the peer reads and
 * shrinks as more is sent.  With TLS, records count as they were sent.  0 where
 * the kernel does not say.
 */
int64_t ws__stream_acked(const struct ws__stream *s);

/* The certificate that the peer has shown, in one block that is the caller's to
 * free.  NULL: none, or memory ran out.  From any thread. */
ws_cert *ws__stream_cert(const struct ws__stream *s);

/* The words for a code that a read or a write of s returned. */
const char *ws__stream_error(const struct ws__stream *s, int code);

/* Send what a write with follows set has left waiting for more. */
void ws__stream_push(struct ws__stream *s);

/* To close fd now loses nothing: all that has come was read, and all that was
 * written is on its way.  Not with TLS, which has an end of its own to say. */
bool ws__stream_may_close(const struct ws__stream *s);

/* Break the transport at once, whoever is using it: from any thread. */
void ws__stream_break(struct ws__stream *s);

/* Let whoever reads find the end of the stream, after what is here: from any
 * thread.  Writing goes on. */
void ws__stream_end_reading(struct ws__stream *s);

/* Write all n bytes by the deadline.  Returns 0, WS_ERR_TIMEOUT or a negated
 * errno.  For heads and bodies; messages are written by conn/send. */
int ws__stream_write(struct ws__stream *s, const void *p, size_t n,
                     int64_t deadline);

/* Write all n bytes, which may take as long as ws__stream_wait_progress finds the
 * peer to take them.  Returns 0, WS_ERR_DEAD or a negated errno. */
int ws__stream_write_large(struct ws__stream *s, const void *p, size_t n,
                           int ms);

#endif
