/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_FORWARDED_H
#define WS_PROTO_FORWARDED_H

#include <stdbool.h>

#include <silverback/http.h>

#include "base/str.h"
#include "proto/ip.h"
#include "proto/trusted.h"

enum ws__said {
    WS__UNSAID,
    WS__SAID_PLAIN,
    WS__SAID_TLS,
};

/* What the proxies in between say of a request's client. */
struct ws__forwarded {
    bool has_ip; /* else it is the proxy at the other end */
    struct ws__ip ip;
    int port; /* or WS__NO_PORT */
    enum ws__said tls;
    struct ws__str host; /* n == 0: unsaid; lies in the headers */
};

/*
 * Read Forwarded (RFC 7239) and X-Forwarded-For, -Proto and -Host of a request
 * that a trusted proxy has sent.
 *
 * The client is found from the right: the first address that is not a trusted
 * proxy's, or the last one if all are.  What is no address ("unknown", "_name",
 * anything malformed in X-Forwarded-For) ends the search: the client is then
 * the proxy that wrote it.  Of Forwarded the proto and the host beside the
 * client's address count; of X-Forwarded-Proto and -Host the last values, which
 * the proxy at the other end has written.
 *
 * Returns NULL, or why the request cannot be served (400): Forwarded or a host
 * is malformed, or the two say different things.
 */
const char *ws__forwarded_read(struct ws__forwarded *f,
                               const ws_header *headers,
                               const struct ws__trusted *trusted);

#endif
