/* SPDX-License-Identifier: MIT */

#include "conn/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conn/inbox.h"

bool ws__trace_all(void)
{
    const char *value = getenv("SILVERBACK_TRACE");

    return value && strcmp(value, "1") == 0;
}

void ws_set_trace(ws_conn *c, bool on)
{
    if (c)
        ws__switch_on(c, WS__TRACED, on);
}

/* RFC 6455, section 5.2. */
static const char *opcode_name(uint8_t opcode)
{
    static const char *const names[16] = {
        [WS__CONTINUATION] = "continuation",
        [WS_TEXT] = "text",
        [WS_BINARY] = "binary",
        [WS_CLOSE] = "close",
        [WS_PING] = "ping",
        [WS_PONG] = "pong",
    };

    return names[opcode & 15] ? names[opcode & 15] : "reserved";
}

static void trace_line(const ws_conn *c, const struct ws__frame *f,
                       const char *direction)
{
    const char *remote = ws_remote_addr(c);
    char length[24];
    const struct ws__log_field fields[] = {
        { "direction", direction },
        { "remote", remote },
        { "opcode", opcode_name(f->opcode) },
        { "fin", f->fin ? "1" : "0" },
        { "rsv1", f->rsv1 ? "1" : "0" },
        { "length", length },
        { 0 },
    };
    const struct ws__log_topic topic = {
        .level = WS_LOG_DEBUG, .event = "frame", .conn = c, .fields = fields
    };

    snprintf(length, sizeof(length), "%llu", (unsigned long long)f->len);
    ws__log(&topic, "%s %s %s%s%s %s", remote[0] ? remote : "a local peer",
            direction, opcode_name(f->opcode), f->fin ? " FIN" : "",
            f->rsv1 ? " RSV1" : "", length);
}

void ws__trace_in(const struct ws__reader *r)
{
    const struct ws__inbox *g =
        (const struct ws__inbox *)((const char *)r -
                                   offsetof(struct ws__inbox, reader));

    trace_line(g->conn, &r->frame, "in");
}

void ws__trace_out(const ws_conn *c, const struct ws__frame *f)
{
    trace_line(c, f, "out");
}
