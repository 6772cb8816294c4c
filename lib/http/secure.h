/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_SECURE_H
#define WS_HTTP_SECURE_H

#include "http/session.h"

/* Put TLS, if that is wanted, beneath what is still to come of a session.
 * Returns false if nothing will, and *answered: the peer has something to read,
 * in the clear. */
bool ws__secure(struct ws__session *s, bool *answered);

#endif
