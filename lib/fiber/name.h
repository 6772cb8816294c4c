/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_NAME_H
#define WS_FIBER_NAME_H

#include <stdbool.h>

enum { WS__NAME_LEN = 160 };

/* How the label of a fiber begins that does the library's own work; those of
 * handlers are paths. */
#define WS__WORK "work: "

bool ws__fiber_is_ours(const char *label);

/* What to call a fiber in a report: by its route or its work (label, or NULL),
 * else by the function that it runs; or, where its symbol is not known, for
 * addr2line. */
void ws__fiber_name(const char *label, void (*fn)(void *arg),
                    char out[static WS__NAME_LEN]);

#endif
