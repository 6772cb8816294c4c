/* SPDX-License-Identifier: MIT */

#include "server/defaults.h"

#include <stdint.h>
#include <sys/resource.h>

enum {
    HEADER_MAX = 1 << 30, /* the parser counts in 32 bits */
    RESERVE = 32,    /* descriptors for the program, and what is turned away */
    OF_A_WORKER = 2, /* its epoll set and its bell */
};

static size_t descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > SIZE_MAX)
        return SIZE_MAX;
    return (size_t)limit.rlim_cur;
}

/* Each connection is a descriptor, and a thread of its own has another one, by
 * which it is woken while it reads. */
static size_t connection_limit(size_t descriptors, size_t workers, bool threads)
{
    size_t taken = workers * OF_A_WORKER;
    size_t left = descriptors > taken ? descriptors - taken : 0;

    left = left > 2 * RESERVE ? left - RESERVE : left / 2;
    return threads ? left / 2 : left;
}

static int int_or(int value, int standard)
{
    return value == 0 ? standard : value;
}

static size_t size_or(size_t value, size_t standard)
{
    return value == 0 ? standard : value;
}

size_t ws__defaults_connections(ws_server *s, size_t workers)
{
    if (s->max_connections > 0)
        return 0;

    size_t descriptors = descriptor_limit();
    s->max_connections = connection_limit(descriptors, workers, s->threads);
    return descriptors;
}

void ws__defaults(ws_server *s)
{
    if (!s->addr)
        s->addr = s->addrs || s->nfds > 0 ? "none" : ":8080";
    s->request_timeout_ms = int_or(s->request_timeout_ms, 10 * 1000);
    s->idle_timeout_ms = int_or(s->idle_timeout_ms, 60 * 1000);
    s->write_timeout_ms = int_or(s->write_timeout_ms, 60 * 1000);
    s->shutdown_timeout_ms = int_or(s->shutdown_timeout_ms, 10 * 1000);
    s->max_header_bytes = size_or(s->max_header_bytes, 16 * 1024);
    s->max_body_bytes = size_or(s->max_body_bytes, 64 * 1024);
    if (s->max_header_bytes > HEADER_MAX)
        s->max_header_bytes = HEADER_MAX;
    if (s->max_body_bytes > SIZE_MAX / 2)
        s->max_body_bytes = SIZE_MAX / 2;
}
