/* SPDX-License-Identifier: MIT */

#include "editor.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory.h"
#include "screen.h"

enum {
    PART = 4096, /* a terminal gives a line at a time */
};

static char *editor_text;

void editor_begin(const char *program)
{
    (void)program;
}

char *editor_line(size_t *n, ws_event *stop)
{
    *n = 0;
    screen_write(STDOUT_FILENO, "> ", 2);
    for (;;) {
        editor_text = memory_resize(editor_text, *n + PART + 1);
        int r = ws_wait_any(STDIN_FILENO, POLLIN, 0, stop, NULL);
        ssize_t got = r > 0 ? read(STDIN_FILENO, editor_text + *n, PART) : 0;

        if (got <= 0)
            return NULL;
        *n += (size_t)got;
        if (editor_text[*n - 1] == '\n')
            break;
    }
    editor_text[--*n] = '\0';
    return editor_text;
}

void editor_end(void)
{
}
