/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_NAME_H
#define WS_FIBER_NAME_H

enum { WS__NAME_LEN = 160 };

/* What to call a fiber in a report: by its route (label, or NULL), else by the
 * function that it runs; or, where its symbol is not known, for addr2line. */
void ws__fiber_name(const char *label, void (*fn)(void *arg),
                    char out[static WS__NAME_LEN]);

#endif
