/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_CALLBACK_H
#define WS_HUB_CALLBACK_H

#include <stdbool.h>

#include <silverback/hub.h>

/* What subscribers receive of p, the caller's to free.  Returns 0, with NULL for
 * nothing, or -ENOMEM. */
int ws__callback_frame(const ws_hub_options *o, const ws_publication *p,
                       ws_prepared **made);

/* What they receive when some was lost; NULL: they are to be cut. */
ws_prepared *ws__callback_lost(const ws_hub_options *o, const char *topic,
                               const ws_place *now);

/* Is the caller called by one of those?  Then it may not call a hub, whose lock
 * is held. */
bool ws__callback_is_running(void);

#endif
