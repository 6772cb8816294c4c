/* SPDX-License-Identifier: MIT */

#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "units.h"

enum {
    LONG_ONLY = 256, /* what getopt returns for an option without a letter */
    MAX_OPTIONS = 64,
    HELP_COLUMN = 28,
};

/* The word for what is wrong with a value, or NULL. */
typedef const char *(*option_fn)(const char *value, struct settings *s,
                                 void *field);

struct option_row {
    int modes;
    char letter;
    const char *name;
    const char *arg; /* NULL: takes none; in brackets: need not be there */
    option_fn set;
    size_t field;
    const char *help;
};

/* ---- What options set --------------------------------------------------- */

static const char *set_flag(const char *value, struct settings *s, void *field)
{
    (void)value, (void)s;
    *(bool *)field = true;
    return NULL;
}

static const char *set_more(const char *value, struct settings *s, void *field)
{
    (void)value, (void)s;
    ++*(int *)field;
    return NULL;
}

static const char *set_text(const char *value, struct settings *s, void *field)
{
    (void)s;
    *(const char **)field = value;
    return NULL;
}

static const char *set_list(const char *value, struct settings *s, void *field)
{
    (void)s;
    list_add(field, value);
    return NULL;
}

static const char *set_file(const char *value, struct settings *s, void *field)
{
    (void)s;
    *(const char **)field = value;
    return access(value, R_OK) == 0 ? NULL : "cannot be read";
}

static const char *set_folder(const char *value, struct settings *s,
                              void *field)
{
    struct stat st;

    (void)s;
    *(const char **)field = value;
    return stat(value, &st) == 0 && S_ISDIR(st.st_mode) ? NULL : "is no folder";
}

static const char *set_ms(const char *value, struct settings *s, void *field)
{
    (void)s;
    return units_ms(value, field) ? NULL : "is no time: 5, 20s, 300ms, 2m";
}

static const char *set_bytes(const char *value, struct settings *s, void *field)
{
    (void)s;
    return units_bytes(value, field) ? NULL : "is no size: 100, 64K, 16M";
}

static const char *set_count(const char *value, struct settings *s, void *field)
{
    (void)s;
    return units_count(value, field) ? NULL : "is no number from 1 on";
}

static const char *set_rate(const char *value, struct settings *s, void *field)
{
    size_t n = strlen(value);
    char *number = memory_copy(value);

    (void)s;
    if (n > 2 && strcmp(number + n - 2, "/s") == 0)
        number[n - 2] = '\0';
    bool good = units_count(number, field);
    free(number);
    return good ? NULL : "is no rate: 500, 20k/s";
}

static const char *set_echo(const char *value, struct settings *s, void *field)
{
    (void)value, (void)field;
    s->fanout = false;
    return NULL;
}

static const char *give_text(const char *value, struct settings *s, void *field)
{
    (void)field;
    settings_give(s, false, value);
    return NULL;
}

static const char *give_file(const char *value, struct settings *s, void *field)
{
    (void)field;
    settings_give(s, true, value);
    return NULL;
}

static const char *set_header(const char *value, struct settings *s,
                              void *field)
{
    const char *colon = strchr(value, ':');

    return colon && colon != value ? set_list(value, s, field)
                                   : "is no header: expected 'Name: value'";
}

static const char *set_cookie(const char *value, struct settings *s,
                              void *field)
{
    const char *equals = strchr(value, '=');

    return equals && equals != value ? set_list(value, s, field)
                                     : "is no cookie: expected NAME=VALUE";
}

static const char *set_user(const char *value, struct settings *s, void *field)
{
    return strchr(value, ':') ? set_text(value, s, field)
                              : "is not user:password";
}

static const char *set_compress(const char *value, struct settings *s,
                                void *field)
{
    s->compress = true;
    s->no_compress = false;
    *(int *)field = 0;
    if (!value)
        return NULL;
    return units_takeover(value + (value[0] == '='), field)
               ? NULL
               : "is not takeover or takeover,BITS, which are 9 to 15";
}

static const char *set_reconnect(const char *value, struct settings *s,
                                 void *field)
{
    s->reconnect = true;
    return value ? set_count(value, s, field) : NULL;
}

