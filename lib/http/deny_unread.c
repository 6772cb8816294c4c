/* SPDX-License-Identifier: MIT */

#include "http/deny_unread.h"

#include <stdio.h>

#include "http/deny.h"

/* A socket that nothing was sent on yet takes more than an answer. */
enum { WRITE_TIMEOUT_MS = 1 };

static void say_briefly(struct ws__stream *stream)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Connection: close\r\n"
                               "Content-Length: 0\r\n\r\n";

    (void)ws__stream_write(stream, text, sizeof(text) - 1, ws_now());
}

/* By a session that is only as much of one as an answer asks for. */
static void ask_for_answer(struct ws__host *host, const struct ws__stream *to,
                           const char *remote)
{
    ws_server server = host->server;
    struct ws__session s = { .host = host, .server = &server, .stream = *to };
    struct ws__request r;

    server.write_timeout_ms = WRITE_TIMEOUT_MS;
    snprintf(s.remote, sizeof(s.remote), "%s", remote);
    ws__request_init(&r, &s);
    ws__deny(&r, &(struct ws__denial){ .status = 503,
                                       .reason = "Service Unavailable" });
}

void ws__deny_unread(struct ws__host *host, int fd, const char *remote)
{
    struct ws__stream stream;

    ws__stream_socket(&stream, fd);
    if (host->server.error)
        ask_for_answer(host, &stream, remote);
    else
        say_briefly(&stream);
}
