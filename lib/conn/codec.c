/* SPDX-License-Identifier: MIT */

#include <silverback/codec.h>

#include <stdlib.h>

/* The bytes are the codec's and never come from our allocator, so it is the C
 * library's free that gives them back. */
int ws_send(ws_conn *c, const ws_codec *codec, const void *value)
{
    ws_type type = WS_TEXT;
    char *data = NULL;
    size_t len = 0;

    if (!c || !codec || !codec->marshal)
        return WS_ERR_INVALID;
    int error = codec->marshal(value, &type, &data, &len);
    if (error != 0)
        return error;
    error = ws_write_message(c, type, data, len);
    (codec->release ? codec->release : free)(data);
    return error;
}

int ws_receive(ws_conn *c, const ws_codec *codec, void *value)
{
    ws_message m;

    if (!c || !codec || !codec->unmarshal)
        return WS_ERR_INVALID;
    int error = ws_read_message(c, &m);
    return error == 0 ? codec->unmarshal(&m, value) : error;
}
