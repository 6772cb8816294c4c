/* SPDX-License-Identifier: MIT */

#include "xml.h"

#include <errno.h>
#include <limits.h>

#include <libxml/parser.h>

static int marshal(const void *value, ws_type *type, char **data, size_t *len)
{
    xmlDoc *doc = (xmlDoc *)value; /* libxml2 knows no const, and only reads */
    xmlChar *text = NULL;
    int n = 0;

    *type = WS_TEXT;
    if (doc)
        xmlDocDumpMemoryEnc(doc, &text, &n, "UTF-8");
    if (!text)
        return WS_ERR_CODEC;
    *data = (char *)text;
    *len = (size_t)n;
    return 0;
}

static void release(void *text)
{
    xmlFree(text);
}

/* Called at "<!DOCTYPE", before anything in it is looked at. */
static void refuse_doctype(void *parser, const xmlChar *name,
                           const xmlChar *external, const xmlChar *system)
{
    xmlParserCtxt *p = parser;

    (void)name;
    (void)external;
    (void)system;
    p->wellFormed = 0;
    xmlStopParser(p);
}

static int unmarshal(const ws_message *m, void *value)
{
    const int quiet = XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    xmlParserCtxt *parser = NULL;

    if (m->len <= INT_MAX)
        parser = xmlNewParserCtxt();
    if (!parser)
        return m->len <= INT_MAX ? -ENOMEM : WS_ERR_CODEC;
    parser->sax->internalSubset = refuse_doctype;
    xmlDoc *doc = xmlCtxtReadMemory(parser, m->data, (int)m->len, NULL, NULL,
                                    quiet | XML_PARSE_NONET);
    xmlFreeParserCtxt(parser);
    if (!doc)
        return WS_ERR_CODEC;
    *(xmlDoc **)value = doc;
    return 0;
}

const ws_codec xml_codec = { marshal, unmarshal, release };
