/* SPDX-License-Identifier: MIT */

#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include <silverback.h>

#include "settings.h"

/*
 * What the tool says: messages on standard output, and nothing else there unless
 * it is a terminal; all else on standard error.  Nothing that came from elsewhere
 * reaches a terminal as it is.  From any thread.
 */
void output_begin(const struct settings *s);

/* Somebody sits there and types. */
bool output_is_interactive(void);

/* Show a message, of that peer if there are several (0: there is one).  Returns
 * 0 or a negated errno, -EPIPE when nobody reads any more. */
int output_message(const ws_message *m, int64_t peer);

/* A line on standard error, behind the name of the program; any control byte in
 * it is made visible. */
void output_note(const char *fmt, ...) WS_PRINTF(1, 2);

/* The same without that name, when it is asked for: -v is 1. */
void output_detail(int level, const char *fmt, ...) WS_PRINTF(2, 3);

/* With --json an object on standard output: between output_event, which returns
 * NULL without it, and its end come its members, and nothing that waits. */
FILE *output_event(const char *event, int64_t peer);
int output_event_end(FILE *f);

#endif
