/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_URL_H
#define WS_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback/base.h>

#include "base/str.h"

/* Where a server listens. */
struct ws__redis_host {
    char name
        [256]; /* a name or an address without brackets; or the path of a local
                     * socket, and then port is "" */
    char port[6];
};

/* Room for one as text. */
#define WS__REDIS_HOST_LEN 272

/* "name:port", "[::1]:port" or the path.  Returns out. */
const char *ws__redis_host_text(char out[static WS__REDIS_HOST_LEN],
                                const struct ws__redis_host *h);

/* What a server says of another one: the bytes are anybody's.  Returns false for
 * what cannot be a host and a port. */
bool ws__redis_host_set(struct ws__redis_host *h, struct ws__str name,
                        struct ws__str port);

bool ws__redis_host_equal(const struct ws__redis_host *a,
                          const struct ws__redis_host *b);

enum ws__redis_kind {
    WS__REDIS_SERVER,
    WS__REDIS_SENTINEL,
    WS__REDIS_CLUSTER,
};

/* A URL, taken apart. */
struct ws__redis_url {
    enum ws__redis_kind kind;
    bool tls;
    struct ws__redis_host *hosts; /* the server, Sentinels, or some nodes */
    size_t n;
    char *master;   /* its name to Sentinels; else NULL */
    char *user;     /* NULL: the default one */
    char *password; /* NULL: none */
    int db;
};

/*
 *   redis://[[user]:password@]host[:6379][/db]
 *   redis+unix:[//[user]:password@]path[?db=db]
 *   redis+sentinel://[[user]:password@]host[:26379],host.../master[/db]
 *   redis+cluster://[[user]:password@]host[:6379],host...
 *
 * and with "rediss" the same over TLS, unix excepted.  What stands before "@" is
 * for the servers, and for Sentinels that ask for it.  Parts are as
 * proto/url has them.
 *
 * Returns 0; WS_ERR_URL, and *err says what was expected and what came, without
 * user and password; or -ENOMEM.
 */
int ws__redis_url_parse(struct ws__redis_url *u, const char *s, ws_error *err);
void ws__redis_url_fini(struct ws__redis_url *u);

#endif
