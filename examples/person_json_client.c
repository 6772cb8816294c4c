/* SPDX-License-Identifier: MIT */
/* Send a person as JSON. */

#include <errno.h>
#include <stdio.h>

#include <silverback.h>

#include "common/print.h"
#include "json.h"

static const ws_header headers[] = { { "Origin", "http://localhost" }, { 0 } };

static json_t *person_of(int argc, char **argv)
{
    static const char *const standard[] = { "Jan", "ja@newmarch.name",
                                            "jan.newmarch@gmail.com" };
    const char *const *words = argc > 0 ? (const char *const *)argv : standard;
    int n = argc > 0 ? argc : 3;
    json_t *emails = json_array();

    for (int i = 1; i < n; i++)
        json_array_append_new(emails, json_string(words[i]));
    return json_pack("{s:s, s:o}", "Name", words[0], "Emails", emails);
}

/* One that has not read our goodbye resets the connection. */
static int hung_up(int error)
{
    return error == WS_ERR_EOF || error == -ECONNRESET || error == -EPIPE;
}

/* It is there when the server has said goodbye, or has hung up. */
static int send_person(ws_conn *c, json_t *person)
{
    int error = ws_send(c, &json_codec, person);

    if (error != 0) {
        printf("Couldn't send msg: %s\n", ws_strerror(error));
        return 1;
    }
    error = ws_finish(c, WS_CLOSE_NORMAL, NULL, ws_after(5000));
    if (ws_closed_with(c, WS_CLOSE_BAD_PAYLOAD))
        print_line("The server refused it: %s", ws_close_reason(c));
    else if (error == 0 || hung_up(error))
        return 0;
    else
        printf("Couldn't say goodbye: %s\n", ws_strerror(error));
    return 1;
}

int main(int argc, char **argv)
{
    ws_error err;

    if (argc < 2) {
        fprintf(stderr, "usage: %s ws://host:port [name [email...]]\n",
                argv[0]);
        return 1;
    }
    ws_conn *c = ws_dial(NULL, argv[1], headers, NULL, &err);
    if (!c) {
        fprintf(stderr, "Fatal error: %s\n", err.text);
        return 1;
    }
    json_t *person = person_of(argc - 2, argv + 2);
    int failed = send_person(c, person);
    json_decref(person);
    ws_close(c);
    return failed;
}
