/* SPDX-License-Identifier: MIT */
/* ws: a WebSocket at the command line.  See ws(1). */

#include <stdio.h>
#include <string.h>

#include "connect.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "version.h"

struct mode_row {
    const char *name;
    enum mode mode;
    enum status (*run)(const struct settings *s);
    const char *args;
    const char *does;
};

static const struct mode_row modes[] = {
    { "connect", MODE_CONNECT, connect_run, "URL",
      "Talk to a server: lines of standard input are messages, messages are "
      "lines." },
};

enum {
    MODES = sizeof(modes) / sizeof(modes[0]),
};

static const struct mode_row *mode_find(const char *name)
{
    for (int i = 0; i < MODES; i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}

static void help_mode(const char *program, const struct mode_row *m)
{
    printf("usage: %s %s [OPTION...] %s\n\n%s\n\n", program, m->name, m->args,
           m->does);
    options_help(stdout, m->mode);
}

static void help_all(const char *program)
{
    printf("usage: %s [MODE] [OPTION...] ARGUMENT...\n\n", program);
    for (int i = 0; i < MODES; i++)
        printf("%s %s %s%s\n    %s\n", program, modes[i].name, modes[i].args,
               i == 0 ? "    (the default)" : "", modes[i].does);
    printf("\n%s MODE --help lists the options of a mode; %s --version.\n",
           program, program);
}

/* Returns whether that was all. */
static bool is_question(const char *program, int argc, char **argv)
{
    const struct mode_row *m = argc > 1 ? mode_find(argv[1]) : NULL;

    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        printf("%s %s\n", program, TOOL_VERSION);
    else if (argc == 2 &&
             (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        help_all(program);
    else if (m && argc == 3 &&
             (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
        help_mode(program, m);
    else
        return false;
    return true;
}

static const char *program_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
    const char *program = program_name(argc > 0 ? argv[0] : "ws");
    const struct mode_row *m = argc > 1 ? mode_find(argv[1]) : NULL;
    struct settings s = { .program = program };

    if (is_question(program, argc, argv))
        return fflush(stdout) == 0 ? STATUS_CLOSED : STATUS_USAGE;
    if (m) {
        argc--;
        argv++;
    } else {
        m = &modes[0];
    }
    if (!options_read(&s, m->mode, argc, argv)) {
        fprintf(stderr, "%s %s --help lists the options\n", program, m->name);
        return STATUS_USAGE;
    }
    output_begin(&s);
    log_begin(&s);
    enum status status = m->run(&s);
    settings_free(&s);
    ws_cleanup();
    return (int)status;
}
