/* SPDX-License-Identifier: MIT */

#include "tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "output.h"

enum {
    QUEUE = 4096,
};

static bool ipv6_is_there(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* Returns a descriptor or a negated errno. */
static int tcp_listen_at(const struct addrinfo *a)
{
    int fd =
        socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, QUEUE) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

/* At the first address where that is possible. */
static int tcp_listen_any(const struct addrinfo *list)
{
    int r = -EADDRNOTAVAIL;

    for (; list && r < 0; list = list->ai_next)
        r = tcp_listen_at(list);
    return r;
}

/* HOST without its brackets: of a port alone this machine, and of none all
 * addresses, for IPv6 has those of IPv4, too. */
static char *tcp_host(const char *where, const char *colon)
{
    int n = (int)(colon - where);

    if (!colon)
        return memory_copy("127.0.0.1");
    if (n == 0)
        return memory_copy(ipv6_is_there() ? "::" : "0.0.0.0");
    if (where[0] == '[' && colon[-1] == ']')
        return memory_printf("%.*s", n - 2, where + 1);
    return memory_printf("%.*s", n, where);
}

int tcp_listen(const char *where)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    const char *colon = strrchr(where, ':');
    char *host = tcp_host(where, colon);
    struct addrinfo *list = NULL;
    int error = getaddrinfo(host, colon ? colon + 1 : where, &hints, &list);
    int fd = error ? -1 : tcp_listen_any(list);

    if (fd < 0)
        output_note("tcp:%s: %s", where,
                    error ? gai_strerror(error) : strerror(-fd));
    if (list)
        freeaddrinfo(list);
    free(host);
    return fd < 0 ? -1 : fd;
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
