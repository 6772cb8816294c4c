/* SPDX-License-Identifier: MIT */

#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binary.h"
#include "editor.h"
#include "memory.h"
#include "output.h"
#include "utf8.h"

enum {
    PART = 64 * 1024, /* bytes to read at a time */
};

void input_begin(struct input *in, const struct settings *s)
{
    *in = (struct input){ .settings = s,
                          .edited = output_is_interactive(),
                          .typed = isatty(STDIN_FILENO) };
    if (in->edited)
        editor_begin(s->program);
}

void input_begin_fd(struct input *in, const struct settings *s, int fd)
{
    *in = (struct input){ .settings = s, .fd = fd };
}

void input_end(struct input *in)
{
    if (in->edited)
        editor_end();
    free(in->data);
}

/* Returns how many bytes have come, 0 at the end, or a negated errno. */
static ssize_t input_read(struct input *in, ws_event *stop)
{
    if (in->size - in->n < PART) {
        in->size = 2 * in->size + PART;
        in->data = memory_resize(in->data, in->size + 1);
    }
    ssize_t got;
    do {
        if (ws_wait_any(in->fd, POLLIN, 0, stop, NULL) <= 0)
            return 0;
        got = read(in->fd, in->data + in->n, in->size - in->n);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (got < 0)
        return -errno;
    in->n += (size_t)got;
    return got;
}

/* ---- How it is cut ------------------------------------------------------ */

/* Its parts are messages as they come. */
static bool is_stream(const struct settings *s)
{
    return s->binary && !s->nul && !s->hex && !s->base64;
}

static char *input_take(struct input *in, size_t length, size_t skip, size_t *n)
{
    char *message = in->data + in->from;

    *n = length;
    in->from += length + skip;
    return message;
}

/* What begins at from goes to the beginning, so that there is room behind it. */
static void input_settle(struct input *in)
{
    if (in->from == 0)
        return;
    memmove(in->data, in->data + in->from, in->n - in->from);
    in->n -= in->from;
    in->from = 0;
}

static char *input_whole(struct input *in, size_t *n, ws_event *stop)
{
    while (!in->over)
        in->over = input_read(in, stop) <= 0;
    return ws_event_is_set(stop) ? NULL : input_take(in, in->n, 0, n);
}

static char *input_part(struct input *in, size_t *n, ws_event *stop)
{
    in->n = in->from = 0;
    in->over = input_read(in, stop) <= 0;
    return in->over ? NULL : input_take(in, in->n, 0, n);
}

/* The last one needs no end. */
static char *input_record(struct input *in, char end, size_t *n, ws_event *stop)
{
    size_t looked = 0;

    input_settle(in);
    for (;;) {
        char *at = in->n > looked
                       ? memchr(in->data + looked, end, in->n - looked)
                       : NULL;
        if (at)
            return input_take(in, (size_t)(at - in->data), 1, n);
        looked = in->n;
        in->over = in->over || input_read(in, stop) <= 0;
        if (in->over)
            return looked > 0 && !ws_event_is_set(stop)
                       ? input_take(in, in->n, 0, n)
                       : NULL;
    }
}

char *input_next(struct input *in, size_t *n, ws_event *stop)
{
    const struct settings *s = in->settings;

    if (in->edited)
        return editor_line(n, stop);
    if (in->over && in->from >= in->n)
        return NULL;
    if (s->whole)
        return input_whole(in, n, stop);
    if (is_stream(s) && !in->typed)
        return input_part(in, n, stop);
    return input_record(in, s->nul ? '\0' : '\n', n, stop);
}

char *input_file(const char *path, size_t *n)
{
    struct input in = {
        .fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
                                     : open(path, O_RDONLY | O_CLOEXEC),
    };
    ssize_t got = in.fd < 0 ? -errno : 1;

    while (got > 0)
        got = input_read(&in, NULL);
    if (in.fd >= 0)
        close(in.fd);
    if (got < 0) {
        free(in.data);
        in.data = NULL;
        errno = (int)-got;
    }
    *n = in.n;
    return in.data;
}

/* ---- What it means ------------------------------------------------------ */

static ws_type input_refuse(const char *why)
{
    output_note("not sent: %s", why);
    return 0;
}

ws_type input_encode(const struct settings *s, char *data, size_t *n)
{
    if (s->binary && s->hex && !binary_read_hex(data, n))
        return input_refuse("it is no hexadecimal");
    if (s->binary && s->base64 && !binary_read_base64(data, n))
        return input_refuse("it is no base64");
    if (s->binary)
        return WS_BINARY;
    if (!utf8_is_valid(data, *n))
        return input_refuse("text has to be UTF-8; -b sends it as it is");
    return WS_TEXT;
}
