/* SPDX-License-Identifier: MIT */

#ifndef LONG_SOAK_H
#define LONG_SOAK_H

/* What the parts of soak share: its server (soak_server.c), those who use it at
 * random (soak_clients.c), and what they have done and lost. */

#include <stdatomic.h>
#include <stdbool.h>

#include <silverback.h>

enum { SOAK_PATIENCE_MS = 60 * 1000 };

struct soak {
    ws_listener *plain, *tls;
    ws_hub *hub;
    ws_tls served, trust; /* the server's, and the clients' */
    const char *folder;   /* of files */
    int actors;
    int pause_ms; /* of an actor between two things that it does, on average */
    bool crowds;  /* all do the same at once, before what is random */
    int64_t until;
};
extern struct soak soak;

/* What was done: X(name, the word for it). */
#define SOAK_COUNT_MAP(X)                                                      \
    X(SOAK_MESSAGES, "messages")                                               \
    X(SOAK_CONNECTIONS, "connections")                                         \
    X(SOAK_REQUESTS, "requests")                                               \
    X(SOAK_PUBLICATIONS, "publications")                                       \
    X(SOAK_RESETS, "resets")

enum soak_count {
#define SOAK_COUNT_(name, word) name,
    SOAK_COUNT_MAP(SOAK_COUNT_)
#undef SOAK_COUNT_
        SOAK_COUNTS
};

void soak_did(enum soak_count what, long n);

/* Something did not come, or came wrong: says so.  Returns false. */
bool soak_lost(const char *what, const char *why);

/* Start and end what is used. */
bool soak_serve(void);
void soak_stop_serving(void);

/* Do something at random, one thing after the other, until it is over.  arg is
 * a number of its own. */
void soak_act(void *arg);

#endif
