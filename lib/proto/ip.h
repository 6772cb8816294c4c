/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_IP_H
#define WS_PROTO_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* An IP address in network order.  An IPv4 address that is mapped into IPv6
 * (RFC 4291, section 2.5.5.2) is the IPv4 address. */
struct ws__ip {
    uint8_t bytes[16];
    size_t n; /* 4 or 16 */
};

/* Takes dotted decimal without leading zeros, and the forms of RFC 4291,
 * section 2.2, without brackets and zone.  Returns false for anything else. */
bool ws__ip_parse(struct ws__ip *ip, struct ws__str s);

bool ws__ip_is_loopback(const struct ws__ip *ip);

/* fe80::/10 (RFC 4291, section 2.5.6): on each link another, so it needs a
 * zone. */
bool ws__ip_is_link_local(const struct ws__ip *ip);

/* Are the first bits of both the same?  Addresses of two families never are. */
bool ws__ip_same_prefix(const struct ws__ip *a, const struct ws__ip *b,
                        size_t bits);

#endif
