/* SPDX-License-Identifier: MIT */

#ifndef WS_SERVER_ENDPOINT_H
#define WS_SERVER_ENDPOINT_H

#include <silverback/http.h>

#include "io/sock.h"
#include "io/unix_file.h"

/* A listening socket, and the file that was made for it, if any was. */
struct ws__endpoint {
    int fd; /* -1: none */
    char addr[WS__ADDR_LEN];
    struct ws__unix_file file;
};

/* Listen at addr, as s has it for local sockets.  Returns 0, or a negative code
 * and *err says why. */
int ws__endpoint_open(struct ws__endpoint *e, const char *addr,
                      const ws_server *s, ws_error *err);

/* Take a descriptor that listens already, also when it fails: WS_ERR_INVALID for
 * one that is no listening stream socket. */
int ws__endpoint_take(struct ws__endpoint *e, int fd, ws_error *err);

/* Close it, and remove the file that was made for it. */
void ws__endpoint_close(struct ws__endpoint *e);

#endif
