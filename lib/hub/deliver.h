/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_DELIVER_H
#define WS_HUB_DELIVER_H

#include <silverback/hub.h>

/* Without a backplane: p becomes the next of its topic, at *place.  Returns 0, or
 * -ENOMEM: then it was not published. */
int ws__hub_number(ws_hub *h, const ws_publication *p, ws_place *place);

/*
 * What a backplane calls, for each topic from one thread or fiber at a time.  The
 * strings and bytes are borrowed.  None of them waits.
 */

/* The log of a topic that is wanted stands there: what is delivered next has
 * place->offset + 1. */
void ws__hub_synced(ws_hub *h, const char *topic, const ws_place *place);

/* p, with its place, is the topic's next one.  One that the hub has had (by its
 * offset, in the same epoch) is dropped, and so is one of a topic that nobody
 * wants.  Returns 0, or -ENOMEM: then nobody has got it, and the backplane calls
 * again, or says that it was lost. */
int ws__hub_deliver(ws_hub *h, const ws_publication *p);

/* What lies between the last one delivered and place cannot be had; or the epoch
 * is another one.  Subscribers are told (ws_hub_options.lost), and what is
 * delivered next has place->offset + 1. */
void ws__hub_lost(ws_hub *h, const char *topic, const ws_place *place);

#endif
