/* SPDX-License-Identifier: MIT */

#include "command.h"

#include <string.h>
#include <time.h>

#include "json.h"
#include "output.h"
#include "units.h"

/* In microseconds: an answer from this machine takes less than one of ws_now. */
static int64_t command_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void command_control(ws_conn *c, ws_type type, const char *data)
{
    int r = ws_write_control(c, type, data, strlen(data), ws_after(1000));

    if (r != 0)
        output_note("not sent: %s", r == WS_ERR_INVALID
                                        ? "it holds more than 125 bytes"
                                        : ws_strerror(r));
}

void command_ping(struct link *l, ws_conn *c, const char *data)
{
    int64_t now = command_clock();

    ws_mutex_lock(&l->lock);
    l->pinged_at = now;
    ws_mutex_unlock(&l->lock);
    command_control(c, WS_PING, data);
}

static void command_send_ping(struct link *l, const char *rest)
{
    ws_conn *c = link_get(l);

    command_ping(l, c, rest);
    ws_unref(c);
}

static void command_send_pong(struct link *l, const char *rest)
{
    ws_conn *c = link_get(l);

    command_control(c, WS_PONG, rest);
    ws_unref(c);
}

static void command_close(struct link *l, const char *rest)
{
    int code;
    const char *reason = units_close_code(rest, &code);

    if (rest[0] == '\0')
        link_finish_usual(l);
    else if (reason && (*reason == ' ' || *reason == '\0'))
        link_finish(l, code, *reason ? reason + 1 : NULL);
    else
        output_note("/close [CODE [REASON]]: that code may not be sent");
}

static void command_stats(struct link *l, const char *rest)
{
    ws_conn *c = link_get(l);

    (void)rest;
    ws_mutex_lock(&l->lock);
    output_note("%s: %.1f s; sent %lld messages, %lld B, of which %zu B wait; "
                "received %lld, %lld B",
                ws_remote_addr(c), (double)(ws_now() - l->opened_at) / 1000,
                (long long)l->sent, (long long)l->sent_bytes, ws_buffered(c),
                (long long)l->received, (long long)l->received_bytes);
    ws_mutex_unlock(&l->lock);
    ws_unref(c);
}

static const struct {
    const char *name;
    void (*run)(struct link *l, const char *rest);
} commands[] = {
    { "ping", command_send_ping },
    { "pong", command_send_pong },
    { "close", command_close },
    { "stats", command_stats },
};

static void command_run(struct link *l, const char *line)
{
    size_t length = strcspn(line, " ");
    const char *rest = line + length + strspn(line + length, " ");

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strncmp(commands[i].name, line, length) == 0 &&
            commands[i].name[length] == '\0') {
            commands[i].run(l, rest);
            return;
        }
    output_note("/%.*s is no command: /ping [DATA], /pong [DATA], "
                "/close [CODE [REASON]], /stats; //TEXT sends /TEXT",
                (int)length, line);
}

bool command_obey(struct link *l, char *line, size_t *n)
{
    if (*n == 0 || line[0] != '/')
        return false;
    if (*n > 1 && line[1] == '/') {
        memmove(line, line + 1, *n);
        --*n;
        return false;
    }
    command_run(l, line + 1);
    return true;
}

int command_pong(ws_conn *c, const char *data, size_t n, void *arg)
{
    struct link *l = arg;
    FILE *f = output_event("pong", 0);

    (void)c;
    ws_mutex_lock(&l->lock);
    double ms =
        l->pinged_at ? (double)(command_clock() - l->pinged_at) / 1000 : -1;
    l->pinged_at = 0;
    ws_mutex_unlock(&l->lock);
    if (f) {
        json_bytes(f, "data", data, n);
        if (ms >= 0)
            json_decimal(f, "ms", ms);
        output_event_end(f);
    } else if (ms >= 0) {
        output_note("pong: %.3f ms%s%.*s", ms, n ? ", " : "", (int)n, data);
    }
    return 0;
}