static const char *set_close(const char *value, struct settings *s, void *field)
{
    const char *rest = units_close_code(value, field);

    if (!rest || (*rest != ':' && *rest != '\0'))
        return "is no close code that may be sent: 1000[:reason]";
    s->close_reason = *rest ? rest + 1 : NULL;
    return NULL;
}

/* ---- The options -------------------------------------------------------- */

#define FIELD(name) offsetof(struct settings, name)

enum {
    TALKS = MODE_CONNECT | MODE_LISTEN,
    SERVES = MODE_LISTEN | MODE_ECHO | MODE_BROADCAST | MODE_PROXY,
    DIALS = MODE_CONNECT | MODE_PROXY | MODE_BENCH,
    CARRIES = SERVES | MODE_CONNECT,
    ANY = SERVES | DIALS,
    SHOWS = SERVES & ~MODE_PROXY,
};

/* clang-format off */
static const struct option_row rows[] = {
    { MODE_CONNECT, 'm', "message", "TEXT", give_text, 0,
      "send this, instead of standard input; may be repeated" },
    { MODE_CONNECT, 'f', "file", "FILE", give_file, 0,
      "send what is in a file, as one message; may be repeated" },
    { TALKS, 'n', "count", "COUNT", set_count, FIELD(count),
      "end when so many messages have come" },
    { TALKS, '1', "one", NULL, set_flag, FIELD(one),
      "end when one message has come" },
    { TALKS | MODE_BENCH, 'b', "binary", NULL, set_flag, FIELD(binary),
      "send binary messages; standard input as it comes" },
    { TALKS, '0', "null", NULL, set_flag, FIELD(nul),
      "messages end with NUL, instead of a newline, in and out" },
    { TALKS, 0, "whole", NULL, set_flag, FIELD(whole),
      "all of standard input is one message" },
    { TALKS, 0, "hex", NULL, set_flag, FIELD(hex),
      "binary messages as hexadecimal, a line each; with -b what is sent, too" },
    { TALKS, 0, "base64", NULL, set_flag, FIELD(base64),
      "the same in base64" },
    { TALKS, 'E', "keep-reading", NULL, set_flag, FIELD(keep_reading),
      "do not close at the end of standard input" },
    { MODE_LISTEN, 0, "exec", "COMMAND", set_text, FIELD(exec),
      "run this for each connection, by sh: messages are lines of its input, "
      "lines of its output are messages" },
    { SHOWS, 0, "static", "FOLDER", set_folder, FIELD(files),
      "serve these files to who asks for no WebSocket" },
    { MODE_BROADCAST, 0, "redis", "URL", set_text, FIELD(redis),
      "share the rooms with others at this Redis" },
    { SERVES, 0, "max-clients", "COUNT", set_count, FIELD(max_clients),
      "refuse more at a time, by 503 (as many as there are descriptors for)" },
    { TALKS | MODE_PROXY | MODE_BENCH, 0, "json", NULL, set_flag, FIELD(json),
      "print what happens as JSON, an object on each line" },
    { CARRIES, 'v', "verbose", NULL, set_more, FIELD(verbose),
      "show the handshake; -vv: every frame, too" },
    { CARRIES, 0, "max-message", "SIZE", set_bytes, FIELD(max_message),
      "the most that one message may hold (16M)" },

    { MODE_BENCH, 'c', "connections", "COUNT", set_count, FIELD(connections),
      "so many connections (50)" },
    { MODE_BENCH, 'r', "rate", "COUNT[/s]", set_rate, FIELD(rate),
      "messages a second, of all connections (as fast as answers come)" },
    { MODE_BENCH, 's', "size", "SIZE", set_bytes, FIELD(size),
      "bytes of a message (32)" },
    { MODE_BENCH, 'd', "duration", "TIME", set_ms, FIELD(duration_ms),
      "how long to measure (10s)" },
    { MODE_BENCH, 0, "warmup", "TIME", set_ms, FIELD(warmup_ms),
      "how long to send before that (1s)" },
    { MODE_BENCH, 'p', "pipeline", "COUNT", set_count, FIELD(pipeline),
      "messages under way on each connection, without a rate (1)" },
    { MODE_BENCH, 0, "echo", NULL, set_echo, 0,
      "the server answers each message with one (the default)" },
    { MODE_BENCH, 0, "fanout", NULL, set_flag, FIELD(fanout),
      "one connection sends, and what all of them receive counts" },
    { MODE_BENCH, 0, "threads", "COUNT", set_count, FIELD(threads),
      "threads of ours (one for each processor)" },
    { MODE_BENCH, 0, "pid", "PID", set_count, FIELD(pid),
      "of the server: what it takes of CPU and memory" },
    { MODE_BENCH, 0, "csv", NULL, set_flag, FIELD(csv),
      "print figures as CSV" },
    { MODE_BENCH, 0, "subprotocol", "NAME", set_list, FIELD(subprotocols),
      "ask for this subprotocol; may be repeated" },

    { DIALS, 'H', "header", "'NAME: VALUE'", set_header, FIELD(headers),
      "a field of the request; may be repeated" },
    { MODE_CONNECT | MODE_BENCH, 'o', "origin", "ORIGIN", set_text, FIELD(origin),
      "its Origin" },
    { SERVES, 'o', "origin", "ORIGIN", set_list, FIELD(origins),
      "accept pages of this origin, too: https://host, '*' for any; may be "
      "repeated" },
    { CARRIES, 's', "subprotocol", "NAME", set_list, FIELD(subprotocols),
      "ask for this subprotocol, or know it; may be repeated" },
    { DIALS, 'u', "user", "USER:PASSWORD", set_user, FIELD(user),
      "Basic authentication" },
    { DIALS, 0, "cookie", "NAME=VALUE", set_cookie, FIELD(cookies),
      "a cookie; may be repeated" },

    { DIALS, 0, "unix", "PATH", set_text, FIELD(unix_path),
      "connect to a local socket, whatever host the URL has" },
    { DIALS, 'x', "proxy", "URL", set_text, FIELD(proxy),
      "http, https or socks5; '': none (the environment's)" },
    { DIALS, 0, "resolve", "HOST:PORT:ADDRESS", set_list, FIELD(resolve),
      "connect there for that host and port; may be repeated" },
    { DIALS, '4', "ipv4", NULL, set_flag, FIELD(ipv4),
      "by IPv4 only" },
    { DIALS, '6', "ipv6", NULL, set_flag, FIELD(ipv6),
      "by IPv6 only" },

    { DIALS, 'k', "insecure", NULL, set_flag, FIELD(insecure),
      "do not verify who the server is" },
    { DIALS, 0, "cacert", "FILE", set_file, FIELD(ca),
      "trust these certificates, instead of the system's" },
    { SHOWS, 0, "cacert", "FILE", set_file, FIELD(ca),
      "clients need a certificate that one of these vouches for" },
    { ANY, 0, "cert", "FILE", set_file, FIELD(cert),
      "our certificate" },
    { ANY, 0, "key", "FILE", set_file, FIELD(key),
      "its key, unless that is in the same file" },
    { DIALS, 0, "pinned-key", "sha256//HASH", set_text, FIELD(pinned_key),
      "the server has to have this public key" },
    { DIALS, 0, "server-name", "NAME", set_text, FIELD(server_name),
      "the name that is asked for, and verified, instead of the URL's" },

    { ANY, 'z', "compress", "[takeover[,BITS]]", set_compress,
      FIELD(takeover_bits),
      "offer permessage-deflate, or accept it; with takeover between messages" },
    { ANY, 0, "no-compress", NULL, set_flag, FIELD(no_compress),
      "do not, in spite of a -z before" },
    { MODE_CONNECT, 0, "ping", "TIME", set_ms, FIELD(ping_ms),
      "ping after so long a silence; no answer to it ends with 6 (25s, and no "
      "answer ends nothing)" },
    { SERVES, 0, "ping", "TIME", set_ms, FIELD(ping_ms),
      "ping after so long a silence; who does not answer is cut with 1011 "
      "(25s)" },
    { MODE_CONNECT, 0, "rtt", "TIME", set_ms, FIELD(rtt_ms),
      "ping so often, and say how long each answer took" },
    { DIALS, 0, "timeout", "TIME", set_ms, FIELD(timeout_ms),
      "end with 6 when connecting, the next message, or the answer to a close "
      "takes longer (45s, for ever, 10s)" },
    { MODE_CONNECT, 0, "reconnect", "[MAX]", set_reconnect,
      FIELD(reconnect_max),
      "connect again when it was lost, until MAX attempts in a row have failed" },
    { CARRIES, 0, "close", "CODE[:REASON]", set_close, FIELD(close_code),
      "what to close with (1000)" },
    { ANY, 'h', "help", NULL, set_flag, FIELD(help),
      "this" },
};
/* clang-format on */

