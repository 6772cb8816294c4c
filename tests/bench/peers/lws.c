/* SPDX-License-Identifier: MIT */
/* lws [--deflate] [--tls] PORT: the echo server of libwebsockets.  What it
 * hands over in parts is put together, and waits in a queue until the
 * connection can be written. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

enum { BUFFER = 64 * 1024 };

struct message {
    struct message *next;
    size_t len, room;
    bool binary;
    unsigned char data[]; /* LWS_PRE bytes of room for a head come first */
};

struct session {
    struct message *growing;
    struct message *first;
    struct message **last;
};

static struct message *new_message(size_t room, bool binary)
{
    struct message *m = malloc(sizeof(*m) + LWS_PRE + room);

    if (m)
        *m = (struct message){ .room = room, .binary = binary };
    return m;
}

static struct message *grow(struct message *m, size_t len)
{
    if (m->len + len <= m->room)
        return m;
    m->room = (m->len + len) * 3 / 2;
    return realloc(m, sizeof(*m) + LWS_PRE + m->room);
}

static int receive(struct lws *wsi, struct session *s, void *data, size_t len)
{
    size_t rest = lws_remaining_packet_payload(wsi);

    if (!s->growing)
        s->growing = new_message(len + rest, lws_frame_is_binary(wsi));
    if (s->growing)
        s->growing = grow(s->growing, len + rest);
    if (!s->growing)
        return -1;
    memcpy(s->growing->data + LWS_PRE + s->growing->len, data, len);
    s->growing->len += len;
    if (rest > 0 || !lws_is_final_fragment(wsi))
        return 0;

    *s->last = s->growing;
    s->last = &s->growing->next;
    s->growing = NULL;
    lws_callback_on_writable(wsi);
    return 0;
}

static void drop_first(struct session *s)
{
    struct message *m = s->first;

    s->first = m->next;
    if (!s->first)
        s->last = &s->first;
    free(m);
}

static int send_queued(struct lws *wsi, struct session *s)
{
    while (s->first && !lws_send_pipe_choked(wsi)) {
        struct message *m = s->first;

        if (lws_write(wsi, m->data + LWS_PRE, m->len,
                      m->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) <
            (int)m->len)
            return -1;
        drop_first(s);
    }
    if (s->first)
        lws_callback_on_writable(wsi);
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason,
                    void *session, void *data, size_t len)
{
    struct session *s = session;

    switch ((int)reason) {
    case LWS_CALLBACK_ESTABLISHED:
        *s = (struct session){ .last = &s->first };
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return receive(wsi, s, data, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return send_queued(wsi, s);
    case LWS_CALLBACK_CLOSED:
        while (s->first)
            drop_first(s);
        free(s->growing);
        return 0;
    default:
        return 0;
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        { "echo", on_event, sizeof(struct session), BUFFER, 0, NULL, 0 },
        { 0 },
    };
    static const struct lws_extension compression[] = {
        { "permessage-deflate", lws_extension_callback_pm_deflate,
          "permessage-deflate; client_no_context_takeover; "
          "server_no_context_takeover" },
        { 0 },
    };
    struct lws_context_creation_info info = {
        .iface = "127.0.0.1",
        .protocols = protocols,
        .pt_serv_buf_size = BUFFER,
    };

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--deflate") == 0) {
            info.extensions = compression;
        } else if (strcmp(argv[i], "--tls") == 0) {
            info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
            info.ssl_cert_filepath = "cert.pem";
            info.ssl_private_key_filepath = "key.pem";
        } else {
            info.port = atoi(argv[i]);
        }
    lws_set_log_level(LLL_ERR, NULL);

    struct lws_context *context = lws_create_context(&info);

    if (!context)
        return 1;
    while (lws_service(context, 0) >= 0)
        continue;
    lws_context_destroy(context);
    return 0;
}
