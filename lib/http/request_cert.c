/* SPDX-License-Identifier: MIT */

/* ws_request_cert. */

#include "http/request.h"

/* An upgraded stream is not the session's any more. */
const ws_cert *ws_request_cert(const ws_request *pub)
{
    struct ws__request *r = ws__request_of((ws_request *)pub);

    if (!r)
        return NULL;
    if (!r->made[WS__MADE_CERT] && !r->session->upgraded)
        r->made[WS__MADE_CERT] = ws__stream_cert(&r->session->stream);
    return r->made[WS__MADE_CERT];
}
