/* SPDX-License-Identifier: MIT */
/* proxy_client URL [PROXY]: say "hello" to an echo server, by that proxy or the
 * environment's, and print what comes back: "echo hello", or "error", code,
 * HTTP status and text. */

#include <stdio.h>

#include <silverback.h>

enum { PATIENCE_MS = 60000 };

static int report(const ws_error *err)
{
    printf("error %d %d %s\n", err->code, err->http_status, err->text);
    return 1;
}

int main(int argc, char **argv)
{
    const ws_dialer d = { .proxy = argc > 2 ? argv[2] : NULL };
    ws_message m;
    ws_error err;

    if (argc < 2)
        return 2;
    ws_conn *c = ws_dial(&d, argv[1], NULL, NULL, &err);
    if (!c)
        return report(&err);

    ws_set_read_deadline(c, ws_after(PATIENCE_MS));
    int failed = ws_write_text(c, "hello") || ws_read_message(c, &m);
    if (failed)
        report(ws_conn_error(c));
    else
        printf("echo %s\n", m.data);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
    return failed;
}
