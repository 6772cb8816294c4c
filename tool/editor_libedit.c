/* SPDX-License-Identifier: MIT */

#include "editor.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "memory.h"
#include "screen.h"

enum {
    HISTORY = 1000, /* lines */
};

static struct {
    EditLine *line;
    History *history;
    ws_event *stop;
    char *copy;
    ws_mutex lock;         /* of what follows, and of how the terminal is */
    struct termios before; /* how it was */
    bool begun;
    bool over;
} editor;

static char *editor_prompt(EditLine *line)
{
    static char prompt[] = "> ";

    (void)line;
    return prompt;
}

/* How many rows of the screen lie above the cursor's, of the line and the
 * prompt. */
static int editor_rows_above(void)
{
    const LineInfo *info = el_line(editor.line);
    int columns = 0;

    if (el_get(editor.line, EL_GETTC, "co", &columns, NULL) != 0 ||
        columns <= 0)
        return 0;
    int at = (int)strlen(editor_prompt(NULL));
    mbstate_t state = { 0 };
    for (const char *p = info->buffer; p < info->cursor;) {
        wchar_t c;
        size_t n = mbrtowc(&c, p, (size_t)(info->cursor - p), &state);
        int width = n - 1 < 16 ? wcwidth(c) : 1;

        p += n - 1 < 16 ? n : 1;
        at += width > 0 ? width : 0;
    }
    return at / columns;
}

/* Take the line off the screen, show what others have to say, and put it back. */
static void editor_show(void)
{
    int rows = editor_rows_above();

    if (rows > 0)
        dprintf(STDOUT_FILENO, "\033[%dA", rows);
    dprintf(STDOUT_FILENO, "\r\033[J");
    screen_show();
    el_set(editor.line, EL_REFRESH);
}

/* Every key is to be had as it is typed, unless that is over. */
static void editor_set_terminal(void)
{
    ws_mutex_lock(&editor.lock);
    if (!editor.over)
        el_set(editor.line, EL_PREP_TERM, 1);
    ws_mutex_unlock(&editor.lock);
}

/* After SIGWINCH; and after SIGCONT, when a shell has set the terminal its own
 * way meanwhile. */
static void editor_resume(void)
{
    el_resize(editor.line);
    el_set(editor.line, EL_PREP_TERM, 0);
    editor_set_terminal();
    el_set(editor.line, EL_REFRESH);
}

/* Returns whether there is something to read. */
static bool editor_wait(void)
{
    for (;;) {
        int r =
            ws_wait_any(STDIN_FILENO, POLLIN, 0, screen_wanted(), editor.stop);
        if (ws_event_is_set(editor.stop) || r < 0)
            return false;
        if (r > 0)
            return true;
        ws_event_clear(screen_wanted());
        if (screen_has_something())
            editor_show();
        else
            editor_resume();
    }
}

/* Ctrl-D that was typed before the line was edited: the terminal has made an end
 * of the input of it, and a NUL of that. */
static char editor_typed(char byte)
{
    return byte == '\0' ? 'D' - '@' : byte;
}

/* Returns 1, or 0 at the end. */
static int editor_character(EditLine *line, wchar_t *c)
{
    mbstate_t state = { 0 };
    char byte;

    (void)line;
    for (;;) {
        if (!editor_wait() || read(STDIN_FILENO, &byte, 1) != 1)
            return 0;
        byte = editor_typed(byte);
        size_t n = mbrtowc(c, &byte, 1, &state);
        if (n == (size_t)-1) { /* as if it had not been typed */
            memset(&state, 0, sizeof(state));
            continue;
        }
        if (n != (size_t)-2)
            return 1;
    }
}

/* Without a locale that is made for it, text is UTF-8 all the same. */
static void editor_set_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

void editor_begin(const char *program)
{
    HistEvent event;

    editor_set_locale();
    ws_mutex_lock(&editor.lock);
    editor.begun = tcgetattr(STDIN_FILENO, &editor.before) == 0;
    ws_mutex_unlock(&editor.lock);
    editor.line = el_init(program, stdin, stdout, stderr);
    editor.history = history_init();
    if (!editor.line || !editor.history)
        return;
    history(editor.history, &event, H_SETSIZE, HISTORY);
    history(editor.history, &event, H_SETUNIQUE, 1);
    el_set(editor.line, EL_SIGNAL, 0);
    el_set(editor.line, EL_EDITOR, "emacs");
    el_set(editor.line, EL_PROMPT, editor_prompt);
    el_set(editor.line, EL_HIST, history, editor.history);
    el_set(editor.line, EL_GETCFN, editor_character);
    el_set(editor.line, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(editor.line, NULL);
    ws_notify(screen_wanted(), SIGWINCH);
    ws_notify(screen_wanted(), SIGCONT);
}

static void editor_remember(const char *line)
{
    HistEvent event;

    if (line[strspn(line, " \t\r\n")] != '\0')
        history(editor.history, &event, H_ENTER, line);
}

char *editor_line(size_t *n, ws_event *stop)
{
    int length = 0;

    if (!editor.line || !editor.history || ws_event_is_set(stop))
        return NULL;
    editor.stop = stop;
    screen_edit(true);
    editor_set_terminal(); /* before there is a prompt */
    const char *line = el_gets(editor.line, &length);
    screen_edit(false);
    if (!line || length <= 0 || ws_event_is_set(stop)) {
        dprintf(STDOUT_FILENO, "\r\033[K");
        return NULL;
    }
    editor_remember(line);
    free(editor.copy);
    editor.copy = memory_copy(line);
    *n = strlen(editor.copy);
    if (*n > 0 && editor.copy[*n - 1] == '\n')
        editor.copy[--*n] = '\0';
    return editor.copy;
}

void editor_end(void)
{
    ws_mutex_lock(&editor.lock);
    editor.over = true;
    if (editor.begun)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &editor.before);
    ws_mutex_unlock(&editor.lock);
}
