/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_NO_PROXY_H
#define WS_PROTO_NO_PROXY_H

#include <stdbool.h>

/*
 * Is a host to be reached without the proxy of the environment?  list is the
 * value of NO_PROXY, NULL if there is none; host has no brackets.
 *
 * The list's entries stand between commas or blanks: "*" is every host; an
 * address is itself, "10.0.0.0/8" all of that network; "a.example" is it and
 * what ends in ".a.example", and ".a.example" or "*.a.example" the latter only.
 * All but a network may have a port, "a.example:8080" or "[::1]:80", and is then
 * for that one.  An entry that is none of these is nothing.  "localhost" and
 * loopback addresses need no entry.
 */
bool ws__no_proxy(const char *list, const char *host, const char *port);

#endif
