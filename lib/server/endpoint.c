/* SPDX-License-Identifier: MIT */

#include "server/endpoint.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "io/listen.h"

int ws__endpoint_open(struct ws__endpoint *e, const char *addr,
                      const ws_server *s, ws_error *err)
{
    int r = ws__unix_file_owner(&e->file, s->unix_owner, err);

    e->file.mode = (mode_t)s->unix_mode;
    e->fd = r == 0 ? ws__listen(addr, &e->file, err) : -1;
    if (e->fd < 0)
        return r != 0 ? r : e->fd;
    ws__local_name(e->fd, e->addr);
    return 0;
}

/* Returns what it is instead of a listening stream socket; NULL: it is one. */
static const char *endpoint_fault(int fd)
{
    int type, listens = 0;
    socklen_t len = sizeof(int);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
        return errno == EBADF ? "one that is not open" : "no socket";
    if (type != SOCK_STREAM)
        return "a socket of another type";
    len = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 ||
        !listens)
        return "a socket that does not listen";
    return NULL;
}

int ws__endpoint_take(struct ws__endpoint *e, int fd, ws_error *err)
{
    const char *fault = endpoint_fault(fd);
    int r = fault ? WS_ERR_INVALID : ws__nonblocking(fd);

    e->fd = -1;
    if (fault)
        ws__fail(err, r,
                 "listen on descriptor %d: expected a listening stream "
                 "socket, got %s",
                 fd, fault);
    else if (r != 0)
        ws__fail(err, r, "listen on descriptor %d: %s", fd, ws_strerror(r));
    if (r != 0) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    ws__nodelay(fd); /* is handed down to what is accepted */
    e->fd = fd;
    ws__local_name(fd, e->addr);
    return 0;
}

void ws__endpoint_close(struct ws__endpoint *e)
{
    if (e->fd < 0)
        return;
    ws__unix_file_remove(&e->file);
    close(e->fd);
    e->fd = -1;
}
