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
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "a", CANCELED },
            [CLOSING] = { 0, "close 1000", CLOSED },
            [LINGERING] = { REFUSED, "", CANCELED },
        },
        [HANDLER] = {
            [IDLE] = { REFUSED, "", CANCELED },
            [WITHIN] = { REFUSED, "half", CANCELED, CANCELED },
            [BLOCKED] = { REFUSED, "part", CANCELED, CANCELED },
            [HELD] = { REFUSED, "", CANCELED },
            [CLOSING] = { REFUSED, "", CLOSED },
            [LINGERING] = { REFUSED, "", CANCELED },
        },
        [FIBER] = {
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "a", CANCELED },
            [CLOSING] = { 0, "close 1000", CLOSED },
            [LINGERING] = { REFUSED, "", CANCELED },
        },
        [THREAD] = {
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "a", CANCELED },
            [CLOSING] = { 0, "close 1000", CLOSED },
            [LINGERING] = { REFUSED, "", CANCELED },
        },
        [FUNCTION] = {
            [IDLE] = { REFUSED, "", CANCELED },
            [WITHIN] = { REFUSED, "half, rest", CANCELED, 0 },
            [BLOCKED] = { REFUSED, "much", CANCELED, 0 },
            [HELD] = { REFUSED, "a", CANCELED },
            [CLOSING] = { REFUSED, "close 1000", CLOSED },
        },
    },
    [SHUTDOWN] = {
        [READER] = {
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED },
            [CLOSING] = { 0, "close 1000", CLOSED },
            [LINGERING] = { 0, "", CANCELED },
        },
        [HANDLER] = {
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED },
            [CLOSING] = { 0, "", CLOSED },
            [LINGERING] = { 0, "", CANCELED },
        },
        [FIBER] = {
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED },
            [CLOSING] = { 0, "close 1000", CLOSED },
            [LINGERING] = { 0, "", CANCELED },
        },
        [THREAD] = {
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED },
            [CLOSING] = { 0, "close 1000", CLOSED },
            [LINGERING] = { 0, "", CANCELED },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "", CANCELED },
            [WITHIN] = { 0, "half", CANCELED, CANCELED },
            [BLOCKED] = { 0, "part", CANCELED, CANCELED },
            [HELD] = { 0, "", CANCELED },
            [CLOSING] = { 0, "close 1000", CLOSED },
        },
    },
    [WRITE] = {
        [READER] = {
            [IDLE] = { 0, "w", 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [HANDLER] = {
            [IDLE] = { 0, "w", 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0 },
            [CLOSING] = { 0, "w", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [FIBER] = {
            [IDLE] = { 0, "w", 0 },
            [WITHIN] = { TIMEOUT, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [THREAD] = {
            [IDLE] = { 0, "w", 0 },
            [WITHIN] = { TIMEOUT, "half, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, w", 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "w", CLOSED },
            [WITHIN] = { BUSY, "half, rest", CLOSED, 0 },
            [BLOCKED] = { TIMEOUT, "much", CLOSED, 0 },
            [HELD] = { 0, "a, w", CLOSED },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
        },
    },
    [PING] = {
        [READER] = {
            [IDLE] = { 0, "ping", 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [HANDLER] = {
            [IDLE] = { 0, "ping", 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0 },
            [CLOSING] = { 0, "ping", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [FIBER] = {
            [IDLE] = { 0, "ping", 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [THREAD] = {
            [IDLE] = { 0, "ping", 0 },
            [WITHIN] = { 0, "half, ping, rest", 0, 0 },
            [BLOCKED] = { TIMEOUT, "much", 0, 0 },
            [HELD] = { 0, "a, ping", 0 },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "ping", CLOSED },
            [WITHIN] = { 0, "half, ping, rest", CLOSED, 0 },
            [BLOCKED] = { TIMEOUT, "much", CLOSED, 0 },
            [HELD] = { 0, "a, ping", CLOSED },
            [CLOSING] = { CLOSE_SENT, "close 1000", CLOSED },
        },
    },
    [READ] = {
        [READER] = {
            [IDLE] = { 0, "", 0 },
            [WITHIN] = { 0, "half, rest", 0, 0 },
            [BLOCKED] = { 0, "much", 0, 0 },
            [HELD] = { 0, "a", 0 },
            [CLOSING] = { CLOSED, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [HANDLER] = {
            [IDLE] = { BUSY, "", 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { BUSY, "much", 0, 0 },
            [HELD] = { BUSY, "a", 0 },
            [CLOSING] = { BUSY, "", CLOSED },
            [LINGERING] = { BUSY, "", CANCELED },
        },
        [FIBER] = {
            [IDLE] = { BUSY, "", 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { BUSY, "much", 0, 0 },
            [HELD] = { BUSY, "a", 0 },
            [CLOSING] = { CLOSED, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [THREAD] = {
            [IDLE] = { BUSY, "", 0 },
            [WITHIN] = { BUSY, "half, rest", 0, 0 },
            [BLOCKED] = { BUSY, "much", 0, 0 },
            [HELD] = { BUSY, "a", 0 },
            [CLOSING] = { CLOSED, "close 1000", CLOSED },
            [LINGERING] = { CANCELED, "", CANCELED },
        },
        [FUNCTION] = {
            [IDLE] = { 0, "", CLOSED },
            [WITHIN] = { 0, "half, rest", CLOSED, 0 },
            [BLOCKED] = { 0, "much", CLOSED, 0 },
            [HELD] = { 0, "a", CLOSED },
            [CLOSING] = { CLOSED, "close 1000", CLOSED },
        },
    },
};

#endif
