/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_CONN_H
#define BENCH_LOAD_CONN_H

/* The connections, on one edge-triggered epoll. */

#include "load_answers.h"

enum conn_state {
    CONN_UNUSED,
    CONN_CONNECTING,
    CONN_SECURING,  /* TLS handshake */
    CONN_UPGRADING, /* the request is sent */
    CONN_OPEN,
    CONN_CLOSING, /* our close frame is sent */
};

struct conn {
    int fd;
    enum conn_state state;
    struct ssl_st *ssl;
    struct answers in;
    size_t tx_slot; /* the next message to send */
    size_t tx_at;   /* where in the ring of frames the unsent ones begin */
    size_t tx_left; /* how many bytes of them there are */
    uint8_t *rest;  /* with --client, what is to be sent of masked ones */
    size_t rest_len;
    bool blocked;   /* until the socket can be written */
    uint64_t *sent; /* when: a ring of depth */
    size_t oldest;
    size_t under_way;
    bool pinged;    /* and has not answered yet */
    uint64_t heard; /* of LOAD_CAST, publications */
    uint64_t born;
    char head[1024]; /* the answer to the upgrade so far */
    size_t head_len;
};

struct conn_count {
    size_t open;   /* upgraded, and not ended */
    size_t pinged; /* that have not answered yet */
    uint64_t answers;
    uint64_t casts;   /* publications that have come to all */
    uint64_t ended;   /* by a close handshake */
    uint64_t resumed; /* sessions of TLS */
    bool timing;      /* whether latencies are being recorded */
    bool one_each;    /* an answer is not followed by another message */
};

extern struct conn_count conn_count;

void conns_setup(const struct load_options *o);
void conns_teardown(void);

/* Connect and upgrade; with LOAD_CONNECT, close as well, and begin again. */
void conn_start(struct conn *c);

/* Send a ping: who answers has done all that a server does before it reads. */
void conn_ping(struct conn *c);

/* Queue that many messages, and send what can be sent now. */
void conn_submit(struct conn *c, size_t messages);

/* Give up what conn_start() took, without a word to the peer. */
void conn_drop(struct conn *c);

struct conn *conn_at(size_t i);

/* Wait for something to happen, and see to it. */
void conns_turn(void);

#endif
