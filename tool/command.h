/* SPDX-License-Identifier: MIT */

#ifndef TOOL_COMMAND_H
#define TOOL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "link.h"

/* Obey a typed line if it is a command: it begins with "/".  Of "//x" it leaves
 * "/x", to be sent.  Returns whether it was one. */
bool command_obey(struct link *l, char *line, size_t *n);

/* Send a ping on the link's connection, whose answer is timed. */
void command_ping(struct link *l, ws_conn *c, const char *data);

/* For ws_set_pong_handler; arg is a struct link. */
int command_pong(ws_conn *c, const char *data, size_t n, void *arg);

#endif
