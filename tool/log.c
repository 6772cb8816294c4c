/* SPDX-License-Identifier: MIT */

#include "log.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"
#include "output.h"

static bool log_is_of_several;

/* The value of a field that needs no quotes. */
static const char *log_field(const char *fields, const char *name, int *n)
{
    size_t length = strlen(name);

    for (const char *p = fields; p; p = strchr(p, ' '))
        if (strncmp(p += *p == ' ', name, length) == 0 && p[length] == '=') {
            *n = (int)strcspn(p + length + 1, " ");
            return p + length + 1;
        }
    *n = 0;
    return "";
}

static bool log_has(const char *fields, const char *name)
{
    int n;

    return log_field(fields, name, &n)[0] == '1';
}

/* Of which connection it is, where there are several. */
static void log_frame(const char *fields)
{
    int a, d, o, l;
    const char *remote = log_field(fields, "remote", &a);
    const char *direction = log_field(fields, "direction", &d);
    const char *opcode = log_field(fields, "opcode", &o);
    const char *length = log_field(fields, "length", &l);
    bool fin = log_has(fields, "fin"), rsv1 = log_has(fields, "rsv1");
    FILE *f = output_event("frame", 0);

    if (f) {
        json_bytes(f, "remote", remote, (size_t)a);
        json_bytes(f, "direction", direction, (size_t)d);
        json_bytes(f, "opcode", opcode, (size_t)o);
        json_number(f, "length", strtoll(length, NULL, 10));
        json_number(f, "fin", fin);
        json_number(f, "rsv1", rsv1);
        output_event_end(f);
        return;
    }
    if (!log_is_of_several)
        a = 0;
    output_detail(2, "%.*s%s%s %.*s%s%s %.*s B", a, remote, a ? " " : "",
                  direction[0] == 'o' ? "->" : "<-", o, opcode,
                  fin ? " fin" : "", rsv1 ? " rsv1" : "", l, length);
}

/* What each of many connections would say is said once. */
static bool log_is_again(const char *line)
{
    static struct {
        ws_mutex lock;
        char *last;
    } warning;

    ws_mutex_lock(&warning.lock);
    bool again = warning.last && strcmp(warning.last, line) == 0;
    if (!again) {
        free(warning.last);
        warning.last = memory_copy(line);
    }
    ws_mutex_unlock(&warning.lock);
    return again;
}

static void log_warn(const char *line)
{
    if (!log_is_again(line))
        output_note("%s", line);
}

static bool log_is_of(const ws_log_record *r, const char *event)
{
    int n;
    const char *is = log_field(r->fields, "event", &n);

    return strlen(event) == (size_t)n && memcmp(is, event, (size_t)n) == 0;
}

/* That a worker was held up is for who writes handlers: here it says that the
 * machine is slow. */
static void log_record(const ws_log_record *r, void *arg)
{
    (void)arg;
    if (log_is_of(r, "frame"))
        log_frame(r->fields);
    else if (r->level <= WS_LOG_WARNING && !log_is_of(r, "worker_held_up"))
        log_warn(r->line);
    else
        output_detail(1, "%s", r->line);
}

void log_begin(const struct settings *s, bool several)
{
    log_is_of_several = several;
    if (s->verbose >= 2)
        setenv("SILVERBACK_TRACE", "1", 1);
    ws_set_log_records(log_record, NULL);
}
