/* SPDX-License-Identifier: MIT */

#include "io/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/line.h"
#include "base/str.h"
#include "fiber/sched.h"
#include "io/wait.h"

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage room;
};

int ws__nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return 0;
}

void ws__nodelay(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

int ws__connect_begin(const struct sockaddr *addr, socklen_t len)
{
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(addr->sa_family, type, 0);

    if (fd < 0)
        return -errno;
    if (connect(fd, addr, len) == 0 || errno == EINPROGRESS || errno == EINTR)
        return fd;

    int err = errno;
    close(fd);
    return -err;
}

int ws__connect_end(int fd)
{
    int err = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &(socklen_t){ sizeof(err) }))
        return -errno;
    ws__nodelay(fd);
    return -err;
}

int ws__connect(const struct sockaddr *addr, socklen_t len, int64_t deadline,
                ws_event *cancel)
{
    int fd = ws__connect_begin(addr, len);

    if (fd < 0)
        return fd;
    int r = ws__wait(fd, POLLOUT, deadline, cancel);
    if (r >= 0)
        r = ws__connect_end(fd);
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

/* An IPv4 peer of a socket for both is known by its IPv4 address. */
static void unmap(union address *a)
{
    if (a->any.sa_family != AF_INET6 ||
        !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        return;

    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = a->in6.sin6_port };
    memcpy(&in.sin_addr, &a->in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
    a->in = in;
}

/* By hand, since each connection's address is made into text. */
static void name_inet4(const union address *a, char out[static WS__ADDR_LEN])
{
    uint8_t bytes[4];

    memcpy(bytes, &a->in.sin_addr, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        out = ws__decimal(out, bytes[i]);
        *out++ = i < 3 ? '.' : ':';
    }
    *ws__decimal(out, ntohs(a->in.sin_port)) = '\0';
}

struct naming {
    const union address *a;
    char *out;
};

static void name_inet6(void *naming)
{
    const struct naming *n = naming;
    char host[WS__ADDR_LEN - 16], port[8];

    if (getnameinfo(&n->a->any, sizeof(n->a->in6), host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(n->out, WS__ADDR_LEN, "[%s]:%s", host, port);
}

/* The path need not end in NUL; Linux's abstract names begin with one. */
static void name_unix(const union address *a, socklen_t len,
                      char out[static WS__ADDR_LEN])
{
    size_t n = len - offsetof(struct sockaddr_un, sun_path);
    const char *path = a->un.sun_path;

    if (len <= offsetof(struct sockaddr_un, sun_path))
        return;
    if (path[0] == '\0')
        snprintf(out, WS__ADDR_LEN, "unix:@%.*s", (int)(n - 1), path + 1);
    else
        snprintf(out, WS__ADDR_LEN, "unix:%.*s", (int)n, path);
}

static void name(union address *a, socklen_t len, char out[static WS__ADDR_LEN])
{
    out[0] = '\0';
    unmap(a);
    if (a->any.sa_family == AF_UNIX)
        name_unix(a, len, out);
    else if (a->any.sa_family == AF_INET)
        name_inet4(a, out);
    else if (a->any.sa_family == AF_INET6)
        ws__on_loop_stack(name_inet6, &(struct naming){ a, out });
}

/* The other end chose its path, and every byte of it. */
static void name_peer(union address *a, socklen_t len,
                      char out[static WS__ADDR_LEN])
{
    char raw[WS__ADDR_LEN];

    name(a, len, out);
    if (a->any.sa_family != AF_UNIX)
        return;
    memcpy(raw, out, sizeof(raw));
    (void)ws__line_escape(out, WS__ADDR_LEN, ws__str(raw));
}

bool ws__is_local(int fd)
{
    int domain = AF_UNSPEC;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain,
                      &(socklen_t){ sizeof(domain) }) == 0 &&
           domain == AF_UNIX;
}

void ws__local_name(int fd, char out[static WS__ADDR_LEN])
{
    union address a = { .any.sa_family = AF_UNSPEC };
    socklen_t len = sizeof(a);

    out[0] = '\0';
    if (getsockname(fd, &a.any, &len) == 0)
        name(&a, len, out);
}

void ws__remote_name(int fd, char out[static WS__ADDR_LEN])
{
    union address a = { .any.sa_family = AF_UNSPEC };
    socklen_t len = sizeof(a);

    out[0] = '\0';
    if (getpeername(fd, &a.any, &len) == 0)
        name_peer(&a, len, out);
}

/* ---- Accepting ---------------------------------------------------------- */

/* Linux also passes on what the network said about the new connection. */
static bool is_about_one(int err)
{
    static const int list[] = {
        ECONNABORTED, EINTR,       EPROTO,       EPERM,
        ENETDOWN,     ENOPROTOOPT, EHOSTDOWN,    ENETUNREACH,
        ETIMEDOUT,    ECONNRESET,  EHOSTUNREACH,
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        if (err == list[i])
            return true;
    return false;
}

int ws__accept(int fd, char remote[static WS__ADDR_LEN])
{
    union address a = { .any.sa_family = AF_UNSPEC };
    socklen_t len;
    int conn;

    do {
        len = sizeof(a);
        a.any.sa_family = AF_UNSPEC;
        conn = accept4(fd, &a.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (conn < 0 && is_about_one(errno));
    if (conn < 0)
        return -errno;
    name_peer(&a, len, remote);
    return conn;
}

int ws__accept_queue(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_sacked)) /* as qemu-user */
        return -1;
    return (int)info.tcpi_unacked; /* is that of a socket that listens */
}
