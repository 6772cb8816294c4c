/* SPDX-License-Identifier: MIT */
/* Send a person as XML. */

#include <errno.h>
#include <stdio.h>

#include <libxml/parser.h>
#include <silverback.h>

#include "common/print.h"
#include "xml.h"

static const ws_header headers[] = { { "Origin", "http://localhost" }, { 0 } };

static xmlDoc *person_of(int argc, char **argv)
{
    static const char *const standard[] = { "Jan", "ja@newmarch.name",
                                            "jan.newmarch@gmail.com" };
    const char *const *words = argc > 0 ? (const char *const *)argv : standard;
    int n = argc > 0 ? argc : 3;
    xmlDoc *doc = xmlNewDoc(BAD_CAST "1.0");
    xmlNode *person = xmlNewDocNode(doc, NULL, BAD_CAST "Person", NULL);

    xmlDocSetRootElement(doc, person);
    for (int i = 0; i < n; i++)
        xmlNewTextChild(person, NULL, BAD_CAST(i > 0 ? "Emails" : "Name"),
                        BAD_CAST words[i]);
    return doc;
}

/* One that has not read our goodbye resets the connection. */
static int hung_up(int error)
{
    return error == WS_ERR_EOF || error == -ECONNRESET || error == -EPIPE;
}

/* It is there when the server has said goodbye, or has hung up. */
static int send_person(ws_conn *c, xmlDoc *person)
{
    int error = ws_send(c, &xml_codec, person);

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
    xmlInitParser(); /* before there are threads */
    ws_conn *c = ws_dial(NULL, argv[1], headers, NULL, &err);
    if (!c) {
        fprintf(stderr, "Fatal error: %s\n", err.text);
        return 1;
    }
    xmlDoc *person = person_of(argc - 2, argv + 2);
    int failed = send_person(c, person);
    xmlFreeDoc(person);
    ws_close(c);
    return failed;
}
