/* SPDX-License-Identifier: MIT */

#include <silverback/fiber.h>

#include "io/wait.h"

int ws_wait_any(int fd, int events, int64_t deadline, ws_event *a, ws_event *b)
{
    struct ws__wait_key keys[WS__WAIT_KEYS];
    int n = 0;

    if (a)
        keys[n++] = ws__wait_unset(a);
    if (b)
        keys[n++] = ws__wait_unset(b);
    int r = fd < 0 ? ws__wait_keys(deadline, keys, n)
                   : ws__wait_while(fd, NULL, events, deadline, keys, n);
    return r == WS_ERR_CANCELED ? 0 : r;
}
