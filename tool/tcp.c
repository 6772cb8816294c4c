/* SPDX-License-Identifier: MIT */

#include "tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "output.h"

enum {
    QUEUE = 4096,
};

static int tcp_listen_at(const struct addrinfo *a)
{
    int fd =
        socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd >= 0 &&
        (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, QUEUE) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* HOST without its brackets; of a port alone this machine. */
static char *tcp_host(const char *where, const char *colon)
{
    if (!colon)
        return memory_copy("127.0.0.1");
    if (where[0] == '[' && colon > where && colon[-1] == ']')
        return strndup(where + 1, (size_t)(colon - where - 2));
    return strndup(where, (size_t)(colon - where));
}

int tcp_listen(const char *where)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE };
    const char *colon = strrchr(where, ':');
    const char *port = colon ? colon + 1 : where;
    char *host = tcp_host(where, colon);
    struct addrinfo *list = NULL;
    int r = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
    int fd = r == 0 ? tcp_listen_at(list) : -1;

    if (fd < 0)
        output_note("tcp:%s: %s", where, r ? gai_strerror(r) : strerror(errno));
    if (list)
        freeaddrinfo(list);
    free(host);
    return fd;
}

char *tcp_join(const char *host, const char *port)
{
    return strchr(host, ':') ? memory_printf("[%s]:%s", host, port)
                             : memory_printf("%s:%s", host, port);
}

char *tcp_address(int fd)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof(sa);
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0 ||
        getnameinfo((struct sockaddr *)&sa, n, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return memory_copy("?");
    return tcp_join(host, port);
}

int tcp_accept(int fd)
{
    int on = 1;
    int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (got < 0)
        return -errno;
    setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return got;
}
