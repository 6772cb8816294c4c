/* SPDX-License-Identifier: MIT */

#include "json.h"

#include <string.h>

/* jansson recurses, up to 2048 deep, and a handler's stack takes a quarter of
 * that. */
enum { DEPTH_MAX = 256 };

static int marshal(const void *value, ws_type *type, char **data, size_t *len)
{
    *type = WS_TEXT;
    *data = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!*data)
        return WS_ERR_CODEC;
    *len = strlen(*data);
    return 0;
}

/* Right as far as the text is JSON; jansson reads no further. */
static bool is_too_deep(const char *p, const char *end)
{
    bool quoted = false;
    int depth = 0;

    for (; p < end && depth <= DEPTH_MAX; p++)
        if (*p == '"')
            quoted = !quoted;
        else if (quoted)
            p += *p == '\\';
        else if (*p == '[' || *p == '{')
            depth++;
        else if (*p == ']' || *p == '}')
            depth--;
    return depth > DEPTH_MAX;
}

static int unmarshal(const ws_message *m, void *value)
{
    if (is_too_deep(m->data, m->data + m->len))
        return WS_ERR_CODEC;
    json_t *json = json_loadb(m->data, m->len,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!json)
        return WS_ERR_CODEC;
    *(json_t **)value = json;
    return 0;
}

const ws_codec json_codec = { marshal, unmarshal, NULL };
