/* SPDX-License-Identifier: MIT */

#ifndef COMMON_PLACE_H
#define COMMON_PLACE_H

#include <silverback.h>

/*
 * Places in text, "EPOCH-OFFSET": what a subscriber receives carries its own,
 * and when it comes back it says how far it was.
 */

/* For ws_hub_options.frame, whose arg is a verb: "VERB EPOCH-OFFSET DATA", of the
 * publication's type.  NULL when there is no memory. */
ws_prepared *place_frame(const ws_publication *p, void *verb);

/* The same of a place alone, behind what waits for c.  Returns as ws_enqueue. */
int place_tell(ws_conn *c, const char *verb, const ws_place *place);

/* {0} for NULL and for what is no place. */
ws_place place_parse(const char *text);

#endif
