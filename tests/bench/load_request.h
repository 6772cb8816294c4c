/* SPDX-License-Identifier: MIT */

#ifndef BENCH_LOAD_REQUEST_H
#define BENCH_LOAD_REQUEST_H

/* The request for an upgrade, always with the key of RFC 6455, 1.3. */

#include <stdbool.h>
#include <stddef.h>

enum { LOAD_REQUEST = 512 }; /* bytes that it needs, at most */

/* What must be answered to that key. */
extern const char load_accept_key[];

/* Returns the length of the string that is put there. */
size_t load_request(char to[LOAD_REQUEST], const char *path, const char *host,
                    bool deflate);

#endif
