/* SPDX-License-Identifier: MIT */
/* libwebsockets_peer server              echoes; prints "listening PORT"
 * libwebsockets_peer client URL SIZE...  as orders.py says */

#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

/* What has come of a message, and with room ahead of it for a header what is
 * to be sent.  There is one connection at a time. */
static unsigned char in[MOST], out[LWS_PRE + MOST];
static size_t in_len, out_len;
static bool due;

static char **sizes; /* the client's */
static bool done;

static void fill(size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[LWS_PRE + i] = (unsigned char)('a' + i * 7 % 26);
    out_len = n;
}

static void send_out(struct lws *wsi)
{
    due = true;
    lws_callback_on_writable(wsi);
}

static int write_out(struct lws *wsi)
{
    if (!due)
        return 0;
    due = false;
    return lws_write(wsi, out + LWS_PRE, out_len, LWS_WRITE_TEXT) < 0 ? -1 : 0;
}

/* Returns whether a message is whole. */
static bool gather(struct lws *wsi, const void *p, size_t n)
{
    if (lws_is_first_fragment(wsi))
        in_len = 0;
    if (n > MOST - in_len)
        n = MOST - in_len;
    memcpy(in + in_len, p, n);
    in_len += n;
    return lws_is_final_fragment(wsi);
}

static void echo(struct lws *wsi)
{
    memcpy(out + LWS_PRE, in, in_len);
    out_len = in_len;
    send_out(wsi);
}

static int next(struct lws *wsi)
{
    if (!*sizes) {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    fill(strtoul(*sizes++, NULL, 10));
    send_out(wsi);
    return 0;
}

static int compare(struct lws *wsi)
{
    bool same = in_len == out_len && memcmp(in, out + LWS_PRE, in_len) == 0;

    printf(same ? "%zu\n" : "%zu others\n", in_len);
    return next(wsi);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason,
                    void *user, void *p, size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        if (gather(wsi, p, n))
            echo(wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return next(wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return gather(wsi, p, n) ? compare(wsi) : 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_out(wsi);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        printf("not connected: %s\n", p ? (char *)p : "");
        done = true;
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        if (*sizes)
            printf("closed\n");
        done = true;
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, p, n);
    }
}

static const struct lws_protocols protocols[] = {
    { .name = "echo", .callback = callback, .rx_buffer_size = 65536 },
    { 0 },
};
static const struct lws_extension extensions[] = {
    { "permessage-deflate", lws_extension_callback_pm_deflate,
      "permessage-deflate; client_max_window_bits" },
    { 0 },
};

static int serve(void)
{
    struct lws_context *context =
        lws_create_context(&(struct lws_context_creation_info){
            .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS });
    struct lws_vhost *host = lws_create_vhost(
        context,
        &(struct lws_context_creation_info){ .iface = "127.0.0.1",
                                             .protocols = protocols,
                                             .extensions = extensions });

    if (!host)
        return 1;
    printf("listening %d\n", lws_get_vhost_listen_port(host));
    while (lws_service(context, 0) >= 0)
        continue;
    return 0;
}

static int talk(char *url)
{
    struct lws_context *context = lws_create_context(
        &(struct lws_context_creation_info){ .port = CONTEXT_PORT_NO_LISTEN,
                                             .protocols = protocols,
                                             .extensions = extensions });
    const char *scheme, *host, *path;
    int port;

    if (!context || lws_parse_uri(url, &scheme, &host, &port, &path) != 0)
        return 1;
    lws_client_connect_via_info(
        &(struct lws_client_connect_info){ .context = context,
                                           .address = host,
                                           .port = port,
                                           .path = "/",
                                           .host = host,
                                           .origin = NULL,
                                           .protocol = NULL,
                                           .ietf_version_or_minus_one = -1 });
    while (!done && lws_service(context, 0) >= 0)
        continue;
    lws_context_destroy(context);
    return 0;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    lws_set_log_level(0, NULL);
    if (argc == 2 && strcmp(argv[1], "server") == 0)
        return serve();
    if (argc > 3 && strcmp(argv[1], "client") == 0) {
        sizes = argv + 3;
        return talk(argv[2]);
    }
    return 2;
}
