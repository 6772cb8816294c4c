/* SPDX-License-Identifier: MIT */

#ifndef TOOL_LINK_H
#define TOOL_LINK_H

#include <silverback.h>

#include "settings.h"

/*
 * The connection that there is at a time, if any, and its end, for those who have
 * a part in it: one thread reads and opens the next one, others write, and anyone
 * may want an end.
 */
struct link {
    const struct settings *settings;
    ws_mutex lock; /* of what follows */
    ws_conn *conn; /* NULL between two */
    int said;      /* the close code of ours, once there is one */
    char *reason;
    bool signaled; /* it was a signal that wanted the end */
    bool unsent;   /* of what was to be sent, something cannot be */
    int64_t sent, sent_bytes, received, received_bytes;
    int64_t opened_at, pinged_at;

    ws_event open;   /* conn can be written to, */
    ws_event ending; /* the end is wanted, */
    ws_event over;   /* or has come: everybody leaves */
};

/* The connection is there, and may be written to; or is no more. */
void link_open(struct link *l, ws_conn *c);
void link_lost(struct link *l);

/* Wait for a connection.  Returns it, for ws_unref; NULL once the end is near. */
ws_conn *link_get(struct link *l);

/* Send a message by the connection there is; with --reconnect by the next one if
 * that one fails. */
int link_send(struct link *l, ws_type type, const void *data, size_t n);

/* Wish for the end, by this close code and reason (NULL: none).  The first wish
 * counts.  Never waits. */
void link_finish(struct link *l, int code, const char *reason);

/* As the settings have it. */
void link_finish_usual(struct link *l);

/* Something cannot be sent, which is known when the link has ended. */
void link_unsent(struct link *l);

#endif
