/* SPDX-License-Identifier: MIT */

#ifndef TOOL_EDITOR_H
#define TOOL_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback.h>

/* Lines that somebody types on a terminal: with editing and history where there
 * is libedit, otherwise as the terminal has them. */
void editor_begin(const char *program);

/* The next line, without its newline, borrowed until the next call; NULL at the
 * end of the input, and once stop is set. */
char *editor_line(size_t *n, ws_event *stop);

/* Leave the terminal as it was.  From any thread, at any time. */
void editor_end(void);

#endif
