/* SPDX-License-Identifier: MIT */
/* Print the numbered messages of a server that may go away, and come back to it
 * with the number of the last: redial [url], until interrupted. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <silverback.h>

#include "common/print.h"

struct feed {
    const char *base;
    char url[512];
    long last; /* message that came */
};

static int resume(ws_redial_attempt *a, void *arg)
{
    struct feed *f = arg;

    if (a->error->code != 0)
        printf("again: %s\n", a->error->text);
    snprintf(f->url, sizeof(f->url), "%s?after=%ld", f->base, f->last);
    a->url = f->url;
    return 0;
}

int main(int argc, char **argv)
{
    static ws_event stop;
    static const ws_dialer dialer = { .cancel = &stop };
    struct feed feed = { .base =
                             argc > 1 ? argv[1] : "ws://localhost:8080/feed" };
    const ws_redialer redialer = { .dialer = &dialer,
                                   .resume = resume,
                                   .arg = &feed };
    ws_redial *r = ws_redial_new(&redialer);
    ws_message m;
    ws_conn *c;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    ws_notify(&stop, SIGINT);
    while ((c = ws_redial_next(r)) != NULL) {
        while (ws_read_message_by(c, &m, 0, &stop) == 0) {
            print_line("recv: %s", m.data);
            feed.last = strtol(m.data, NULL, 10);
        }
    }
    printf("end: %s\n", ws_redial_error(r)->text);
    int canceled = ws_redial_error(r)->code == WS_ERR_CANCELED;
    ws_redial_free(r);
    ws_notify(NULL, SIGINT);
    ws_cleanup();
    return !canceled;
}
