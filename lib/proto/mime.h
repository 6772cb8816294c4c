/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_MIME_H
#define WS_PROTO_MIME_H

/* The media type of a file, by the suffix of its name, in any case;
 * application/octet-stream for one that says nothing. */
const char *ws__mime_type(const char *name);

#endif
