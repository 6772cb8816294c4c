/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_PROXY_PROTOCOL_H
#define WS_PROTO_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <silverback/base.h>

#include "base/str.h"
#include "proto/ip.h"

/* The PROXY protocol (www.haproxy.org/download/3.0/doc/proxy-protocol.txt): what
 * a proxy says of its client in front of the client's own bytes. */

/* The longest header that is taken.  Version 1 ends after 107 bytes; version 2
 * may add as much as it likes, but no proxy sends half of this. */
enum { WS__PROXIED_MAX = 4096 };

struct ws__proxied {
    enum ws__proxied_from {
        WS__PROXIED_NONE,  /* LOCAL, UNKNOWN, UNSPEC: it is the proxy itself, or
                            * what it cannot tell */
        WS__PROXIED_INET,  /* ip and port */
        WS__PROXIED_LOCAL, /* a unix socket at the proxy's; path */
    } from;
    struct ws__ip ip;
    int port;
    struct ws__str path; /* lies in the header */
    bool tls;            /* the client speaks TLS with the proxy */
};

/* Read the header of either version at the beginning of n bytes.  Returns its
 * length, 0 if there is more to come, or WS_ERR_PROXY as soon as it cannot be
 * one; *err says why. */
int ws__proxied_read(struct ws__proxied *p, const void *bytes, size_t n,
                     ws_error *err);

#endif
