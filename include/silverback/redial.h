/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_REDIAL_H
#define SILVERBACK_REDIAL_H

#include "dial.h"

WS_BEGIN_DECLS

/*
 * What is known before a dial of a ws_redial, and what it shall be.
 *
 * url and headers are the redialer's, or what was put there instead; what is put
 * there must live until the next attempt.
 */
typedef struct ws_redial_attempt {
    const char *url;
    const ws_header *headers;
    unsigned failures; /* in a row: dials that failed, and connections that did
                        * not last for stable_ms; 0 at first */

    /* Why the last dial failed, or the last connection ended: a code of 0 at
     * first, and for a connection that was given up while all was well. */
    const ws_error *error;
    const ws_response *response; /* to the last dial, if it was refused */
    int close_code;              /* of the last connection, if that was the
                                  * last: see ws_close_code */

    /* The last dial failed in a way that the next one will not change: give up,
     * unless resume has changed something, and set it to false. */
    bool hopeless;
} ws_redial_attempt;

/* How to reach a server again and again.  Zero is default; only read, and kept
 * by reference: it and what it points to must stay until ws_redial_free. */
typedef struct ws_redialer {
    const ws_dialer *dialer; /* NULL: all zero.  Setting its cancel ends the
                              * dial, and the wait before it, at once; and a
                              * read of the connection that is given the same
                              * event (ws_read_message_by) */
    const char *url;
    const ws_header *headers;

    /* A dial after the n-th failure in a row waits a random time, from 0 to
     * base_delay_ms * 2^(n-1), but at most max_delay_ms; and as long as the
     * server's Retry-After says before that, a day at most.  The end of a
     * connection that has lasted for stable_ms is the first failure. */
    int base_delay_ms; /* 0: 1000; -1: no delay of ours */
    int max_delay_ms;  /* 0: 60 000; -1: a day */
    int stable_ms;     /* 0: 30 000; -1: every connection counts */

    /* Called before each dial, after the wait: the place for a new token, or for
     * where to go on from in the URL.  It may wait, and see a->failures.
     * Returns 0, or a negative code to give up with.  NULL: nothing. */
    int (*resume)(ws_redial_attempt *a, void *arg);

    void *arg; /* handed to resume */
} ws_redialer;

/*
 * A client that comes back:
 *
 *     ws_redial *r = ws_redial_new(&redialer);
 *     ws_conn *c;
 *
 *     while ((c = ws_redial_next(r)) != NULL)
 *         while (ws_read_message_by(c, &m, 0, dialer.cancel) == 0)
 *             ...
 *     fprintf(stderr, "%s\n", ws_redial_error(r)->text);
 *     ws_redial_free(r);
 *
 * Concurrency: one fiber at a time, the one that reads.  Another one that writes
 * to the connection holds it by ws_ref.
 */
typedef struct ws_redial ws_redial;

/* Make one, which ws_redial_next has dial.  NULL when there is no memory, or how
 * is NULL. */
WS_API ws_redial *ws_redial_new(const ws_redialer *how);

/*
 * Close the last connection, unless this is the first, wait, and dial until
 * there is one.  Never are there two: but for what ws_close sees to, the last is
 * gone.  One that is well gets a close frame (1000), without waiting for the
 * answer; ws_finish before it waits.
 *
 * Returns a connection that is r's to close, by the next call or ws_redial_free
 * (a ws_close is logged, and left to these); or NULL, then and in every later
 * call, and ws_redial_error says why:
 *   WS_ERR_CANCELED    the dialer's cancel was set
 *   what a dial said   a status 4xx (but 408, 425, 429), 301, 308, 501, 505, of
 *                      the server or the proxy; WS_ERR_URL, WS_ERR_INVALID; and
 *                      resume did not say otherwise
 *   what resume returned
 *
 * Everything else is tried again, for ever.  So is what TLS does not accept: an
 * expired certificate is renewed, a wrong clock is set, and a hotel's page is
 * clicked away; each dial verifies anew.
 */
WS_API WS_CHECKED ws_conn *ws_redial_next(ws_redial *r);

/* Why the last dial failed, or the last connection ended; code 0 before.
 * Borrowed until the next call. */
WS_API const ws_error *ws_redial_error(const ws_redial *r);

/* Close the connection, as ws_redial_next does, and end it.  NULL is allowed. */
WS_API void ws_redial_free(ws_redial *r);

WS_END_DECLS

#endif
