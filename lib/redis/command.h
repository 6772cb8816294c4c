/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_COMMAND_H
#define WS_REDIS_COMMAND_H

#include "base/str.h"

/* The most words that a command may have. */
enum { WS__REDIS_WORDS = 64 };

/* A command: its name, and what it is about.  The words are bytes of any kind. */
struct ws__redis_command {
    int n;
    const struct ws__str *words;

    /* In a cluster, the node that has this key (or channel) is asked; empty: any
     * will do. */
    struct ws__str key;
};

#endif
