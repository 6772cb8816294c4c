#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Guess: when a user of libedit shows its prompt, what is typed is read by the
#   editor, Ctrl-D too.
# Seen: el_gets prints the prompt first, and then puts the terminal into raw
#   mode: what is typed between the two meets a cooked terminal. After
#   el_set(el, EL_PREP_TERM, 1) it is raw before.
# With: libedit 3.1 (Debian's libedit-dev 3.1-20221030-2); 29 November 2026.

. "$(dirname "$0")/common.sh"
needs cc python3
debian libedit-dev 3.1-20221030-2
cat >line.c <<'C'
#define _GNU_SOURCE
#include <histedit.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <termios.h>
#include <unistd.h>

static char *prompt(EditLine *el)
{
    (void)el;
    return "prompt";
}

/* Says on standard error how the terminal is while the prompt is printed. */
static ssize_t print(void *arg, const char *data, size_t len)
{
    struct termios mode;

    (void)arg;
    tcgetattr(0, &mode);
    if (memmem(data, len, "prompt", 6))
        fprintf(stderr, "%s\n", mode.c_lflag & ICANON ? "cooked" : "raw");
    return (ssize_t)len;
}

int main(int argc, char **argv)
{
    cookie_io_functions_t io = {.write = print};
    FILE *terminal = fopencookie(NULL, "w", io);
    EditLine *el = el_init_fd(argv[0], stdin, terminal, stderr, 0, 1, 2);
    int len;

    el_set(el, EL_PROMPT, prompt);
    if (argc > 1)
        el_set(el, EL_PREP_TERM, 1);
    el_gets(el, &len);
    return 0;
}
C
cc -o line line.c -ledit || exit 77
cat >terminal.py <<'PY'
import os
import pty
import subprocess

for what, args in ("el_gets", []), ("EL_PREP_TERM before it", ["raw"]):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(["./line", *args], stdin=theirs, stdout=theirs,
                               stderr=subprocess.PIPE, text=True)
    print(f"{what}: the terminal is", process.stderr.readline().strip())
    process.kill()
    process.wait()
PY
TERM=xterm python3 terminal.py >seen
expect <<'END'
el_gets: the terminal is cooked
EL_PREP_TERM before it: the terminal is raw
END
