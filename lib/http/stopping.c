/* SPDX-License-Identifier: MIT */

/* What handlers may know of their server's end. */

#include <silverback/upgrade.h>

#include "conn/conn.h"
#include "http/request.h"

ws_event *ws_request_stopping(const ws_request *r)
{
    const struct ws__request *own = ws__request_of((ws_request *)r);

    return own ? ws__registry_stopping(own->session->host->registry) : NULL;
}

ws_event *ws_stopping(ws_conn *c)
{
    return c && c->entry.stats
               ? ws__registry_stopping(ws__registry_of(c->entry.stats))
               : NULL;
}
