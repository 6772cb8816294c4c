/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_PREFIX_H
#define WS_HUB_PREFIX_H

#include "hub/group.h"
#include "hub/hash.h"

/* What somebody has joined all topics by that begin so. */
struct ws__prefix {
    struct ws__link link;
    struct ws__audience audience;
    size_t len;
    char name[];
};

/* Those of a hub: changed with the locks of all shards, so that any of these will
 * do to look at them. */
struct ws__prefixes {
    struct ws__table table;
    uint32_t of_length[WS__NAME_MAX + 1]; /* how many */
};

struct ws__prefix *ws__prefix_find(const struct ws__prefixes *all,
                                   const struct ws__hash_key *key,
                                   const char *name, size_t len);

/* A new one; NULL: no memory. */
struct ws__prefix *ws__prefix_add(struct ws__prefixes *all,
                                  const struct ws__hash_key *key,
                                  const char *name);

/* Nobody uses it. */
void ws__prefix_remove(struct ws__prefixes *all, struct ws__prefix *p);

/* Does this begin so? */
bool ws__prefix_is_of(const struct ws__prefix *p, const char *topic);

/* Call fn for each that the topic begins with. */
void ws__prefix_match(const struct ws__prefixes *all,
                      const struct ws__hash_key *key, const char *topic,
                      void (*fn)(struct ws__prefix *p, void *arg), void *arg);

void ws__prefixes_fini(struct ws__prefixes *all);

#endif
