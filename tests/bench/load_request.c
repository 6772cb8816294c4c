/* SPDX-License-Identifier: MIT */

#include "load_request.h"

#include <stdio.h>

#include "load.h"

static const char format[] = "GET %s HTTP/1.1\r\n"
                             "Host: %s\r\n"
                             "Upgrade: websocket\r\n"
                             "Connection: Upgrade\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "%s\r\n";
static const char offer[] =
    "Sec-WebSocket-Extensions: permessage-deflate; "
    "server_no_context_takeover; client_no_context_takeover\r\n";

const char load_accept_key[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

size_t load_request(char to[LOAD_REQUEST], const char *path, const char *host,
                    bool deflate)
{
    int n =
        snprintf(to, LOAD_REQUEST, format, path, host, deflate ? offer : "");

    if (n >= LOAD_REQUEST)
        load_fail("expected a request of less than %d bytes, got %d",
                  LOAD_REQUEST, n);
    return (size_t)n;
}
