/* SPDX-License-Identifier: MIT */
/* What a conformance suite's client talks to: an echo at every path. */

#include <silverback.h>

enum { LONGEST = 64 * 1024 * 1024, LARGEST_WINDOW = 15 };

static const ws_upgrader upgrader = {
    .check_origin = ws_any_origin,
    .enable_compression = true,
    .context_takeover_bits = LARGEST_WINDOW,
    .read_limit = LONGEST,
};

/* That text is UTF-8 has been checked by then. */
static void echo(ws_request *r, void *arg)
{
    (void)arg;
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        ;
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/", .handler = echo },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : ":9001",
        .routes = routes,
    };

    return ws_serve(&server) != 0; /* the log says why */
}
