/* SPDX-License-Identifier: MIT */

#ifndef SILVERBACK_STATS_H
#define SILVERBACK_STATS_H

#include "base.h"
#include "http.h"

WS_BEGIN_DECLS

/*
 * What can be counted: X(name, family, labels, help), in the order of the
 * families, which are those of ws_metrics (with "silverback_" before them).  One
 * that ends in "_total" has counted since the process or the listener began; any
 * other says how it is now.
 *
 * Messages, and the bytes of their payloads as the program sees them; compressed
 * bytes are those of the compressed ones as they were sent, without headers.  A
 * connection's end counts under its ws_close_code, or under "none" if the peer
 * had not ended it before this side did.
 */
/* clang-format off */
#define WS_COUNTER_MAP(X)                                                      \
    X(WS_COUNT_ACCEPTED, "accepted_total", "",                                 \
      "Sockets that were accepted.")                                           \
    X(WS_COUNT_TURNED_AWAY, "turned_away_total", "",                           \
      "Of these, sockets above max_connections or a limit of an address.")     \
    X(WS_COUNT_TLS_FAILED, "tls_failed_total", "",                             \
      "TLS handshakes of clients that failed.")                                \
    X(WS_COUNT_RESPONSES_1XX, "responses_total", "code=\"1xx\"",               \
      "Answers to HTTP requests, upgrades among them.")                        \
    X(WS_COUNT_RESPONSES_2XX, "responses_total", "code=\"2xx\"", "")           \
    X(WS_COUNT_RESPONSES_3XX, "responses_total", "code=\"3xx\"", "")           \
    X(WS_COUNT_RESPONSES_4XX, "responses_total", "code=\"4xx\"", "")           \
    X(WS_COUNT_RESPONSES_5XX, "responses_total", "code=\"5xx\"", "")           \
    X(WS_COUNT_REFUSED_400, "upgrades_refused_total", "code=\"400\"",          \
      "Upgrades that were refused.")                                           \
    X(WS_COUNT_REFUSED_403, "upgrades_refused_total", "code=\"403\"", "")      \
    X(WS_COUNT_REFUSED_405, "upgrades_refused_total", "code=\"405\"", "")      \
    X(WS_COUNT_REFUSED_426, "upgrades_refused_total", "code=\"426\"", "")      \
    X(WS_COUNT_REFUSED_429, "upgrades_refused_total", "code=\"429\"", "")      \
    X(WS_COUNT_REFUSED_500, "upgrades_refused_total", "code=\"500\"", "")      \
    X(WS_COUNT_REFUSED_503, "upgrades_refused_total", "code=\"503\"", "")      \
    X(WS_COUNT_REFUSED_OTHER, "upgrades_refused_total", "code=\"other\"", "")  \
    X(WS_COUNT_OPENED, "opened_total", "",                                     \
      "WebSocket connections that began.")                                     \
    X(WS_COUNT_MESSAGES_IN, "messages_total", "direction=\"in\"",              \
      "Messages that were read and written.")                                  \
    X(WS_COUNT_MESSAGES_OUT, "messages_total", "direction=\"out\"", "")        \
    X(WS_COUNT_BYTES_IN, "message_bytes_total", "direction=\"in\"",            \
      "Bytes of messages, uncompressed.")                                      \
    X(WS_COUNT_BYTES_OUT, "message_bytes_total", "direction=\"out\"", "")      \
    X(WS_COUNT_COMPRESSED_IN, "compressed_bytes_total", "direction=\"in\"",    \
      "Bytes that compressed messages took.")                                  \
    X(WS_COUNT_COMPRESSED_OUT, "compressed_bytes_total", "direction=\"out\"",  \
      "")                                                                      \
    X(WS_COUNT_PINGS_IN, "pings_total", "direction=\"in\"", "Pings.")          \
    X(WS_COUNT_PINGS_OUT, "pings_total", "direction=\"out\"", "")              \
    X(WS_COUNT_PONGS_IN, "pongs_total", "direction=\"in\"", "Pongs.")          \
    X(WS_COUNT_PONGS_OUT, "pongs_total", "direction=\"out\"", "")              \
    X(WS_COUNT_CLOSED_NONE, "closed_total", "code=\"none\"",                   \
      "Ends of WebSocket connections.")                                        \
    X(WS_COUNT_CLOSED_1000, "closed_total", "code=\"1000\"", "")               \
    X(WS_COUNT_CLOSED_1001, "closed_total", "code=\"1001\"", "")               \
    X(WS_COUNT_CLOSED_1002, "closed_total", "code=\"1002\"", "")               \
    X(WS_COUNT_CLOSED_1003, "closed_total", "code=\"1003\"", "")               \
    X(WS_COUNT_CLOSED_1005, "closed_total", "code=\"1005\"", "")               \
    X(WS_COUNT_CLOSED_1006, "closed_total", "code=\"1006\"", "")               \
    X(WS_COUNT_CLOSED_1007, "closed_total", "code=\"1007\"", "")               \
    X(WS_COUNT_CLOSED_1008, "closed_total", "code=\"1008\"", "")               \
    X(WS_COUNT_CLOSED_1009, "closed_total", "code=\"1009\"", "")               \
    X(WS_COUNT_CLOSED_1010, "closed_total", "code=\"1010\"", "")               \
    X(WS_COUNT_CLOSED_1011, "closed_total", "code=\"1011\"", "")               \
    X(WS_COUNT_CLOSED_1012, "closed_total", "code=\"1012\"", "")               \
    X(WS_COUNT_CLOSED_1013, "closed_total", "code=\"1013\"", "")               \
    X(WS_COUNT_CLOSED_3XXX, "closed_total", "code=\"3xxx\"", "")               \
    X(WS_COUNT_CLOSED_4XXX, "closed_total", "code=\"4xxx\"", "")               \
    X(WS_COUNT_CLOSED_OTHER, "closed_total", "code=\"other\"", "")             \
    X(WS_COUNT_CUT_PROTOCOL, "cut_total", "reason=\"protocol\"",               \
      "Connections that this side gave up.")                                   \
    X(WS_COUNT_CUT_TOO_BIG, "cut_total", "reason=\"too_big\"", "")             \
    X(WS_COUNT_CUT_DEAD, "cut_total", "reason=\"dead\"", "")                   \
    X(WS_COUNT_CUT_SLOW, "cut_total", "reason=\"slow\"", "")                   \
    X(WS_COUNT_CUT_FULL, "cut_total", "reason=\"full\"", "")                   \
    X(WS_COUNT_TIMEOUTS, "timeouts_total", "",                                 \
      "Reads and writes that ended at their deadline.")                        \
    X(WS_COUNT_CONNECTIONS, "connections", "",                                 \
      "Connections that a listener serves now, upgraded or not.")              \
    X(WS_COUNT_WEBSOCKETS, "websockets", "",                                   \
      "WebSocket connections there are now.")                                  \
    X(WS_COUNT_FIBERS, "fibers", "",                                           \
      "Fibers there are now.")                                                 \
    X(WS_COUNT_BUFFERS, "buffers", "",                                         \
      "Read and write buffers that connections have borrowed now.")            \
    X(WS_COUNT_UNFINISHED, "unfinished_bytes", "",                             \
      "Bytes that unfinished messages hold now.")
