/* SPDX-License-Identifier: MIT */
/* A server that speaks first: "Hello 0" to "Hello 9", each of which it wants
 * back before the next; then it says goodbye. */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"

enum { GREETINGS = 10 };

/* Clients name whatever Origin they like, as golang.org/x/net has it. */
static const ws_upgrader upgrader = { .check_origin = ws_any_origin };

static int greet(ws_conn *c, int n)
{
    ws_message m;

    printf("Sending to client: Hello %d\n", n);
    if (ws_writef(c, "Hello %d", n) != 0) {
        printf("Can't send\n");
        return -1;
    }
    if (ws_read_message(c, &m) != 0) {
        printf("Can't receive: %s\n", ws_conn_error(c)->text);
        return -1;
    }
    print_line("Received back from client: %s", m.data);
    return 0;
}

/* The server has upgraded, and says goodbye when this returns. */
static void echo(ws_conn *c, void *arg)
{
    (void)arg;
    printf("Echoing\n");
    for (int n = 0; n < GREETINGS && greet(c, n) == 0; n++)
        ;
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/", .socket = echo, .upgrader = &upgrader },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : ":12345",
        .routes = routes,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0; /* the log says why */
}
