/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_LOG_H
#define WS_BASE_LOG_H

#include <silverback/base.h>

/* What a line is about, beside its words. */
struct ws__log_field {
    const char *key;
    const char *value; /* NULL: left out */
};

struct ws__log_topic {
    ws_log_level level;
    const char *event;
    const struct ws_conn *conn;         /* NULL: none */
    const struct ws__log_field *fields; /* the list ends with {0}; NULL: none */
};

/* One line, escaped as base/line.h says, to the function that was set, or to
 * stderr. */
void ws__log(const struct ws__log_topic *topic, const char *fmt, ...)
    WS_PRINTF(2, 3);

/* A topic without fields. */
#define WS__LOG(level_, event_)                                                \
    (&(struct ws__log_topic){ .level = (level_), .event = (event_) })

#endif
