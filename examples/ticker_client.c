/* SPDX-License-Identifier: MIT */
/* One that is slow: prints what ticker says, but takes its time after each of
 * it.  ticker_client [url [ms]], until interrupted. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <silverback.h>

#include "common/print.h"

int main(int argc, char **argv)
{
    static ws_event stop;
    static const ws_dialer dialer = { .cancel = &stop };
    const char *url = argc > 1 ? argv[1] : "ws://localhost:8080/prices";
    int ms = argc > 2 ? atoi(argv[2]) : 100;
    int most = 4096; /* else the kernel reads ahead for us */
    ws_error err;
    ws_message m;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ws_notify(&stop, SIGINT);
    ws_conn *c = ws_dial(&dialer, url, NULL, NULL, &err);
    if (!c) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    setsockopt(ws_fd(c), SOL_SOCKET, SO_RCVBUF, &most, sizeof(most));
    while (ws_read_message_by(c, &m, 0, &stop) == 0) {
        print_line("recv: %s", m.data);
        ws_event_wait(&stop, ws_after(ms));
    }
    print_line("end: %s", ws_conn_error(c)->text);
    int failed = ws_conn_error(c)->code != 0;
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
    ws_notify(NULL, SIGINT);
    ws_cleanup();
    return failed;
}
