/* SPDX-License-Identifier: MIT */

#ifndef LONG_HOSTILE_H
#define LONG_HOSTILE_H

/* What the parts of hostile share: the peers (hostile_peers.c), and who lets them
 * loose on a server. */

#include <stdatomic.h>

#include <silverback.h>

/* The server's limit on a message. */
enum { HOSTILE_LIMIT = 1 << 20 };

/* What all peers of a run share. */
struct hostile {
    int plain, tls; /* ports */
    ws_event over;
    atomic_long frames; /* that were sent, or what stands for one */
};
extern struct hostile hostile;

/* A kind of peer: what one of them does until it is over, in a fiber.  Of so many
 * frames a second. */
struct hostile_kind {
    const char *name;
    void (*be)(const struct hostile_kind *k, unsigned seed);
    int peers;    /* of a full run */
    int rate;     /* of each, a second */
    int held_kib; /* by the server for one of them, at most: docs/limits.md */
};

/* Ends with {0}; the first is the one that is no enemy. */
extern const struct hostile_kind hostile_kinds[];

/* Connections that are opened and held, however many the server wants; and
 * tried again. */
void hostile_hold_connection(const struct hostile_kind *k, unsigned seed);

#endif
