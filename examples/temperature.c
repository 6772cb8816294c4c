/* SPDX-License-Identifier: MIT */
/* What a command prints, every two seconds, on a page that comes from a folder:
 * http://localhost:12345/
 *
 * usage: temperature [addr [root [command]]] */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"

enum { PERIOD_MS = 2000, OUTPUT_MAX = 16 * 1024 };

/* Clients name whatever Origin they like, as golang.org/x/net has it. */
static const ws_upgrader upgrader = { .check_origin = ws_any_origin };

/* Run a command and wait for it to end: blocks in foreign code. */
static size_t output_of(const char *command, char *output)
{
    FILE *f = popen(command, "re");
    if (!f)
        return 0;
    size_t len = fread(output, 1, OUTPUT_MAX, f);
    pclose(f);
    return len;
}

static int send_output(ws_conn *c, const char *command)
{
    char output[OUTPUT_MAX];
    size_t len = output_of(command, output);

    printf("Sending to client: %.*s\n", (int)len, output);
    return ws_write_message(c, WS_TEXT, output, len);
}

/* The server has upgraded, and closes when this returns. */
static void get_temp(ws_conn *c, void *arg)
{
    ws_message m;

    while (send_output(c, arg) == 0) {
        ws_sleep(PERIOD_MS);
        if (ws_read_message(c, &m) != 0)
            break;
        print_line("Received back from client: %s", m.data);
    }
    printf("%s\n", ws_conn_error(c)->text);
}

static void files(ws_request *r, void *arg)
{
    ws_reply_file(r, arg);
}

int main(int argc, char **argv)
{
    char *root = argc > 2 ? argv[2] : "examples/temperature";
    char *command = argc > 3 ? argv[3] : "sensors 2>/dev/null || date";
    const ws_route routes[] = {
        { .path = "/GetTemp",
          .socket = get_temp,
          .upgrader = &upgrader,
          .arg = command,
          .thread = true }, /* for the command */
        { .path = "/", .handler = files, .arg = root },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : ":12345",
        .routes = routes,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0; /* the log says why */
}
