/* SPDX-License-Identifier: MIT */
/* Send everything back, and say in which of three ways the server ended. */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"

/* Returns whether it was an end, and not a failure. */
static bool tell_end(const ws_conn *c)
{
    const ws_error *e = ws_conn_error(c);

    if (e->code == WS_ERR_CLOSED)
        print_line("Close from server: %d %s", ws_close_code(c),
                   ws_close_reason(c));
    else if (e->code == WS_ERR_EOF) /* what gorilla calls CloseError 1006 */
        printf("EOF from server: abnormal closure (%d)\n", ws_close_code(c));
    else
        printf("Couldn't receive msg: %s\n", e->text);
    return e->code == WS_ERR_CLOSED || e->code == WS_ERR_EOF;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: %s ws://host:port [origin]\n", argv[0]);
        return 1;
    }
    const char *origin = argc == 3 ? argv[2] : "http://localhost:12345";
    const ws_header headers[] = { { "Origin", origin }, { 0 } };
    ws_error err;
    ws_message m;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ws_conn *c = ws_dial(NULL, argv[1], headers, NULL, &err);
    if (!c) {
        fprintf(stderr, "Fatal error: %s\n", err.text);
        return 1;
    }

    int sent = 0;
    while (sent == 0 && ws_read_message(c, &m) == 0) {
        print_line("Received from server: %s", m.data);
        sent = ws_write_message(c, m.type, m.data, m.len);
    }
    bool ended = sent == 0 && tell_end(c);
    if (sent != 0)
        printf("Couldn't return msg: %s\n", ws_strerror(sent));
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
    return !ended;
}
