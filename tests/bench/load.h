/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

/* What the files of the load generator share, and other programs that measure.
 * They end with a message and 1 at the first thing that is not as it must be:
 * figures come only from runs without a fault. */

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
    bool resume; /* of LOAD_CONNECT: sessions of TLS */
    bool client; /* what is measured is this program: the limit of clients */
    double seconds;
    double warmup;
};

_Noreturn void load_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* malloc() that does not fail, of n bytes set to 0. */
void *load_alloc(size_t n);

/* The number that s is, from min to max. */
double load_number(const char *s, double min, double max);

#endif
