/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_HTTP_DATE_H
#define WS_PROTO_HTTP_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* "Sun, 06 Nov 1994 08:49:37 GMT": IMF-fixdate (RFC 9110, section 5.6.7). */
#define WS__HTTP_DATE_LEN 29

/* Seconds since 1970 as text.  Returns false, and "", for a time before that or
 * after the year 9999. */
bool ws__http_date(char out[static WS__HTTP_DATE_LEN + 1], int64_t seconds);

/* The way back.  Returns false for anything else, the two obsolete formats
 * among it; the day's name is not compared with the date. */
bool ws__http_date_parse(const char *s, int64_t *seconds);

#endif
