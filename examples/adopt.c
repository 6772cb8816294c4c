/* SPDX-License-Identifier: MIT */
/* Connections whose handshake was done by another HTTP server, libmicrohttpd:
 * adopt [port]; an echo at ws://localhost:8080/ */

#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <silverback.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, section 1.3 */

enum { KEY_LEN = 24, ACCEPT_SIZE = 32 };

/* May wait, since each connection has a thread.  The socket is the server's to
 * close, its copy ours. */
static void echo(void *arg, struct MHD_Connection *h, void *request,
                 const char *early, size_t early_len, int fd,
                 struct MHD_UpgradeResponseHandle *handle)
{
    (void)arg, (void)h, (void)request;
    const ws_adoption adoption = { .early = early, .early_len = early_len };
    ws_error err;
    ws_message m;

    ws_conn *c = ws_adopt(dup(fd), &adoption, &err);
    if (!c)
        fprintf(stderr, "adopt: %s\n", err.text);
    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        ;
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

/* With Sec-WebSocket-Accept: RFC 6455, section 4.2.2. */
static struct MHD_Response *upgrade(const char *key)
{
    struct MHD_Response *r = MHD_create_response_for_upgrade(echo, NULL);
    unsigned char text[KEY_LEN + sizeof(GUID)], digest[SHA_DIGEST_LENGTH];
    int len = snprintf((char *)text, sizeof(text), "%s" GUID, key);
    char accept[ACCEPT_SIZE];

    SHA1(text, (size_t)len, digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
    MHD_add_response_header(r, "Upgrade", "websocket");
    MHD_add_response_header(r, "Sec-WebSocket-Accept", accept);
    return r;
}

/* The key of a handshake, or NULL.  More than an echo would see to the Origin,
 * too. */
static const char *key_of(struct MHD_Connection *h, const char *method)
{
    const char *key =
        MHD_lookup_connection_value(h, MHD_HEADER_KIND, "Sec-WebSocket-Key");
    const char *version = MHD_lookup_connection_value(h, MHD_HEADER_KIND,
                                                      "Sec-WebSocket-Version");
    bool wanted = strcmp(method, "GET") == 0 && version &&
                  strcmp(version, "13") == 0 && key && strlen(key) == KEY_LEN;

    return wanted ? key : NULL;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *h,
                              const char *url, const char *method,
                              const char *version, const char *body,
                              size_t *body_len, void **request)
{
    const char *key = key_of(h, method);
    struct MHD_Response *r =
        key ? upgrade(key)
            : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(h, key ? 101 : 400, r);

    (void)arg, (void)url, (void)version, (void)body, (void)body_len;
    (void)request;
    MHD_destroy_response(r);
    return result;
}

int main(int argc, char **argv)
{
    unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : 8080;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
            MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG,
        (uint16_t)port, NULL, NULL, answer, NULL, MHD_OPTION_END);

    if (!daemon)
        return 1;   /* the log says why */
    return pause(); /* until a signal ends the process */
}
