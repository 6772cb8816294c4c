/* SPDX-License-Identifier: MIT */

#include "http/deny_unread.h"

#include <stdio.h>

#include "http/deny.h"
#include "proto/http_write.h"

/* A socket that nothing was sent on yet takes more than an answer. */
enum { WRITE_TIMEOUT_MS = 1, FIELD_MAX = 32 };

/* Retry-After with its CRLF, or nothing. */
static const char *retry_field(char field[static FIELD_MAX],
                               const struct ws__limits_refusal *why)
{
    field[0] = '\0';
    if (why)
        snprintf(field, FIELD_MAX, "Retry-After: %d\r\n", why->retry_after_s);
    return field;
}

static void say_briefly(struct ws__stream *stream,
                        const struct ws__limits_refusal *why)
{
    int status = why ? 429 : 503;
    char text[160], field[FIELD_MAX];
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 %d %s\r\n"
                     "%sConnection: close\r\n"
                     "Content-Length: 0\r\n\r\n",
                     status, ws__http_reason(status), retry_field(field, why));

    (void)ws__stream_write(stream, text, (size_t)n, ws_now());
}

/* By a session that is only as much of one as an answer asks for. */
static void ask_for_answer(struct ws__host *host, const struct ws__stream *to,
                           const char *remote,
                           const struct ws__limits_refusal *why)
{
    ws_server server = host->server;
    struct ws__session s = { .host = host, .server = &server, .stream = *to };
    struct ws__request r;
    char seconds[16];
    const ws_header retry[] = { { "Retry-After", seconds }, { 0 } };

    server.write_timeout_ms = WRITE_TIMEOUT_MS;
    snprintf(s.remote, sizeof(s.remote), "%s", remote);
    snprintf(seconds, sizeof(seconds), "%d", why ? why->retry_after_s : 0);
    ws__request_init(&r, &s);
    ws__deny(&r, &(struct ws__denial){ .status = why ? 429 : 503,
                                       .reason = why ? why->why
                                                     : "Service Unavailable",
                                       .needed = why ? retry : NULL });
}

void ws__deny_unread(struct ws__host *host, int fd, const char *remote,
                     const struct ws__limits_refusal *why)
{
    struct ws__stream stream;

    ws__stream_socket(&stream, fd);
    if (host->server.error)
        ask_for_answer(host, &stream, remote, why);
    else
        say_briefly(&stream, why);
}
