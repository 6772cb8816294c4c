/* SPDX-License-Identifier: MIT */

#ifndef TESTS_LIFETIME_TABLE_H
#define TESTS_LIFETIME_TABLE_H

/*
 * What becomes of each call, by each caller, in each state of a connection.
 * tests/lifetime_test plays all of them, and prints docs/lifetime.md.
 */

#include <silverback/base.h>

enum call { CLOSE, SHUTDOWN, WRITE, PING, READ, CALLS };
enum caller { READER, HANDLER, FIBER, THREAD, FUNCTION, CALLERS };
enum state { IDLE, WITHIN, BLOCKED, HELD, CLOSING, LINGERING, STATES };

enum {
    REFUSED = 1, /* a function that returns nothing logs that */
    BUSY = WS_ERR_BUSY,
    CANCELED = WS_ERR_CANCELED,
    CLOSED = WS_ERR_CLOSED,
    CLOSE_SENT = WS_ERR_CLOSE_SENT,
    TIMEOUT = WS_ERR_TIMEOUT,
};

struct cell {
    int returns;
    const char *heard; /* by the peer, until the end; NULL: there is no such */
    int read;          /* what the reading fiber is in, or does next */
    int written; /* what was under way: WITHIN, the message in pieces; BLOCKED */
};

static const char *const call_names[CALLS] = {
    [CLOSE] = "ws_close",
    [SHUTDOWN] = "ws_shutdown",
    [WRITE] = "ws_write_message_by",
    [PING] = "ws_write_control",
    [READ] = "ws_read_message_by",
};

static const char *const caller_names[CALLERS] = {
    [READER] = "the one that reads",
    [HANDLER] = "a handler of control frames",
    [FIBER] = "another fiber",
    [THREAD] = "another thread",
    [FUNCTION] = "a function of ws_on_message",
};

static const char *const state_names[STATES] = {
    [IDLE] = "idle",
    [WITHIN] = "within a message",
    [BLOCKED] = "a write is blocked",
    [HELD] = "an answer is held back",
    [CLOSING] = "closing",
    [LINGERING] = "lingering",
};

static const struct cell cells[CALLS][CALLERS][STATES] = {
    [CLOSE] = {
        [READER] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "a", CANCELED, 0 },
            [CLOSING] = { 0, "close 1000", CLOSED, 0 },
            [LINGERING] = { REFUSED, "", CANCELED, 0 },
        },
        [HANDLER] = {
            [IDLE] = { REFUSED, "", CANCELED, 0 },
            [WITHIN] = { REFUSED, "half", CANCELED, CANCELED },
            [BLOCKED] = { REFUSED, "part", CANCELED, CANCELED },
            [HELD] = { REFUSED, "", CANCELED, 0 },
            [CLOSING] = { REFUSED, "", CLOSED, 0 },
            [LINGERING] = { REFUSED, "", CANCELED, 0 },
        },
        [FIBER] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "a", CANCELED, 0 },
            [CLOSING] = { 0, "close 1000", CLOSED, 0 },
            [LINGERING] = { REFUSED, "", CANCELED, 0 },
        },
        [THREAD] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "a", CANCELED, 0 },
            [CLOSING] = { 0, "close 1000", CLOSED, 0 },
            [LINGERING] = { REFUSED, "", CANCELED, 0 },
        },
        [FUNCTION] = {
            [IDLE] = { REFUSED, "", CANCELED, 0 },
            [WITHIN] = { REFUSED, "half, rest", CANCELED, 0 },
            [BLOCKED] = { REFUSED, "much", CANCELED, 0 },
            [HELD] = { REFUSED, "a", CANCELED, 0 },
            [CLOSING] = { REFUSED, "close 1000", CLOSED, 0 },
        },
    },
    [SHUTDOWN] = {
        [READER] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED, 0 },
            [CLOSING] = { 0, "close 1000", CLOSED, 0 },
            [LINGERING] = { 0, "", CANCELED, 0 },
        },
        [HANDLER] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED, 0 },
            [CLOSING] = { 0, "", CLOSED, 0 },
            [LINGERING] = { 0, "", CANCELED, 0 },
        },
        [FIBER] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED, 0 },
            [CLOSING] = { 0, "close 1000", CLOSED, 0 },
            [LINGERING] = { 0, "", CANCELED, 0 },
        },
        [THREAD] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED, 0 },
            [CLOSING] = { 0, "close 1000", CLOSED, 0 },
            [LINGERING] = { 0, "", CANCELED, 0 },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "", CANCELED, 0 },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED, 0 },
            [CLOSING] = { 0, "close 1000", CLOSED, 0 },
        },
    },
    [WRITE] = {
        [READER] = {
            [IDLE] = { 0, "w", 0, 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [HANDLER] = {
            [IDLE] = { 0, "w", 0, 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0, 0 },
            [CLOSING] = { 0, "w", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [FIBER] = {
            [IDLE] = { 0, "w", 0, 0 },
            [WITHIN] = { TIMEOUT, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [THREAD] = {
            [IDLE] = { 0, "w", 0, 0 },
            [WITHIN] = { TIMEOUT, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "w", CLOSED, 0 },
            [WITHIN] = { BUSY, "half, rest", CLOSED, 0 },
            [BLOCKED] = { TIMEOUT, "much", CLOSED, 0 },
            [HELD] = { 0, "a, w", CLOSED, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
        },
    },
    [PING] = {
        [READER] = {
            [IDLE] = { 0, "ping", 0, 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [HANDLER] = {
            [IDLE] = { 0, "ping", 0, 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0, 0 },
            [CLOSING] = { 0, "ping", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [FIBER] = {
            [IDLE] = { 0, "ping", 0, 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [THREAD] = {
            [IDLE] = { 0, "ping", 0, 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "ping", CLOSED, 0 },
            [WITHIN] = { 0, "half, ping, rest", CLOSED, 0 },
            [BLOCKED] = { TIMEOUT, "much", CLOSED, 0 },
            [HELD] = { 0, "a, ping", CLOSED, 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED, 0 },
        },
    },
    [READ] = {
        [READER] = {
            [IDLE] = { 0, "", 0, 0 },
            [WITHIN] = { 0, "half, rest", 0, 0 },
            [BLOCKED] = { 0, "much", 0, 0 },
            [HELD] = { 0, "a", 0, 0 },
            [CLOSING] = { CLOSED, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [HANDLER] = {
            [IDLE] = { BUSY, "", 0, 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { BUSY, "much", 0, 0 },
            [HELD] = { BUSY, "a", 0, 0 },
            [CLOSING] = { BUSY, "", CLOSED, 0 },
            [LINGERING] = { BUSY, "", CANCELED, 0 },
        },
        [FIBER] = {
            [IDLE] = { BUSY, "", 0, 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { BUSY, "much", 0, 0 },
            [HELD] = { BUSY, "a", 0, 0 },
            [CLOSING] = { CLOSED, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [THREAD] = {
            [IDLE] = { BUSY, "", 0, 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { BUSY, "much", 0, 0 },
            [HELD] = { BUSY, "a", 0, 0 },
            [CLOSING] = { CLOSED, "close 1000", CLOSED, 0 },
            [LINGERING] = { CANCELED, "", CANCELED, 0 },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "", CLOSED, 0 },
            [WITHIN] = { 0, "half, rest", CLOSED, 0 },
            [BLOCKED] = { 0, "much", CLOSED, 0 },
            [HELD] = { 0, "a", CLOSED, 0 },
            [CLOSING] = { CLOSED, "close 1000", CLOSED, 0 },
        },
    },
};

#endif