enum {
    ROWS = sizeof(rows) / sizeof(rows[0]),
};
_Static_assert((int)ROWS < (int)MAX_OPTIONS,
               "more rows than options_read has room for");

/* ---- Reading ------------------------------------------------------------ */

/* What getopt wants of the mode's options. */
struct option_tables {
    char letters[2 + 3 * MAX_OPTIONS];
    struct option names[MAX_OPTIONS + 1];
};

static int argument_of(const struct option_row *row)
{
    if (!row->arg)
        return no_argument;
    return row->arg[0] == '[' ? optional_argument : required_argument;
}

static void make_tables(struct option_tables *t, enum mode mode)
{
    char *letter = t->letters;
    struct option *name = t->names;

    *letter++ = ':';
    for (int i = 0; i < ROWS; i++) {
        int argument = argument_of(&rows[i]);

        if (!(rows[i].modes & (int)mode))
            continue;
        if (rows[i].letter) {
            *letter++ = rows[i].letter;
            for (int n = 0; n < argument; n++)
                *letter++ = ':';
        }
        *name++ =
            (struct option){ rows[i].name, argument, NULL,
                             rows[i].letter ? rows[i].letter : LONG_ONLY + i };
    }
    *letter = '\0';
    *name = (struct option){ 0 };
}

