/* SPDX-License-Identifier: MIT */

#ifndef TOOL_CLIENT_H
#define TOOL_CLIENT_H

#include <stdbool.h>

#include <silverback.h>

#include "settings.h"

/* How to dial, by the settings, which it keeps. */
struct client {
    const struct settings *settings;
    char *url;
    ws_header *headers;
    ws_dialer dialer;
    ws_tls tls;
};

/* Whether it says how to speak to whom, and not only to whom. */
bool client_is_url(const char *text);

/* Returns false, and has said why, when the settings contradict each other.
 * cancel ends every dial. */
bool client_begin(struct client *k, const struct settings *s, const char *url,
                  ws_event *cancel);
void client_end(struct client *k);

/* Tell of the server's answer, with -v of all of it. */
void client_tell_answer(const ws_response *resp);

/* Tell where a connection leads. */
void client_tell_connected(ws_conn *c);

#endif
