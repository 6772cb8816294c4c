/* SPDX-License-Identifier: MIT */
/* Over TLS: prints what comes, and sends it back.
 *
 * usage: echo_tls_client [-k] [--ca FILE] [URL]
 *   --ca FILE  trust the certificates in FILE, instead of the system's
 *   -k         trust anybody: only to see what happens then */

#include <stdio.h>
#include <string.h>

#include <silverback.h>

#include "common/print.h"

int main(int argc, char **argv)
{
    const char *url = "wss://localhost:12345/";
    ws_tls tls = { 0 };
    const ws_dialer dialer = { .tls = &tls };
    ws_error err;
    ws_message m;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-k") == 0)
            tls.insecure_skip_verify = true;
        else if (strcmp(argv[i], "--ca") == 0 && i + 1 < argc)
            tls.ca_file = argv[++i];
        else
            url = argv[i];
    }

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ws_conn *c = ws_dial(&dialer, url, NULL, NULL, &err);
    if (!c) {
        fprintf(stderr, "dial %s: %s\n", url, err.text);
        return 1;
    }
    while (ws_read_message(c, &m) == 0) {
        print_line("Received from server: %s", m.data);
        if (ws_write_message(c, m.type, m.data, m.len) != 0)
            break;
    }

    int lost = !ws_closed_with(c, WS_CLOSE_NORMAL);
    if (lost)
        fprintf(stderr, "%s\n", ws_conn_error(c)->text);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
    ws_cleanup();
    return lost;
}
