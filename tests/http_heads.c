/* SPDX-License-Identifier: MIT */

/*
 * What the parser makes of heads of requests, for http_differential: each comes
 * with its length in 4 bytes, the lowest first, and what goes is likewise: 0 for
 * one that is refused or not all there, or the number of its parts, method, target,
 * and name and value of each field, each with its length.  How the body is framed
 * belongs to it.
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "proto/http_body.h"
#include "proto/http_parse.h"

enum { HEAD_MAX = 64 * 1024 };

static size_t read_size(void)
{
    uint8_t b[4];

    if (fread(b, 1, sizeof(b), stdin) < sizeof(b))
        exit(0);
    return b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
}

static void write_size(size_t n)
{
    for (int i = 0; i < 4; i++)
        putchar((int)(n >> 8 * i & 0xff));
}

static void write_part(const char *s)
{
    write_size(strlen(s));
    fputs(s, stdout);
}

static void answer(char *p, size_t n)
{
    static struct ws__http_head h;
    ws_header fields[WS__FIELDS_MAX + 1];
    struct ws__body body;

    ws__http_init(&h, false, HEAD_MAX);
    if (ws__http_parse(&h, p, n) <= 0) {
        write_size(0);
        return;
    }
    ws__http_strings(&h, p, fields);
    if (ws__body_init(&body, fields, h.minor) != 0) {
        write_size(0);
        return;
    }
    write_size(2 + 2 * (size_t)h.nfields);
    write_part(p + h.method.at);
    write_part(p + h.target.at);
    for (const ws_header *f = fields; f->name; f++) {
        write_part(f->name);
        write_part(f->value);
    }
}

int main(void)
{
    static char head[HEAD_MAX];

    for (;;) {
        size_t n = read_size();

        CHECK(n <= sizeof(head) && fread(head, 1, n, stdin) == n);
        answer(head, n);
    }
}
