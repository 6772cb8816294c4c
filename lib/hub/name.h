/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_NAME_H
#define WS_HUB_NAME_H

#include <stdbool.h>

#include "base/str.h"
#include "hub/hash.h"

/* Is it the name of a topic or a member: 1 to WS__NAME_MAX (hub/hash) bytes of
 * UTF-8 without control characters?  NULL is none. */
bool ws__name_is_right(const char *name);

/* What somebody else calls so; false: it is none. */
bool ws__name_read(char name[static WS__NAME_MAX + 1], struct ws__str s);

#endif
