/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_HANDLE_H
#define WS_HTTP_HANDLE_H

#include "http/request.h"

/* Have a request answered: by its route's handler or socket, which have returned
 * when this does; or for them. */
void ws__handle(struct ws__request *r);

/* What a session's fiber is called in reports while no handler runs. */
extern const char ws__handle_none[];

#endif
