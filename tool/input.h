/* SPDX-License-Identifier: MIT */

#ifndef TOOL_INPUT_H
#define TOOL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <silverback.h>

#include "settings.h"

/* What there is to send: standard input, or another stream, cut into messages as
 * the settings have it. */
struct input {
    const struct settings *settings;
    int fd;
    bool edited; /* typed, with an editor */
    bool typed;  /* on a terminal: a line may be a command */
    char *data;  /* what has been read, */
    size_t n;    /* how much, */
    size_t from; /* and where the next message begins */
    size_t size;
    bool over;
};

void input_begin(struct input *in, const struct settings *s);
void input_end(struct input *in);

/* The same of another stream, which is nobody's to type into. */
void input_begin_fd(struct input *in, const struct settings *s, int fd);

/* The next message, or typed line, which may be changed in place, and is borrowed
 * until the next call.  NULL at the end, and once stop is set. */
char *input_next(struct input *in, size_t *n, ws_event *stop);

/* All of a file, for free; NULL, with errno, if it cannot be read. */
char *input_file(const char *path, size_t *n);

/* Make a message of what was given: its bytes may stand for others (--hex).
 * Returns its type, or 0 if it cannot be one, and has said why. */
ws_type input_encode(const struct settings *s, char *data, size_t *n);

#endif
