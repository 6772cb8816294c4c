/* SPDX-License-Identifier: MIT */

/* metrics_server PORT UNIX_PATH: an echo server, with its numbers on a second
 * listener whose address has all that a label's value must not hold as it is. */

#include <stdio.h>

#include <silverback.h>

#include "../echo.h"

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/", .socket = echo },
        { .path = "/metrics", .handler = ws_metrics },
        { 0 },
    };
    char addr[64], second[256];
    ws_error err;

    if (argc != 3)
        return 2;
    snprintf(addr, sizeof(addr), "127.0.0.1:%s", argv[1]);
    snprintf(second, sizeof(second), "unix:%s", argv[2]);
    ws_listener *l = ws_listen(
        &(ws_server){ .addr = second, .routes = routes, .workers = 1 }, &err);
    if (!l) {
        fprintf(stderr, "metrics_server: %s\n", err.text);
        return 1;
    }
    return ws_serve(&(ws_server){ .addr = addr, .routes = routes }) != 0;
}
