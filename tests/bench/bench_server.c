/* SPDX-License-Identifier: MIT */
/* Echoes at ws://127.0.0.1:PORT/ as fast as it can, and does nothing else. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

static const char usage[] =
    "usage: bench_server [--deflate] [--takeover BITS] [--tls [CERT KEY]] "
    "PORT\n"
    "\n"
    "Echoes messages at ws://127.0.0.1:PORT/.\n"
    "  --deflate   agree to permessage-deflate\n"
    "  --takeover  and to windows of at most 2^BITS bytes that are kept\n"
    "  --tls       wss; CERT and KEY are cert.pem and key.pem unless given\n";

struct options {
    bool deflate;
    int takeover;
    bool tls;
    ws_tls files;
    const char *port;
};

static bool is_number(const char *s, unsigned long max)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);

    return *s >= '0' && *s <= '9' && *end == '\0' && n <= max;
}

static bool is_file(const char *s)
{
    return s && strncmp(s, "--", 2) != 0 && !is_number(s, 65535);
}

/* Returns how many arguments it takes. */
static int parse_tls(struct options *o, char **argv)
{
    bool given = is_file(argv[0]) && is_file(argv[1]);

    o->tls = true;
    o->files.cert_file = given ? argv[0] : "cert.pem";
    o->files.key_file = given ? argv[1] : "key.pem";
    return given ? 2 : 0;
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--deflate") == 0)
            o->deflate = true;
        else if (strcmp(argv[i], "--tls") == 0)
            i += parse_tls(o, argv + i + 1);
        else if (strcmp(argv[i], "--takeover") == 0 && i + 1 < argc &&
                 is_number(argv[i + 1], 15))
            o->takeover = (int)strtol(argv[++i], NULL, 10);
        else if (!o->port && is_number(argv[i], 65535))
            o->port = argv[i];
        else
            return false;
    }
    return o->port;
}

static void echo(ws_request *r, void *upgrader)
{
    ws_conn *c = ws_upgrade(upgrader, r, NULL);
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        continue;
    ws_close(c);
}

int main(int argc, char **argv)
{
    struct options o = { 0 };

    if (!parse(&o, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }

    ws_upgrader upgrader = {
        .enable_compression = o.deflate,
        .context_takeover_bits = o.takeover,
        .check_origin = ws_any_origin,
        .read_limit = -1,
    };
    const ws_route routes[] = {
        { .path = "/", .handler = echo, .arg = &upgrader },
        { 0 },
    };
    char addr[32];

    snprintf(addr, sizeof(addr), "127.0.0.1:%s", o.port);
    return ws_serve(&(ws_server){ .addr = addr,
                                  .routes = routes,
                                  .tls = o.tls ? &o.files : NULL }) != 0;
}
