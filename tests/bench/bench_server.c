/* SPDX-License-Identifier: MIT */
/* Echoes at ws://127.0.0.1:PORT/ as fast as it can, or sends what comes to all,
 * and does nothing else. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

#include "bench_cast.h"
#include "../echo.h"

static const char usage[] =
    "usage: bench_server [OPTION...] PORT\n"
    "\n"
    "Echoes messages at ws://127.0.0.1:PORT/.\n"
    "  --deflate         agree to permessage-deflate\n"
    "  --takeover BITS   and to windows of at most 2^BITS bytes that are kept\n"
    "  --tls [CERT KEY]  wss; CERT and KEY are cert.pem and key.pem by "
    "default\n"
    "  --threads         a thread for each connection, not a fiber\n"
    "  --on-message      a function called for each message, not a loop\n"
    "  --cast            send each message to all connections, by a hub\n"
    "  --by-hand         in a loop over them, not by a hub; with --cast\n"
    "  --workers N       so many, not one for each processor\n"
    "  --spin US         so long, before a worker sleeps\n";

struct options {
    bool deflate;
    int takeover;
    int workers;
    int spin_us;
    bool threads;
    bool on_message;
    bool cast;
    bool by_hand;
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

/* Takes argv[1] as the number of argv[0].  Returns whether it is one. */
static bool parse_number(int *value, char **argv, unsigned long max)
{
    if (!argv[1] || !is_number(argv[1], max))
        return false;
    *value = (int)strtol(argv[1], NULL, 10);
    return true;
}

/* Returns how many arguments an option takes, or -1. */
static int parse_option(struct options *o, char **argv)
{
    if (strcmp(argv[0], "--deflate") == 0)
        o->deflate = true;
    else if (strcmp(argv[0], "--threads") == 0)
        o->threads = true;
    else if (strcmp(argv[0], "--on-message") == 0)
        o->on_message = true;
    else if (strcmp(argv[0], "--cast") == 0)
        o->cast = true;
    else if (strcmp(argv[0], "--by-hand") == 0)
        o->by_hand = true;
    else if (strcmp(argv[0], "--tls") == 0)
        return parse_tls(o, argv + 1);
    else if (strcmp(argv[0], "--takeover") == 0)
        return parse_number(&o->takeover, argv, 15) ? 1 : -1;
    else if (strcmp(argv[0], "--workers") == 0)
        return parse_number(&o->workers, argv, 1024) ? 1 : -1;
    else if (strcmp(argv[0], "--spin") == 0)
        return parse_number(&o->spin_us, argv, 1000000) ? 1 : -1;
    else
        return -1;
    return 0;
}

static bool parse(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!o->port && is_number(argv[i], 65535)) {
            o->port = argv[i];
            continue;
        }
        int taken = parse_option(o, argv + i);
        if (taken < 0)
            return false;
        i += taken;
    }
    return o->port;
}

static ws_handler_fn handler_of(const struct options *o)
{
    if (o->cast && o->by_hand)
        return cast_by_hand;
    if (o->cast)
        return o->on_message ? cast_by_hub_when_called : cast_by_hub;
    return o->on_message ? echo_when_called : echo_in_loop;
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
    };
    const ws_route routes[] = {
        { .path = "/", .handler = handler_of(&o), .arg = &upgrader },
        { 0 },
    };
    char addr[32];

    snprintf(addr, sizeof(addr), "127.0.0.1:%s", o.port);
    cast_setup();
    int error = ws_serve(&(ws_server){ .addr = addr,
                                       .routes = routes,
                                       .threads = o.threads,
                                       .workers = o.workers,
                                       .spin_us = o.spin_us,
                                       .tls = o.tls ? &o.files : NULL });
    cast_teardown();
    return error != 0;
}
