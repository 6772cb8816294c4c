/* SPDX-License-Identifier: MIT */
/* proxy_client URL [PROXY [CA_FILE]]: say a lot and "hello" to an echo server, by
 * that proxy or the environment's, and print what comes back: "echo hello", or
 * "error", code, HTTP status and text. */

#include <stdio.h>
#include <string.h>

#include <silverback.h>

enum { PATIENCE_MS = 60000 };

static char big[1 << 20];

static int report(const ws_error *err)
{
    printf("error %d %d %s\n", err->code, err->http_status, err->text);
    return 1;
}

static int talk(ws_conn *c, const char *p, size_t n, ws_message *m)
{
    return ws_write_message(c, WS_TEXT, p, n) || ws_read_message(c, m) ||
           m->len != n || memcmp(m->data, p, n) != 0;
}

int main(int argc, char **argv)
{
    const ws_tls tls = { .ca_file = argc > 3 ? argv[3] : NULL };
    const ws_dialer d = { .proxy = argc > 2 ? argv[2] : NULL, .tls = &tls };
    ws_message m;
    ws_error err;

    if (argc < 2)
        return 2;
    ws_conn *c = ws_dial(&d, argv[1], NULL, NULL, &err);
    if (!c)
        return report(&err);

    memset(big, 'x', sizeof(big));
    ws_set_read_deadline(c, ws_after(PATIENCE_MS));
    int failed = talk(c, big, sizeof(big), &m) || talk(c, "hello", 5, &m);
    if (failed)
        report(ws_conn_error(c));
    else
        printf("echo %s\n", m.data);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(PATIENCE_MS));
    ws_close(c);
    return failed;
}
