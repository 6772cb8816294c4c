/* SPDX-License-Identifier: MIT */
/* behind [OPTION...] ADDR: a server that tells what it sees of its clients.
 *
 *   --trust PROXY      in trusted_proxies; may be given again
 *   --proxy-protocol   connections begin with its header
 *   --tls FILE         with this certificate and key
 *   --ping MS          the interval of pings; without it the usual
 *
 * "/" answers "REMOTE HOST tls|plain".  "/ws" says that at first, then echoes;
 * "/mute" does the same without pings.  How their connections end is printed:
 * "PATH ended: TEXT". */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

enum { TRUSTED_MAX = 8, SEEN_MAX = 512 };

static const char *trusted[TRUSTED_MAX + 1];
static ws_upgrader upgrader;
static const ws_upgrader mute = { .ping_interval_ms = -1 };

static const char *seen(char text[static SEEN_MAX], const ws_request *r)
{
    snprintf(text, SEEN_MAX, "%s %s %s", r->remote_addr, r->host,
             r->tls ? "tls" : "plain");
    return text;
}

static void tell(ws_request *r, void *arg)
{
    char text[SEEN_MAX];

    (void)arg;
    ws_reply_text(r, 200, seen(text, r));
}

static void echo(ws_request *r, void *arg)
{
    char text[SEEN_MAX], path[SEEN_MAX];
    ws_message m;

    seen(text, r);
    snprintf(path, sizeof(path), "%s", r->path);
    ws_conn *c = ws_upgrade(arg, r, NULL);
    if (!c) {
        printf("%s refused: %s\n", path, r->error.text);
        return;
    }
    ws_write_text(c, text);
    while (ws_read_message(c, &m) == 0)
        ws_write_message(c, m.type, m.data, m.len);
    printf("%s ended: %s\n", path, ws_conn_error(c)->text);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
}

static const ws_route routes[] = {
    { .path = "/", .handler = tell },
    { .path = "/ws", .handler = echo, .arg = &upgrader },
    { .path = "/mute", .handler = echo, .arg = (void *)&mute },
    { 0 },
};

static ws_tls tls;
static ws_server server = { .routes = routes, .trusted_proxies = trusted };

static void trust(const char *proxy)
{
    size_t n = 0;

    while (trusted[n])
        n++;
    if (n < TRUSTED_MAX)
        trusted[n] = proxy;
}

/* Returns whether it is known. */
static bool set_option(const char *name, const char *value)
{
    if (strcmp(name, "--trust") == 0) {
        trust(value);
    } else if (strcmp(name, "--ping") == 0) {
        upgrader.ping_interval_ms = atoi(value);
    } else if (strcmp(name, "--tls") == 0) {
        tls.cert_file = value;
        server.tls = &tls;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    int i = 1;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (; i < argc - 1; i++)
        if (strcmp(argv[i], "--proxy-protocol") == 0)
            server.proxy_protocol = true;
        else if (set_option(argv[i], argv[i + 1]))
            i++;
        else
            return 2;
    server.addr = argv[i];
    return ws_serve(&server) != 0;
}
