/* SPDX-License-Identifier: MIT */

#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "settings.h"

/* Which modes an option belongs to. */
enum mode {
    MODE_CONNECT = 1,
    MODE_LISTEN = 2,
    MODE_ECHO = 4,
    MODE_PROXY = 8,
    MODE_BROADCAST = 16,
    MODE_BENCH = 32,
};

/* Read argv from 1 on.  Returns false, and has said why on standard error, for
 * what is no option of the mode, or not as it should be. */
bool options_read(struct settings *s, enum mode mode, int argc, char **argv);

/* A line or more for each option of the mode. */
void options_help(FILE *f, enum mode mode);

#endif
