/* SPDX-License-Identifier: MIT */

#ifndef WS_CLIENT_RETRY_H
#define WS_CLIENT_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/dial.h>

/* Is it of no use to dial again after this error of a dial? */
bool ws__retry_is_hopeless(const ws_error *err);

/* How many milliseconds, at most a day's, the answer asks to wait (Retry-After:
 * RFC 9110, section 10.2.3); 0 if it does not, or is NULL.  now is in seconds
 * since 1970, for a date; the answer's own Date counts first. */
int64_t ws__retry_after(const ws_response *resp, int64_t now);

#endif
