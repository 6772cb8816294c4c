/* SPDX-License-Identifier: MIT */

#ifndef TOOL_COMPRESSION_H
#define TOOL_COMPRESSION_H

#include <stdbool.h>

#include "settings.h"

/* The bits of -z=takeover,BITS; 0 without takeover. */
int compression_bits(const struct settings *s);

/* Whether what -z says can be; if not, it has been said. */
bool compression_is_sound(const struct settings *s);

#endif
