/* SPDX-License-Identifier: MIT */
/* orders_client BITS URL SIZE...: as orders.py says, with windows of that many
 * bits that are kept. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>

enum { PATIENCE_MS = 20000 };

static char data[1 << 20];

static int exchange(ws_conn *c, size_t n)
{
    ws_message m;

    for (size_t i = 0; i < n; i++)
        data[i] = (char)('a' + i * 7 % 26);
    int error = ws_write_message(c, WS_TEXT, data, n);
    if (error == 0)
        error = ws_read_message(c, &m);
    if (error != 0)
        printf("%s\n", ws_conn_error(c)->text);
    else if (m.len == n && memcmp(m.data, data, n) == 0)
        printf("%zu\n", n);
    else
        printf("%zu others\n", m.len);
    return error;
}

int main(int argc, char **argv)
{
    /* Java-WebSocket 1.6.0 now and then leaves a message in its queue until it
     * has something else to send: a pong will do. */
    ws_dialer dialer = { .enable_compression = true, .ping_interval_ms = 3000 };
    ws_error err;

    if (argc < 3)
        return 2;
    dialer.context_takeover_bits = atoi(argv[1]);
    ws_conn *c = ws_dial(&dialer, argv[2], NULL, NULL, &err);
    if (!c) {
        printf("%s\n", err.text);
        return 1;
    }
    ws_set_read_deadline(c, ws_after(PATIENCE_MS));
    int error = 0;
    for (int i = 3; error == 0 && i < argc; i++) {
        size_t n = strtoul(argv[i], NULL, 10);
        error = n <= sizeof(data) ? exchange(c, n) : WS_ERR_INVALID;
    }
    if (error == 0)
        error = ws_finish(c, WS_CLOSE_NORMAL, "", ws_after(PATIENCE_MS));
    ws_close(c);
    return error != 0;
}
