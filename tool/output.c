/* SPDX-License-Identifier: MIT */

#include "output.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary.h"
#include "json.h"
#include "memory.h"
#include "printable.h"
#include "screen.h"

enum {
    GLIMPSE = 256, /* bytes of a binary message on a terminal, without --hex */
};

static struct {
    const struct settings *settings;
    bool terminal; /* standard output */
    bool interactive;
} output;

/* ---- Where it goes ------------------------------------------------------ */

/* What is written between the two goes out at once. */
struct parcel {
    FILE *f;
    char *data;
    size_t n;
};

static void parcel_open(struct parcel *p)
{
    p->f = memory_open(&p->data, &p->n);
}

static int parcel_send(struct parcel *p, int fd)
{
    fclose(p->f);
    char *data = p->data; /* while we wait, p may be used again */
    int r = screen_write(fd, data, p->n);
    free(data);
    return r;
}

void output_begin(const struct settings *s)
{
    output.settings = s;
    output.terminal = isatty(STDOUT_FILENO);
    output.interactive =
        output.terminal && isatty(STDIN_FILENO) && !s->json && s->ngiven == 0;
}

bool output_is_interactive(void)
{
    return output.interactive;
}

/* ---- Messages ----------------------------------------------------------- */

static void show_bytes(FILE *f, const ws_message *m)
{
    const struct settings *s = output.settings;
    size_t n = s->hex || m->len < GLIMPSE ? m->len : GLIMPSE;

    if (s->base64) {
        binary_write_base64(f, m->data, m->len);
        return;
    }
    if (!s->hex)
        fprintf(f, "(binary, %zu B) ", m->len);
    binary_write_hex(f, m->data, n);
    if (n < m->len)
        fputs("...", f);
}

static int show_on_terminal(const ws_message *m, int64_t peer)
{
    struct parcel p;

    parcel_open(&p);
    if (output.interactive && peer > 0)
        fprintf(p.f, "%lld", (long long)peer);
    if (output.interactive)
        fputs("< ", p.f);
    if (m->type == WS_TEXT)
        printable_write(p.f, m->data, m->len,
                        output.interactive ? "\n  " : "\n");
    else
        show_bytes(p.f, m);
    putc('\n', p.f);
    return parcel_send(&p, STDOUT_FILENO);
}

static int show_as_json(const ws_message *m, int64_t peer)
{
    FILE *f = output_event("message", peer);

    json_message(f, m);
    return output_event_end(f);
}

static bool is_as_it_is(const ws_message *m)
{
    return m->type == WS_TEXT ||
           !(output.settings->hex || output.settings->base64);
}

/* The payload; behind text a newline, which is what lies between lines that are
 * messages. */
static int show_payload(const ws_message *m)
{
    struct parcel p;

    parcel_open(&p);
    if (is_as_it_is(m))
        fwrite(m->data, 1, m->len, p.f);
    else
        show_bytes(p.f, m);
    if (output.settings->nul)
        putc('\0', p.f);
    else if (m->type == WS_TEXT || !is_as_it_is(m))
        putc('\n', p.f);
    return parcel_send(&p, STDOUT_FILENO);
}

int output_message(const ws_message *m, int64_t peer)
{
    if (output.settings->json)
        return show_as_json(m, peer);
    return output.terminal ? show_on_terminal(m, peer) : show_payload(m);
}

/* ---- All else ----------------------------------------------------------- */

static void note_line(const char *before, const char *fmt, va_list ap)
{
    struct parcel line;
    struct parcel p;

    parcel_open(&line);
    vfprintf(line.f, fmt, ap);
    fclose(line.f);
    parcel_open(&p);
    fputs(before, p.f);
    printable_write(p.f, line.data, line.n, NULL);
    putc('\n', p.f);
    free(line.data);
    parcel_send(&p, STDERR_FILENO);
}

void output_note(const char *fmt, ...)
{
    char *before = memory_printf("%s: ", output.settings->program);
    va_list ap;

    va_start(ap, fmt);
    note_line(before, fmt, ap);
    va_end(ap);
    free(before);
}

void output_detail(int level, const char *fmt, ...)
{
    va_list ap;

    if (output.settings->verbose < level)
        return;
    va_start(ap, fmt);
    note_line("* ", fmt, ap);
    va_end(ap);
}

/* Of whoever runs, as long as it does not wait. */
static __thread struct parcel event;

FILE *output_event(const char *name, int64_t peer)
{
    if (!output.settings->json)
        return NULL;
    parcel_open(&event);
    json_begin(event.f, name);
    if (peer > 0)
        json_number(event.f, "peer", peer);
    return event.f;
}

int output_event_end(FILE *f)
{
    json_end(f);
    return parcel_send(&event, STDOUT_FILENO);
}
