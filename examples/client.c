/* SPDX-License-Identifier: MIT */
/* Send the time every second and print what comes back, until interrupted. */

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include <silverback.h>

#include "common/print.h"

static ws_event stop, closed;

static void reader(void *arg)
{
    ws_conn *c = arg;
    ws_message m;

    while (ws_read_message(c, &m) == 0)
        print_line("recv: %s", m.data);
    printf("read: %s\n", ws_conn_error(c)->text);
    ws_event_set(&closed);
    ws_event_set(&stop);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "ws://localhost:8080/echo";
    ws_error err;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ws_conn *c = ws_dial(NULL, url, NULL, NULL, &err);
    if (!c) {
        fprintf(stderr, "dial %s: %s\n", url, err.text);
        return 1;
    }
    ws_notify(&stop, SIGINT);
    ws_fiber *f = ws_go(reader, c);

    while (ws_event_wait(&stop, ws_after(1000)) == WS_ERR_TIMEOUT)
        ws_writef(c, "%lld", (long long)time(NULL));

    /* If the server has not ended it: say goodbye, and give it a second to
     * answer. */
    int lost = ws_event_wait(&closed, ws_now()) == 0 &&
               !ws_closed_with(c, WS_CLOSE_NORMAL, WS_CLOSE_GOING_AWAY);
    ws_write_close(c, WS_CLOSE_NORMAL, NULL);
    ws_event_wait(&closed, ws_after(1000));
    ws_shutdown(c);
    ws_join(f);
    ws_close(c);
    ws_notify(NULL, SIGINT);
    ws_cleanup();
    return lost;
}
