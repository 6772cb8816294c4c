/* SPDX-License-Identifier: MIT */
/* A server that speaks first: ten greetings, each sent back by the client.  It
 * hangs up without a close frame, which gorilla_client tells apart. */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"

enum { GREETINGS = 10 };

static const ws_upgrader upgrader = {
    .read_buffer_size = 1024,
    .write_buffer_size = 1024,
};

static int greet(ws_conn *c, int n)
{
    ws_message m;

    printf("Sending to client: Hello %d\n", n);
    int error = ws_writef(c, "Hello %d", n);
    if (error != 0) {
        printf("Can't send: %s\n", ws_strerror(error));
        return error;
    }
    error = ws_read_message(c, &m);
    if (error != 0) {
        printf("Can't receive: %s\n", ws_conn_error(c)->text);
        return error;
    }
    print_line("Received back from client: %s", m.data);
    return 0;
}

static void handler(ws_request *r, void *arg)
{
    (void)arg;
    print_line("Handling %s", r->path);
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    if (!c) {
        printf("%s\n", r->error.text);
        return;
    }
    for (int n = 0; n < GREETINGS && greet(c, n) == 0; n++)
        ;
    ws_close(c); /* the transport alone */
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/", .handler = handler },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : "localhost:12345",
        .routes = routes,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0; /* the log says why */
}
