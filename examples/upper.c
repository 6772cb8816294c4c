/* SPDX-License-Identifier: MIT */
/* Text comes back in upper case.  The page: http://localhost:6432/ */

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <wctype.h>

#include <silverback.h>

#include "common/print.h"
#include "upper.html.h" /* made from upper.html by the build */

/* Clients name whatever Origin they like, as golang.org/x/net has it. */
static const ws_upgrader upgrader = { .check_origin = ws_any_origin };

/* Decode one character, of which n > 0 bytes are left.  What is none (a binary
 * message may hold it) becomes a replacement character. */
static size_t decode(wchar_t *wc, const char *s, size_t n)
{
    mbstate_t state = { 0 };
    size_t used = mbrtowc(wc, s, n, &state);

    if (used > n) /* an error, or more is needed */
        *wc = L'\uFFFD';
    return used == 0 || used > n ? 1 : used;
}

/* Returns *len bytes for free(), or NULL.  They may be more than there were. */
static char *to_upper(const ws_message *m, size_t *len)
{
    char *text = malloc(m->len * MB_CUR_MAX + 1), *end = text;
    mbstate_t state = { 0 };
    wchar_t wc;

    for (size_t i = 0; text && i < m->len;) {
        i += decode(&wc, m->data + i, m->len - i);
        end += wcrtomb(end, (wchar_t)towupper((wint_t)wc), &state);
    }
    *len = (size_t)(end - text);
    return text;
}

/* The server has upgraded, and closes when this returns. */
static void upper(ws_conn *c, void *arg)
{
    (void)arg;
    ws_message m;

    while (ws_read_message(c, &m) == 0) {
        print_line("received from client: %s", m.data);
        size_t len;
        char *text = to_upper(&m, &len);
        if (!text || ws_write_message(c, WS_TEXT, text, len) != 0)
            ws_shutdown(c); /* ends the next read */
        free(text);
    }
    printf("%s\n", ws_conn_error(c)->text);
}

static void home(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, upper_html);
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/test1", .socket = upper, .upgrader = &upgrader },
        { .path = "/", .handler = home },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : ":6432",
        .routes = routes,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (!setlocale(LC_CTYPE, "C.UTF-8")) {
        fprintf(stderr, "there is no locale C.UTF-8\n");
        return 1;
    }
    return ws_serve(&server) != 0; /* the log says why */
}
