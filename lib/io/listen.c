/* SPDX-License-Identifier: MIT */

#include "io/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "io/place.h"
#include "io/resolve.h"
#include "io/sock.h"

enum { TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC };

static void set_option(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof(value));
}

static int listen_at(int fd, const struct sockaddr *addr, socklen_t len)
{
    if (bind(fd, addr, len) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;

    int r = -errno;
    close(fd);
    return r;
}

static int listen_inet(const struct sockaddr *addr, socklen_t len, bool both)
{
    int fd = socket(addr->sa_family, TYPE, 0);

    if (fd < 0)
        return -errno;
    ws__nodelay(fd);
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (addr->sa_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !both);
    return listen_at(fd, addr, len);
}

/* One socket for both, or for IPv4 where there is no IPv6. */
static int listen_everywhere(uint16_t port)
{
    const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
                                      .sin6_addr = IN6ADDR_ANY_INIT,
                                      .sin6_port = htons(port) };
    const struct sockaddr_in in = { .sin_family = AF_INET,
                                    .sin_port = htons(port) };
    int fd = listen_inet((const struct sockaddr *)&in6, sizeof(in6), true);

    if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
        return fd;
    return listen_inet((const struct sockaddr *)&in, sizeof(in), false);
}

/* "localhost" is 127.0.0.1, as for Go.  Only one address is tried: another one
 * would hide that the port is taken. */
static const struct addrinfo *preferred(const struct addrinfo *list)
{
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        if (a->ai_family == AF_INET)
            return a;
    return list;
}

static int listen_host(const struct ws__place *p, const char *addr,
                       ws_error *err)
{
    const char *host = ws__is_localhost(p->host) ? NULL : p->host;
    int numeric = strchr(p->host, ':') ? AI_NUMERICHOST : 0;
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | numeric | (host ? AI_PASSIVE : 0),
    };
    struct addrinfo *list;
    int failed = getaddrinfo(host, p->port, &hints, &list);

    if (failed)
        return ws__fail(err, WS_ERR_RESOLVE, "listen on %s: %s", addr,
                        gai_strerror(failed));
    const struct addrinfo *a = preferred(list);
    int fd = listen_inet(a->ai_addr, a->ai_addrlen, false);
    freeaddrinfo(list);
    return fd;
}

static int open_listener(const char *addr, struct ws__unix_file *file,
                         ws_error *err)
{
    struct ws__place p;
    int r = ws__place_parse(&p, addr, "listen on", err);

    if (r != 0)
        return r;
    if (p.un.sun_family == AF_UNIX)
        return ws__unix_listen(file, &p.un);
    if (p.host[0] == '\0')
        return listen_everywhere((uint16_t)strtoul(p.port, NULL, 10));
    return listen_host(&p, addr, err);
}

/* What has been explained already stays so: the first error wins. */
int ws__listen(const char *addr, struct ws__unix_file *file, ws_error *err)
{
    struct ws__unix_file standard = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
    int fd = open_listener(addr, file ? file : &standard, err);

    if (fd >= 0)
        return fd;

    const char *why = ws_strerror(fd);
    return ws__fail(err, fd, "listen on %s: %c%s", addr, ws__lower(why[0]),
                    why + 1);
}
