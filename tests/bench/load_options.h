/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

/* The options of programs that put load on a server: each has a table of those
 * that it takes, with the letters of load_options.c, and what one means is the
 * same for all. */

#include <getopt.h>

#include "load.h"

/* Set what is not given to what the usages say.  Returns whether there are no
 * words but options that are known, and a port. */
bool load_parse(struct load_options *o, int argc, char **argv,
                const struct option *known);

#endif
