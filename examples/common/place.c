/* SPDX-License-Identifier: MIT */

#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ws_prepared *place_frame(const ws_publication *p, void *verb)
{
    char head[128];
    int n = snprintf(head, sizeof(head), "%s %" PRIx64 "-%" PRIu64 " ",
                     (const char *)verb, p->place.epoch, p->place.offset);
    char *text = malloc((size_t)n + p->len);

    if (!text)
        return NULL;
    memcpy(text, head, (size_t)n);
    if (p->len > 0)
        memcpy(text + n, p->data, p->len);
    ws_prepared *framed = ws_prepare(p->type, text, (size_t)n + p->len);
    free(text);
    return framed;
}

int place_tell(ws_conn *c, const char *verb, const ws_place *place)
{
    const ws_publication nothing = { .type = WS_TEXT, .place = *place };
    ws_prepared *p = place_frame(&nothing, (char *)verb);
    int error = p ? ws_enqueue(c, p) : -ENOMEM;

    ws_prepared_free(p);
    return error;
}

ws_place place_parse(const char *text)
{
    ws_place place = { 0 };

    if (!text ||
        sscanf(text, "%" SCNx64 "-%" SCNu64, &place.epoch, &place.offset) != 2)
        return (ws_place){ 0 };
    return place;
}
