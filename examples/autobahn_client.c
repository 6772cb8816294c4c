/* SPDX-License-Identifier: MIT */
/* Run all cases of a conformance suite's server: autobahn_client ws://host:port
 * The server judges; what it found is in its reports. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <silverback.h>

enum { LONGEST = 64 * 1024 * 1024, LARGEST_WINDOW = 15, URL_MAX = 256 };

static const ws_dialer dialer = {
    .enable_compression = true,
    .context_takeover_bits = LARGEST_WINDOW,
    .read_limit = LONGEST,
};

WS_PRINTF(2, 3)
static ws_conn *dial(const char *server, const char *path, ...)
{
    char url[URL_MAX];
    int n = snprintf(url, sizeof(url), "%s", server);
    ws_error err = { .text = "the URL is too long" };
    ws_conn *c = NULL;
    va_list ap;

    va_start(ap, path);
    if (n < URL_MAX)
        n += vsnprintf(url + n, URL_MAX - (size_t)n, path, ap);
    va_end(ap);
    if (n < URL_MAX)
        c = ws_dial(&dialer, url, NULL, NULL, &err);
    if (!c)
        fprintf(stderr, "%s: %s\n", url, err.text);
    return c;
}

/* Negative when the server does not say. */
static long case_count(const char *server)
{
    ws_conn *c = dial(server, "/getCaseCount");
    ws_message m;
    long count = -1;

    if (ws_read_message(c, &m) == 0)
        count = strtol(m.data, NULL, 10);
    else if (c)
        fprintf(stderr, "getCaseCount: %s\n", ws_conn_error(c)->text);
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
    return count;
}

/* Say back what comes, until the end.  How it ends is part of the case. */
static bool echo(ws_conn *c)
{
    bool connected = c;
    ws_message m;

    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        ;
    ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(1000));
    ws_close(c);
    return connected;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ws://host:port\n", argv[0]);
        return 1;
    }
    long count = case_count(argv[1]);
    bool connected = count >= 0;

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (long i = 1; i <= count && connected; i++) {
        printf("case %ld of %ld\n", i, count);
        connected =
            echo(dial(argv[1], "/runCase?case=%ld&agent=silverback", i));
    }
    if (connected)
        connected = echo(dial(argv[1], "/updateReports?agent=silverback"));
    return !connected;
}
