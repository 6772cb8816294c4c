/* SPDX-License-Identifier: MIT */

#ifndef TOOL_PEERS_H
#define TOOL_PEERS_H

#include <silverback.h>

/* The connections that are open, by their numbers.  From any thread. */
struct peers {
    ws_mutex lock;
    struct peer *first;
    int64_t last;  /* number that was given */
    ws_event some; /* there has been one */
};

struct peer {
    struct peer *next;
    ws_conn *conn;
    int64_t number;
};

/* p is the caller's, and stays until peers_remove. */
void peers_add(struct peers *all, struct peer *p, ws_conn *c);
void peers_remove(struct peers *all, struct peer *p);

/* Send a message to each, one after the other.  Returns to how many. */
int peers_send(struct peers *all, ws_type type, const void *data, size_t n);

/* Say goodbye to each; or break all connections. */
void peers_close(struct peers *all, int code);
void peers_cut(struct peers *all);

#endif
