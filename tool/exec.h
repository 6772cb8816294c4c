/* SPDX-License-Identifier: MIT */

#ifndef TOOL_EXEC_H
#define TOOL_EXEC_H

#include <silverback.h>

#include "settings.h"

/*
 * Run a program (ws listen --exec) for a connection: messages are lines of its
 * standard input, lines of its standard output are messages, or as the settings
 * have it.  Where it comes from is in its environment, by the names of CGI.
 *
 * When the connection ends, so does the program's input; after a while it gets
 * SIGTERM, and then SIGKILL.  When the program ends, the connection is closed:
 * with 1000, or 1011 if it has failed.
 */
void exec_run(ws_conn *c, const struct settings *s);

#endif
