/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_TLS_KEY_H
#define WS_IO_TLS_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include <silverback/tls.h>

#include "io/tls_stamp.h"

enum { WS__TLS_FILES = 4 };

/* What a client's files were before they were read. */
struct ws__tls_stamps {
    struct ws__tls_stamp of[WS__TLS_FILES];
};
struct ws__tls_stamps ws__tls_stamps(const ws_tls *tls);

/* Whatever decides how a client verifies its peer, and how it is known to it:
 * who has the same key may go on with another's session. */
struct ws__tls_key {
    uint8_t of[32];
};

/* Of a client of peer, at a "host:port"; both may be NULL.  Returns false when
 * memory ran out. */
bool ws__tls_key_make(struct ws__tls_key *key, const ws_tls *tls,
                      const struct ws__tls_stamps *files, const char *peer,
                      const char *host_port);

/* The i-th of the strings of *tls; NULL: there are no more. */
const char **ws__tls_string(ws_tls *tls, size_t i);

#endif
