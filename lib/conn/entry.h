/* SPDX-License-Identifier: MIT */

#ifndef WS_CONN_ENTRY_H
#define WS_CONN_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

struct ws__entry;
struct ws__stats_group;

/*
 * What whoever keeps a list of connections does with one, and is told by it.
 * close and cut are called with the list's lock held: they neither wait nor ask
 * anything of the list.
 */
struct ws__entry_ops {
    void (*close)(struct ws__entry *e); /* a shutdown begins */
    void (*cut)(struct ws__entry *e);   /* its deadline has passed */
    void (*gone)(struct ws__entry *e);  /* by the connection: it has ended */
    void (*freed)(struct ws__entry *e); /* and its last reference goes */
    bool spread; /* close is for when its turn comes, not for all at once */
};

/* A connection's place in the list.  It lies in the connection, and is written
 * under the list's lock once it is in there. */
struct ws__entry {
    struct ws__entry *next;
    struct ws__entry *prev;
    struct ws__stats_group *stats; /* the list's, where it counts until it is
                                    * freed; NULL: it is in none */

    /* Whose handler has left it to ws_on_message: of the list's, from 1 on; 0:
     * somebody else is to close it. */
    uint32_t route;
    uint32_t seat : 30; /* the worker that serves it */
    uint32_t plain : 1; /* a session's, which was not upgraded */
    uint32_t idle : 1;  /* between requests: a shutdown ends it at once */
};

#endif
