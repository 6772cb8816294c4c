/* SPDX-License-Identifier: MIT */

#ifndef TOOL_JSON_H
#define TOOL_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <silverback.h>

/* An object on a line: json_begin, any number of members, json_end. */
void json_begin(FILE *f, const char *event); /* and the time, since 1970 */
void json_end(FILE *f);

void json_text(FILE *f, const char *name, const char *text);
void json_bytes(FILE *f, const char *name, const char *text, size_t n);
void json_number(FILE *f, const char *name, int64_t value);
void json_decimal(FILE *f, const char *name, double value);

/* Members "type", and "data" of a text, "base64" of a binary message. */
void json_message(FILE *f, const ws_message *m);

/* A string alone: what is no UTF-8 becomes U+FFFD. */
void json_string(FILE *f, const char *text, size_t n);

#endif
