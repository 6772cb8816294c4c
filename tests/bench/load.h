/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

/* What the files of the load generator share.  It has one thread, and ends with
 * a message and 1 at the first thing that is not as it must be: figures come
 * only from runs without a fault. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_mode {
    LOAD_ECHO,    /* each answer is followed by the next message */
    LOAD_IDLE,    /* memory for each connection, before and after a message */
    LOAD_CONNECT, /* connect, upgrade, close, and again */
    LOAD_CAST,    /* what the first connection sends comes to all */
};

struct load_options {
    enum load_mode mode;
    int port;
    int pid; /* of the server; 0: its figures are left out */
    size_t connections;
    size_t depth; /* messages under way on each connection; of LOAD_CAST, in
                   * all */
    size_t size;  /* of a message, in bytes */
    size_t check; /* large answers: one in so many is compared whole */
    bool binary;
    bool deflate;
    bool tls;
    double seconds;
    double warmup;
};

_Noreturn void load_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* malloc() that does not fail, of n bytes set to 0. */
void *load_alloc(size_t n);

#endif
