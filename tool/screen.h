/* SPDX-License-Identifier: MIT */

#ifndef TOOL_SCREEN_H
#define TOOL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback.h>

/*
 * The way to standard output and standard error, which anybody may take, one
 * after the other.  While a line is edited on the terminal, the thread that edits
 * it writes what others have to say, since it alone knows what is on the screen.
 */

/* Write all of it.  Returns 0 or a negated errno. */
int screen_write(int fd, const void *data, size_t n);

/* ---- For the editor ----------------------------------------------------- */

/* From now on until it is called with false, the caller looks after
 * screen_wanted. */
void screen_edit(bool editing);

/* Set when somebody has something to say, or the size of the terminal has
 * changed. */
ws_event *screen_wanted(void);

/* Whether there is something to write, which screen_show then does. */
bool screen_has_something(void);
void screen_show(void);

#endif
