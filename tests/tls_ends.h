/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TLS_ENDS_H
#define TESTS_TLS_ENDS_H

/* Our client and our server over TLS: whatever the name, the dial leads to the
 * listener. */

#include <pthread.h>

#include <silverback/dial.h>
#include <silverback/fiber.h>
#include <silverback/upgrade.h>

#include "certs.h"
#include "io/tls_context.h"
#include "peer.h"
#include "mode.h"

enum { PATIENCE_MS = PATIENCE_S * 1000 };

/* ---- What is logged ----------------------------------------------------- */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[16 * 1024];

static inline void keep_line(const char *line, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&log_lock);
    if (strlen(lines) + strlen(line) + 2 < sizeof(lines))
        strcat(strcat(lines, line), "\n");
    pthread_mutex_unlock(&log_lock);
}

static inline bool logged(const char *text)
{
    pthread_mutex_lock(&log_lock);
    bool found = strstr(lines, text) != NULL;
    pthread_mutex_unlock(&log_lock);
    return found;
}

static inline void forget_lines(void)
{
    pthread_mutex_lock(&log_lock);
    lines[0] = '\0';
    pthread_mutex_unlock(&log_lock);
}

/* ---- The server --------------------------------------------------------- */

static const ws_upgrader upgrader = { .enable_compression = true,
                                      .check_origin = ws_any_origin };

static inline void echo(ws_request *r, void *arg)
{
    ws_conn *c = ws_upgrade(&upgrader, r, NULL);
    ws_message m;

    (void)arg;
    while (ws_read_message(c, &m) == 0 &&
           ws_write_message(c, m.type, m.data, m.len) == 0)
        continue;
    ws_close(c);
}

static inline void end(ws_listener *l)
{
    assert_int_equal(ws_listener_shutdown(l, ws_after(PATIENCE_MS)), 0);
}

/* ---- The client --------------------------------------------------------- */

/* Names lead to the listener, whatever they are. */
static inline int reach(const char *host, const char *port, int64_t deadline,
                        void *listener)
{
    (void)host;
    (void)port;
    (void)deadline;
    return call(listener);
}

static inline ws_conn *dial(ws_listener *l, const ws_tls *tls, const char *host,
                            ws_error *err)
{
    const ws_dialer d = { .tls = tls, .connect = reach, .arg = l };
    char url[128];

    snprintf(url, sizeof(url), "wss://%s/", host);
    return ws_dial(&d, url, NULL, NULL, err);
}

static inline void assert_echoes(ws_conn *c)
{
    ws_message m;

    assert_int_equal(ws_write_text(c, "hello"), 0);
    assert_int_equal(ws_read_message(c, &m), 0);
    assert_string_equal(m.data, "hello");
}

static inline void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("\"%s\" does not say \"%s\"", text, words);
}

#endif
