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

/* The address of these bytes in network order. */
void ws__ip_of_v6(struct ws__ip *ip, const uint8_t bytes[16]);

/* Room for an address and a port as text. */
#define WS__ENDPOINT_LEN 64

enum { WS__NO_PORT = -1 };

/* The text of an address, in the form of RFC 5952, and its port, unless that is
 * WS__NO_PORT: "192.0.2.1:80", "[2001:db8::1]:80", "192.0.2.1" or
 * "[2001:db8::1]". */
void ws__endpoint_text(char out[static WS__ENDPOINT_LEN],
                       const struct ws__ip *ip, int port);

/* Read what ws__endpoint_text writes; or an IPv6 address without brackets, which
 * has no port.  Returns false for anything else. */
bool ws__endpoint_parse(struct ws__ip *ip, int *port, struct ws__str s);

/* Read the address of a connection's other end, as ws__remote_name (io/sock) has
 * it: its port, and a zone, are passed over.  Returns false for a unix socket's
 * name. */
bool ws__ip_of_peer(struct ws__ip *ip, const char *name);

bool ws__ip_is_loopback(const struct ws__ip *ip);

/* fe80::/10 (RFC 4291, section 2.5.6): on each link another, so it needs a
 * zone. */
bool ws__ip_is_link_local(const struct ws__ip *ip);

/* Are the first bits of both the same?  Addresses of two families never are. */
bool ws__ip_same_prefix(const struct ws__ip *a, const struct ws__ip *b,
                        size_t bits);

/* A network (RFC 4632, section 3.1; RFC 4291, section 2.3): the addresses that
 * begin with the same bits. */
struct ws__cidr {
    struct ws__ip ip;
    size_t bits;
};

/* Takes "address/bits", or an address, which is a network of its own.  What
 * follows the bits is not looked at.  A network of mapped IPv4 addresses is one
 * of IPv4.  Returns false for anything else. */
bool ws__cidr_parse(struct ws__cidr *c, struct ws__str s);

bool ws__cidr_has(const struct ws__cidr *c, const struct ws__ip *ip);

#endif
