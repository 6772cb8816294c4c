/* SPDX-License-Identifier: MIT */

/* The server that soak uses: every kind of handler, plain and by TLS. */

#include "soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../echo.h"

enum { BLAST = 64, BLAST_BYTES = 16 * 1024 };

static const ws_upgrader usual = { .enable_compression = true };
static const ws_upgrader takeover = { .enable_compression = true,
                                      .context_takeover_bits = 12 };

/* ---- Handlers ----------------------------------------------------------- */

/* What never stood in memory as a whole. */
static void echo_pieces(ws_conn *c, void *arg)
{
    char piece[4096];
    ws_type type;

    (void)arg;
    while (ws_next_reader(c, &type) == 0 && ws_next_writer(c, type) == 0) {
        ptrdiff_t n;
        while ((n = ws_read(c, piece, sizeof(piece))) > 0)
            if (ws_write(c, piece, (size_t)n) != 0)
                return;
        if (n < 0 || ws_end_message(c) != 0)
            return;
    }
}

/* The first message is a topic; what follows is published there. */
static void follow(ws_conn *c, void *arg)
{
    ws_message m;
    char topic[32];

    (void)arg;
    if (ws_read_message(c, &m) != 0)
        return;
    snprintf(topic, sizeof(topic), "%s", m.data);
    if (ws_hub_join(soak.hub, c, topic, NULL, NULL) != 0 ||
        ws_write_text(c, "joined") != 0)
        return;
    while (ws_read_message(c, &m) == 0)
        if (ws_hub_publish(soak.hub, topic, m.type, m.data, m.len, NULL) == 0)
            soak_did(SOAK_PUBLICATIONS, 1);
}

static void blast(ws_conn *c, void *arg)
{
    char *data = calloc(1, BLAST_BYTES);

    (void)arg;
    for (int i = 0; data && i < BLAST; i++) {
        memcpy(data, &i, sizeof(i));
        if (ws_write_message(c, WS_BINARY, data, BLAST_BYTES) != 0)
            break;
    }
    free(data);
}

static void take_upload(ws_request *r, void *arg)
{
    char text[64];
    unsigned sum = 0;

    (void)arg;
    for (size_t i = 0; i < r->body_len; i++)
        sum = sum * 31 + (unsigned char)r->body[i];
    snprintf(text, sizeof(text), "%zu %u\n", r->body_len, sum);
    ws_reply_text(r, 200, text);
}

static void send_file(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_file_with(
        r, soak.folder,
        &(ws_file_options){ .path = r->path + strlen("/files/") });
}

/* "OFFSET BYTES" */
static ws_prepared *frame(const ws_publication *p, void *arg)
{
    char text[256];

    (void)arg;
    int n = snprintf(text, sizeof(text), "%llu %.*s",
                     (unsigned long long)p->place.offset, (int)p->len,
                     (const char *)p->data);
    return ws_prepare(p->type, text, (size_t)n);
}

/* ---- All of it ---------------------------------------------------------- */

static const ws_route routes[] = {
    { .path = "/echo", .socket = echo, .upgrader = &usual },
    { .path = "/takeover", .socket = echo, .upgrader = &takeover },
    { .path = "/thread", .socket = echo, .upgrader = &usual, .thread = true },
    { .path = "/called", .handler = echo_when_called, .arg = (void *)&usual },
    { .path = "/pieces", .socket = echo_pieces, .upgrader = &usual },
    { .path = "/hub", .socket = follow },
    { .path = "/blast", .socket = blast },
    { .path = "/upload",
      .method = "POST",
      .handler = take_upload,
      .max_body_bytes = 1 << 20 },
    { .path = "/files/", .handler = send_file },
    { 0 },
};

static ws_listener *listen_on(const ws_tls *tls)
{
    ws_error err;
    ws_listener *l = ws_listen(&(ws_server){ .addr = "127.0.0.1:0",
                                             .routes = routes,
                                             .workers = 2,
                                             .body_file_above = 64 << 10,
                                             .tls = tls },
                               &err);

    if (!l)
        fprintf(stderr, "%s\n", err.text);
    return l;
}

bool soak_serve(void)
{
    ws_error err = { 0 };

    soak.hub =
        ws_hub_new(&(ws_hub_options){ .frame = frame,
                                      .history = 16,
                                      .history_ms = 5000,
                                      .queue = { .max_messages = 4096,
                                                 .max_bytes = 4 << 20 } },
                   &err);
    soak.plain = listen_on(NULL);
    soak.tls = listen_on(&soak.served);
    return soak.hub && soak.plain && soak.tls;
}

void soak_stop_serving(void)
{
    if (ws_listener_shutdown(soak.plain, ws_after(SOAK_PATIENCE_MS)) != 0 ||
        ws_listener_shutdown(soak.tls, ws_after(SOAK_PATIENCE_MS)) != 0)
        soak_lost("a shutdown", "in time");
    ws_hub_free(soak.hub);
}
