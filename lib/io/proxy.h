/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_PROXY_H
#define WS_IO_PROXY_H

#include <silverback/base.h>

#include "proto/url.h"

/*
 * The proxy to reach a server by: given, a URL or "" for none; or, if that is
 * NULL, what the environment says.  There HTTP_PROXY is for ws and HTTPS_PROXY
 * for wss, or else ALL_PROXY for both; each may be in lower case, an empty one
 * is none, and NO_PROXY lists who is reached without (see proto/no_proxy).  A
 * CGI program's HTTP_PROXY is passed over: its client sets it, by a header
 * "Proxy".
 *
 * Returns 1, and *proxy is for ws__url_fini; 0 when there is none; WS_ERR_URL
 * or -ENOMEM, and *err says why.
 */
int ws__proxy_find(struct ws__url *proxy, const char *given,
                   const struct ws__url *to, ws_error *err);

#endif