static const struct option_row *row_of(int option, enum mode mode)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].modes & (int)mode &&
            option == (rows[i].letter ? rows[i].letter : LONG_ONLY + i))
            return &rows[i];
    return NULL;
}

static bool set_option(struct settings *s, const struct option_row *row)
{
    const char *wrong = row->set(optarg, s, (char *)s + row->field);

    if (wrong)
        fprintf(stderr, "%s: --%s: \"%s\" %s\n", s->program, row->name, optarg,
                wrong);
    return !wrong;
}

static bool refuse_option(const struct settings *s, enum mode mode, int option,
                          char **argv)
{
    const struct option_row *row = optopt ? row_of(optopt, mode) : NULL;

    if (option == ':')
        fprintf(stderr, "%s: --%s wants an argument: %s\n", s->program,
                row ? row->name : "?", row ? row->arg : "?");
    else if (optopt && !row)
        fprintf(stderr, "%s: there is no option -%c\n", s->program, optopt);
    else if (row)
        fprintf(stderr, "%s: --%s takes no argument\n", s->program, row->name);
    else
        fprintf(stderr, "%s: there is no option %s\n", s->program,
                argv[optind - 1]);
    return false;
}

bool options_read(struct settings *s, enum mode mode, int argc, char **argv)
{
    struct option_tables t;
    int option;

    make_tables(&t, mode);
    opterr = 0;
    while ((option = getopt_long(argc, argv, t.letters, t.names, NULL)) != -1) {
        const struct option_row *row = row_of(option, mode);

        if (!row)
            return refuse_option(s, mode, option, argv);
        if (!set_option(s, row))
            return false;
    }
    s->args = argv + optind;
    s->nargs = argc - optind;
    return true;
}

/* ---- Help --------------------------------------------------------------- */

static void help_row(FILE *f, const struct option_row *row)
{
    const char *bracket = row->arg && row->arg[0] == '[' ? "[=" : "";
    const char *arg = row->arg ? row->arg + (bracket[0] != '\0') : "";
    int n =
        row->letter ? fprintf(f, "  -%c, ", row->letter) : fprintf(f, "      ");

    n += fprintf(f, "--%s%s%s%s", row->name, row->arg && !bracket[0] ? " " : "",
                 bracket, arg);
    if (n >= HELP_COLUMN) {
        putc('\n', f);
        n = 0;
    }
    fprintf(f, "%*s%s\n", HELP_COLUMN - n, "", row->help);
}

void options_help(FILE *f, enum mode mode)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].modes & (int)mode)
            help_row(f, &rows[i]);
}
