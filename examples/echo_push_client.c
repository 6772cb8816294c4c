/* SPDX-License-Identifier: MIT */
/* Print what the server says, and say it back, until the server ends. */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"

static const ws_header headers[] = {
    { "Origin", "http://localhost:12345" },
    { 0 },
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port\n", argv[0]);
        return 1;
    }
    ws_error err;
    ws_message m;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ws_conn *c = ws_dial(NULL, argv[1], headers, NULL, &err);
    if (!c) {
        fprintf(stderr, "Fatal error: %s\n", err.text);
        return 1;
    }

    int error;
    while ((error = ws_read_message(c, &m)) == 0) {
        print_line("Received from server: %s", m.data);
        if (ws_write_message(c, m.type, m.data, m.len) != 0) {
            printf("Couldn't return msg\n");
            break;
        }
    }
    /* Servers on golang.org/x/net hang up without a close frame. */
    bool ended = error == WS_ERR_CLOSED || error == WS_ERR_EOF;
    if (error != 0 && !ended)
        printf("Couldn't receive msg: %s\n", ws_conn_error(c)->text);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
    return !ended;
}
