/* SPDX-License-Identifier: MIT */
/* Over TLS: sends "Hello 0" to "Hello 9" and waits for each to come back.
 * examples/make_cert makes a certificate for it. */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"

/* Nothing here is private, so pages of any origin may ask. */
static const ws_upgrader upgrader = { .check_origin = ws_any_origin };

static void greet(ws_request *r, void *arg)
{
    (void)arg;
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    ws_message m;

    for (int n = 0; n < 10; n++) {
        printf("Sending to client: Hello %d\n", n);
        if (ws_writef(c, "Hello %d", n) != 0 || ws_read_message(c, &m) != 0)
            break;
        print_line("Received back from client: %s", m.data);
    }
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/", .handler = greet },
        { 0 },
    };
    const ws_tls tls = {
        .cert_file = argc > 2 ? argv[2] : "cert.pem",
        .key_file = argc > 3 ? argv[3] : "key.pem",
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : ":12345",
        .routes = routes,
        .tls = &tls,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0; /* the log says why */
}
