/* SPDX-License-Identifier: MIT */

#ifndef TOOL_ROUTE_H
#define TOOL_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/* Another way than by what a name resolves to: --unix, --resolve, -4, -6. */

/* Whether what --resolve says can be read; if not, it has been said. */
bool route_is_sound(const struct settings *s);

/* Whether nothing of the kind is asked for. */
bool route_is_usual(const struct settings *s);

/* For ws_dialer.connect; arg is a struct client. */
int route_connect(const char *host, const char *port, int64_t deadline,
                  void *arg);

#endif
