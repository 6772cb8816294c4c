/* SPDX-License-Identifier: MIT */

#ifndef COMMON_XML_H
#define COMMON_XML_H

#include <libxml/tree.h>
#include <silverback/codec.h>

/*
 * XML by libxml2.  A value is an xmlDoc: ws_send(c, &xml_codec, doc) sends it as
 * text, and ws_receive(c, &xml_codec, &doc) gives one, for xmlFreeDoc.  A
 * message, text or binary, that is not well-formed, or that has a DOCTYPE, which
 * could name files and multiply itself, is refused with WS_ERR_CODEC.
 *
 * libxml2 wants xmlInitParser() called before there are threads.
 */
extern const ws_codec xml_codec;

#endif