/* clang-format on */

enum ws_counter {
#define WS_COUNTER_(name, family, labels, help) name,
    WS_COUNTER_MAP(WS_COUNTER_)
#undef WS_COUNTER_
        WS_COUNTERS
};

/*
 * Fill counts[c] for each enum ws_counter c below n, which the caller gives as
 * WS_COUNTERS: those that this library knows of fewer, or not of a listener,
 * are 0.  Of one listener: what its connections did, those that its handlers
 * dialed not among them.  NULL: of the whole process, of which alone fibers,
 * buffers and unfinished bytes are counted.
 *
 * Each is right for itself, but taken at a time of its own while others go on
 * counting.  From any thread; takes some microseconds for each worker.  Returns
 * 0, or WS_ERR_INVALID if counts is NULL.
 */
WS_API int ws_stats(const ws_listener *l, uint64_t counts[], size_t n);

/*
 * Handlers for a route.  ws_metrics: all of it in the Prometheus text format,
 * version 0.0.4, each family with a label "listener", which is the address of
 * one, or "" for what belongs to none.  ws_healthz: 200 and "ok", or, from the
 * beginning of the listener's shutdown on, 503 and "draining"; of a request's own
 * listener.  Both ignore arg.
 */
WS_API void ws_metrics(ws_request *r, void *arg);
WS_API void ws_healthz(ws_request *r, void *arg);

WS_END_DECLS

#endif
