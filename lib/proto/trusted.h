/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_TRUSTED_H
#define WS_PROTO_TRUSTED_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback/base.h>

#include "proto/ip.h"

/* The proxies whose word counts: ws_server.trusted_proxies. */
struct ws__trusted {
    bool local; /* whoever comes by a unix socket */
    size_t n;
    struct ws__cidr nets[];
};

/* Takes a list that ends with NULL.  *t is NULL for an empty one, or the
 * caller's, for ws_free.  Returns 0, -ENOMEM, or WS_ERR_INVALID; *err says which
 * entry is wrong. */
int ws__trusted_new(struct ws__trusted **t, const char *const *list,
                    ws_error *err);

/* Is it one of them?  t may be NULL. */
bool ws__trusted_has(const struct ws__trusted *t, const struct ws__ip *ip);

#endif
