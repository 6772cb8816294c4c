/* SPDX-License-Identifier: MIT */

#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include <silverback.h>

/* Echo what comes, then close. */
void echo_until_end(ws_conn *c);

/* Handlers that echo: in a loop, or by a function that is called for each
 * message. */
void echo(ws_request *r, void *upgrader);
void echo_when_called(ws_request *r, void *upgrader);

#endif
