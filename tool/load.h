/* SPDX-License-Identifier: MIT */

#ifndef TOOL_LOAD_H
#define TOOL_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <silverback.h>

#include "client.h"
#include "histogram.h"

/*
 * The load of a benchmark: connections over several threads, and what they send.
 *
 * Everybody dials, and waits for go.  Then each connection keeps so many messages
 * under way (pipeline), and sends one for each that has come; or messages go by a
 * schedule (rate), which nobody's slowness delays: a message that goes late has
 * waited since it was due, and that counts.
 *
 * With fanout one connection sends, and what all receive counts: each message
 * begins with its number, sixteen digits.
 */
struct load {
    const struct client *client;
    int connections;
    int threads;
    int pipeline;
    double rate; /* messages a second, of all; 0: as fast as it goes */
    bool fanout;
    bool binary;
    size_t size;

    ws_event go;      /* begin to send, */
    ws_event stop;    /* and end, also a dial */
    int64_t start_ns; /* when go was set */
    atomic_bool measuring;

    struct load_worker *workers;
    char *payload; /* with fanout the sender's, which numbers it */
    ws_prepared *message;

    /* With fanout: when message number i was due, modulo how many there are. */
    _Atomic(int64_t) *due;
    ws_error *error; /* of a dial that failed */
};

/* Of one thread, which alone writes it. */
struct load_worker {
    struct load *load;
    int index;
    ws_fiber *thread;
    struct load_conn *conns;
    int n;
    int next;          /* to be dialed */
    int running;       /* connections that have not ended */
    int64_t published; /* with fanout */
    struct histogram latency;
    struct histogram handshake;
    atomic_long opened, failed, lost;
    atomic_llong received; /* all messages, */
    atomic_llong measured; /* and those that count */
};

int64_t load_clock(void); /* nanoseconds */

/* Start to dial. */
void load_begin(struct load *l);

/* Opened, failed, lost, received, measured: of all threads. */
struct load_counts {
    long opened, failed, lost;
    int64_t received, measured;
};
struct load_counts load_count(const struct load *l);

/* When stop is set: wait for the end of all of it. */
void load_end(struct load *l);
void load_free(struct load *l);

#endif
