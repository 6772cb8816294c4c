/* SPDX-License-Identifier: MIT */
/* Receive a person as JSON: {"Name": "...", "Emails": ["...", ...]}.  What is
 * none is refused with 1007. */

#include <stdio.h>

#include <silverback.h>

#include "common/print.h"
#include "json.h"

/* Clients name whatever Origin they like, as golang.org/x/net has it. */
static const ws_upgrader upgrader = { .check_origin = ws_any_origin };

static const char *fault_of(json_t *person, const char **name, json_t **emails)
{
    json_error_t error;
    size_t i;
    json_t *email;

    if (json_unpack_ex(person, &error, 0, "{s:s, s:o !}", "Name", name,
                       "Emails", emails) != 0)
        return "a person has a Name, Emails, and nothing else";
    if (!json_is_array(*emails))
        return "Emails is no list";
    json_array_foreach(
        *emails, i,
        email) if (!json_is_string(email)) return "an email is no string";
    return NULL;
}

static void refuse(ws_conn *c, const char *why)
{
    printf("Can't receive: %s\n", why);
    ws_write_close(c, WS_CLOSE_BAD_PAYLOAD, why);
}

static void show(const char *name, json_t *emails)
{
    size_t i;
    json_t *email;

    print_line("Name: %s", name);
    json_array_foreach(emails, i, email)
        print_line("An email: %s", json_string_value(email));
}

/* The server has upgraded, and closes when this returns. */
static void receive_person(ws_conn *c, void *arg)
{
    json_t *person, *emails;
    const char *name;
    int error = ws_receive(c, &json_codec, &person);

    (void)arg;
    if (error == WS_ERR_CODEC) {
        refuse(c, "this is no JSON");
    } else if (error != 0) {
        printf("Can't receive: %s\n", ws_conn_error(c)->text);
    } else {
        const char *fault = fault_of(person, &name, &emails);
        if (fault)
            refuse(c, fault);
        else
            show(name, emails);
        json_decref(person);
    }
}

int main(int argc, char **argv)
{
    static const ws_route routes[] = {
        { .path = "/", .socket = receive_person, .upgrader = &upgrader },
        { 0 },
    };
    const ws_server server = {
        .addr = argc > 1 ? argv[1] : ":12345",
        .routes = routes,
    };

    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0; /* the log says why */
}
