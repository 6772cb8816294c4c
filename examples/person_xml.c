/* SPDX-License-Identifier: MIT */
/* Receive a person as XML: <Person><Name>...</Name><Emails>...</Emails>...
 * </Person>, with Emails for each of them.  What is none is refused with
 * 1007. */

#include <stdio.h>

#include <libxml/parser.h>
#include <silverback.h>

#include "common/print.h"
#include "xml.h"

/* Clients name whatever Origin they like, as golang.org/x/net has it. */
static const ws_upgrader upgrader = { .check_origin = ws_any_origin };

static bool is(const xmlNode *n, const char *name)
{
    return n && n->type == XML_ELEMENT_NODE && !n->ns &&
           xmlStrEqual(n->name, BAD_CAST name);
}

static const char *fault_of(xmlNode *person)
{
    int names = 0;

    if (!is(person, "Person"))
        return "this is no Person";
    for (xmlNode *n = person->children; n; n = n->next) {
        if (n->type == XML_TEXT_NODE && xmlIsBlankNode(n))
            continue;
        if (!is(n, "Name") && !is(n, "Emails"))
            return "a Person has a Name, Emails, and nothing else";
        if (xmlFirstElementChild(n))
            return "a Name or Emails is no text";
        names += is(n, "Name");
    }
    return names == 1 ? NULL : "a Person has one Name";
}

static void show(xmlNode *person)
{
    for (xmlNode *n = xmlFirstElementChild(person); n;
         n = xmlNextElementSibling(n)) {
        xmlChar *text = xmlNodeGetContent(n);
        print_line("%s: %s", is(n, "Name") ? "Name" : "An email", text);
        xmlFree(text);
    }
}

static void refuse(ws_conn *c, const char *why)
{
    printf("Can't receive: %s\n", why);
    ws_write_close(c, WS_CLOSE_BAD_PAYLOAD, why);
}

/* The server has upgraded, and closes when this returns. */
static void receive_person(ws_conn *c, void *arg)
{
    xmlDoc *doc;
    int error = ws_receive(c, &xml_codec, &doc);

    (void)arg;
    if (error == WS_ERR_CODEC) {
        refuse(c, "this is no XML, or has a DOCTYPE");
    } else if (error != 0) {
        printf("Can't receive: %s\n", ws_conn_error(c)->text);
    } else {
        const char *fault = fault_of(xmlDocGetRootElement(doc));
        if (fault)
            refuse(c, fault);
        else
            show(xmlDocGetRootElement(doc));
        xmlFreeDoc(doc);
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

    xmlInitParser(); /* before there are threads */
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    return ws_serve(&server) != 0; /* the log says why */
}
