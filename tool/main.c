/* SPDX-License-Identifier: MIT */
/* ws: a WebSocket at the command line.  See ws(1). */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "broadcast.h"
#include "connect.h"
#include "echo.h"
#include "listen.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "proxy.h"

/* What is no option. */
struct mode_args {
    int n;
    const char *usage;
    const char *few; /* to say when there are fewer, */
    const char *many;
};

struct mode_row {
    const char *name;
    enum mode mode;
    enum status (*run)(const struct settings *s);
    const struct mode_args *args;
    const char *does;
};

static const struct mode_args url = { 1, "URL", "which URL?",
                                      "one URL is enough" };
static const struct mode_args where = {
    1, "[HOST:]PORT|unix:PATH|fd:N",
    "where to listen? [HOST:]PORT, unix:PATH or fd:N",
    "one address is enough: [HOST:]PORT, unix:PATH or fd:N"
};
static const struct mode_args ends = {
    2, "LISTEN TARGET", "which two ends? LISTEN and TARGET",
    "two ends are enough: LISTEN and TARGET"
};

static const struct mode_row modes[] = {
    { "connect", MODE_CONNECT, connect_run, &url,
      "Talk to a server: lines of standard input are messages, messages are "
      "lines." },
    { "listen", MODE_LISTEN, listen_run, &where,
      "Wait for clients: print what they send, send all of them the lines of "
      "standard input." },
    { "echo", MODE_ECHO, echo_run, &where,
      "Send back what comes; a page at / to try it from." },
    { "broadcast", MODE_BROADCAST, broadcast_run, &where,
      "What one says, all hear who are at the same path; a page at each." },
    { "proxy", MODE_PROXY, proxy_run, &ends,
      "Join clients with a target: HOST:PORT, unix:PATH or a ws URL.  LISTEN "
      "is as for listen, or tcp:[HOST:]PORT for clients that do not speak "
      "WebSocket." },
    { "bench", MODE_BENCH, bench_run, &url,
      "Measure a server: how many messages, and how long each takes." },
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
    printf("usage: %s %s [OPTION...] %s\n\n%s\n\n", program, m->name,
           m->args->usage, m->does);
    options_help(stdout, m->mode);
}

static void help_all(const char *program)
{
    printf("usage: %s [MODE] [OPTION...] ARGUMENT...\n\n", program);
    for (int i = 0; i < MODES; i++)
        printf("%s %s %s%s\n    %s\n", program, modes[i].name,
               modes[i].args->usage, i == 0 ? "    (the default)" : "",
               modes[i].does);
    printf("\n%s MODE --help lists the options of a mode; %s --version.\n",
           program, program);
}

/* Returns whether that was all. */
static bool is_question(const char *program, int argc, char **argv)
{
    if (argc != 2)
        return false;
    if (strcmp(argv[1], "--version") == 0)
        printf("%s %s\n", program, ws_version());
    else if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        help_all(program);
    else
        return false;
    return true;
}

static const char *program_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static enum status run_mode(const struct mode_row *m, struct settings *s)
{
    output_begin(s);
    if (s->nargs != m->args->n) {
        output_note("%s", s->nargs < m->args->n ? m->args->few : m->args->many);
        return STATUS_USAGE;
    }
    log_begin(s, m->mode != MODE_CONNECT);
    enum status status = m->run(s);
    ws_cleanup();
    return status;
}

/* A mode that is misspelled looks like a host. */
static void tell_modes(const struct settings *s, enum status status)
{
    const char *word = s->nargs > 0 ? s->args[0] : "";

    if ((s->nargs > 1 || status == STATUS_NO_CONNECTION) && *word &&
        !strpbrk(word, ".:/"))
        fprintf(stderr,
                "\"%s\" is no mode: it is taken for a host; %s --help "
                "lists the modes\n",
                word, s->program);
}

/* A socket that took the place of a standard output that is closed would get what
 * is printed. */
static void open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    close(fd);
}

int main(int argc, char **argv)
{
    const char *program = program_name(argc > 0 ? argv[0] : "ws");
    const struct mode_row *named = argc > 1 ? mode_find(argv[1]) : NULL;
    const struct mode_row *m = named ? named : &modes[0];
    struct settings s = { .program = program };
    enum status status = STATUS_USAGE;

    open_standard_files();
    if (is_question(program, argc, argv))
        return STATUS_CLOSED;
    if (!options_read(&s, m->mode, argc - (named != NULL),
                      argv + (named != NULL)))
        fprintf(stderr, "%s %s --help lists the options\n", program, m->name);
    else if (s.help)
        help_mode(program, m);
    else
        status = run_mode(m, &s);
    if (!named && !s.help)
        tell_modes(&s, status);
    settings_free(&s);
    return s.help ? (int)STATUS_CLOSED : (int)status;
}
