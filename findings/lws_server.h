/* SPDX-License-Identifier: MIT */
/* A server of libwebsockets on a port of the kernel's choice, which it prints;
 * then a line for each piece of a message. */

#include <libwebsockets.h>
#include <stdio.h>

static int lws_server_show(struct lws *wsi, enum lws_callback_reasons reason,
                           void *user, void *in, size_t len)
{
    if (reason == LWS_CALLBACK_ESTABLISHED)
        printf("the protocol is %s\n", lws_get_protocol(wsi)->name);
    if (reason == LWS_CALLBACK_RECEIVE)
        printf("a piece of %zu, %zu remain, %s\n", len,
               lws_remaining_packet_payload(wsi),
               lws_is_final_fragment(wsi) ? "the last" : "not the last");
    return lws_callback_http_dummy(wsi, reason, user, in, len);
}

static int lws_server_run(const struct lws_protocols *protocols)
{
    static const struct lws_extension extensions[] = {
        { "permessage-deflate", lws_extension_callback_pm_deflate,
          "permessage-deflate" },
        { 0 },
    };
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context =
        lws_create_context(&(struct lws_context_creation_info){
            .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS });
    struct lws_vhost *host =
        lws_create_vhost(context, &(struct lws_context_creation_info){
                                      .iface = "127.0.0.1",
                                      .protocols = protocols,
                                      .extensions = extensions });
    if (!host)
        return 1;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    printf("%d\n", lws_get_vhost_listen_port(host));
    while (lws_service(context, 0) >= 0)
        continue;
    return 0;
}
