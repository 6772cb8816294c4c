/* SPDX-License-Identifier: MIT */

/* What a program of another project is: C, or C++17, that knows the installed
 * headers alone.  Serves, dials itself, and exits with 0 if its message came
 * back, with compression, from the library that it was compiled for. */

#include <silverback.h>

#include <stdio.h>
#include <string.h>

#if !WS_VERSION_AT_LEAST(0, 3, 0)
#error "an old header"
#endif

static void echo(ws_conn *c, void *arg)
{
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        ;
}

static int say(ws_listener *l)
{
    static const char text[] = "hello hello hello hello hello hello hello";
    char url[300];
    ws_error err;
    ws_dialer d;
    ws_message m;

    memset(&d, 0, sizeof(d));
    d.enable_compression = true;
    d.proxy = "";
    snprintf(url, sizeof(url), "ws://%s/echo", ws_listener_addr(l));
    ws_conn *c = ws_dial(&d, url, NULL, NULL, &err);
    if (!c) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int ok = ws_write_message(c, WS_TEXT, text, strlen(text)) == 0 &&
             ws_read_message(c, &m) == 0 && strcmp(m.data, text) == 0 &&
             ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(60000)) == 0;
    ws_close(c);
    return ok ? 0 : 1;
}

int main(void)
{
    ws_upgrader u;
    ws_route routes[2];
    ws_server s;
    ws_error err;

    memset(&u, 0, sizeof(u));
    memset(routes, 0, sizeof(routes));
    memset(&s, 0, sizeof(s));
    u.enable_compression = true;
    routes[0].path = "/echo";
    routes[0].socket = echo;
    routes[0].upgrader = &u;
    s.addr = "127.0.0.1:0";
    s.routes = routes;

    ws_listener *l = ws_listen(&s, &err);
    if (!l) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = say(l);
    failed |= ws_listener_shutdown(l, ws_after(60000)) != 0;
    ws_cleanup();
    if (strcmp(ws_version(), WS_VERSION) != 0) {
        fprintf(stderr, "compiled for %s, runs with %s\n", WS_VERSION,
                ws_version());
        failed = 1;
    }
    return failed;
}
