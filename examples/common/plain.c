/* SPDX-License-Identifier: MIT */

#include "plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The message is lent for as long as it is sent. */
static int marshal(const void *value, ws_type *type, char **data, size_t *len)
{
    const ws_message *m = value;

    if (m->type != WS_TEXT && m->type != WS_BINARY)
        return WS_ERR_CODEC;
    *type = m->type;
    *data = m->data;
    *len = m->len;
    return 0;
}

static void keep(void *data)
{
    (void)data;
}

static int unmarshal(const ws_message *m, void *value)
{
    ws_message *copy = value;
    char *data = malloc(m->len + 1);

    if (!data)
        return -ENOMEM;
    memcpy(data, m->data, m->len + 1);
    *copy = (ws_message){ .type = m->type, .data = data, .len = m->len };
    return 0;
}

const ws_codec plain_codec = { marshal, unmarshal, keep };
