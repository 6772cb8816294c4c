/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_STAMP_H
#define WS_IO_TLS_STAMP_H

#include <stdbool.h>
#include <stdint.h>

/* What tells a file from the one that was there before: without padding, so
 * that it may be hashed. */
struct ws__tls_stamp {
    int64_t of[7];
};

/* How long files that were looked at are not looked at again.  Tests set it. */
extern int ws__tls_look_ms;

/* As it is now; all zero if it is not there, or file is NULL. */
struct ws__tls_stamp ws__tls_stamp(const char *file);

/* Make *s what the file is now.  Returns whether that is new. */
bool ws__tls_stamp_renew(struct ws__tls_stamp *s, const char *file);

/* When the file last changed in any way, in seconds since the epoch; 0: there is
 * none. */
int64_t ws__tls_stamp_changed(const struct ws__tls_stamp *s);

#endif
