/* SPDX-License-Identifier: MIT */

#include "conn/count.h"

static enum ws_counter counter_of(int code)
{
    static const struct {
        int code;
        enum ws_counter counter;
    } rows[] = {
        { 0, WS_COUNT_CLOSED_NONE },    { 1000, WS_COUNT_CLOSED_1000 },
        { 1001, WS_COUNT_CLOSED_1001 }, { 1002, WS_COUNT_CLOSED_1002 },
        { 1003, WS_COUNT_CLOSED_1003 }, { 1005, WS_COUNT_CLOSED_1005 },
        { 1006, WS_COUNT_CLOSED_1006 }, { 1007, WS_COUNT_CLOSED_1007 },
        { 1008, WS_COUNT_CLOSED_1008 }, { 1009, WS_COUNT_CLOSED_1009 },
        { 1010, WS_COUNT_CLOSED_1010 }, { 1011, WS_COUNT_CLOSED_1011 },
        { 1012, WS_COUNT_CLOSED_1012 }, { 1013, WS_COUNT_CLOSED_1013 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (rows[i].code == code)
            return rows[i].counter;
    if (code >= 3000 && code < 5000)
        return code < 4000 ? WS_COUNT_CLOSED_3XXX : WS_COUNT_CLOSED_4XXX;
    return WS_COUNT_CLOSED_OTHER;
}

void ws__count_sent(const ws_conn *c, uint64_t n, uint64_t bytes,
                    uint64_t compressed)
{
    ws__count_message(c, WS_COUNT_BYTES_OUT, bytes, WS_COUNT_MESSAGES_OUT, n);
    if (compressed > 0)
        ws__count(c, WS_COUNT_COMPRESSED_OUT, compressed);
}

void ws__count_end(const ws_conn *c)
{
    ws__count_once(c, counter_of(ws_close_code(c)));
}
