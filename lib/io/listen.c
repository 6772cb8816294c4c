/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "io/sock.h"

enum { TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC };

static const char unix_prefix[] = "unix:";

/* "host:port" in its two parts. */
struct place {
    char host[NI_MAXHOST];
    char port[8];
};

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

bool ws__is_localhost(const char *host)
{
    return ws__equal_nocase(host, "localhost");
}

static int listen_host(const struct place *p, const char *addr, ws_error *err)
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

/* Connecting tells whether somebody listens, but refuses any other file in the
 * same way. */
static bool is_stale(const struct sockaddr_un *un)
{
    struct stat st;
    int fd = socket(AF_UNIX, TYPE, 0);

    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return refused && lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int listen_local(const struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, TYPE, 0);

    if (fd < 0)
        return -errno;
    return listen_at(fd, (const struct sockaddr *)un, sizeof(*un));
}

static int listen_unix(const char *path, ws_error *err)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(un.sun_path))
        return ws__fail(err, WS_ERR_INVALID,
                        "listen on unix: expected a path of 1 to %zu bytes, "
                        "got %zu",
                        sizeof(un.sun_path) - 1, n);
    memcpy(un.sun_path, path, n);

    int fd = listen_local(&un);
    if (fd != -EADDRINUSE || !is_stale(&un) || unlink(path) != 0)
        return fd;
    return listen_local(&un);
}

/* An IPv6 address, and nothing else, stands in brackets. */
static bool set_host(struct place *p, const char *host, size_t n)
{
    bool v6 = memchr(host, ':', n) != NULL;
    bool brackets = n >= 2 && host[0] == '[' && host[n - 1] == ']';

    if (v6 != brackets || n >= sizeof(p->host))
        return false;
    size_t skip = brackets ? 1 : 0;
    n -= 2 * skip;
    memcpy(p->host, host + skip, n);
    p->host[n] = '\0';
    return true;
}

static bool split(struct place *p, const char *addr, unsigned long long *port)
{
    const char *colon = strrchr(addr, ':');

    if (!colon || strlen(colon + 1) >= sizeof(p->port) ||
        !ws__str_number(ws__str(colon + 1), UINT16_MAX, port))
        return false;
    memcpy(p->port, colon + 1, strlen(colon + 1) + 1);
    return set_host(p, addr, (size_t)(colon - addr));
}

static int open_listener(const char *addr, ws_error *err)
{
    const size_t prefix = sizeof(unix_prefix) - 1;
    unsigned long long port;
    struct place p;

    if (strncmp(addr, unix_prefix, prefix) == 0)
        return listen_unix(addr + prefix, err);
    if (!split(&p, addr, &port))
        return ws__fail(err, WS_ERR_INVALID,
                        "listen on %s: expected host:port, :port, [::1]:port "
                        "or unix:path",
                        addr);
    if (p.host[0] == '\0')
        return listen_everywhere((uint16_t)port);
    return listen_host(&p, addr, err);
}

/* What has been explained already stays so: the first error wins. */
int ws__listen(const char *addr, ws_error *err)
{
    int fd = open_listener(addr, err);

    if (fd >= 0)
        return fd;

    const char *why = ws_strerror(fd);
    return ws__fail(err, fd, "listen on %s: %c%s", addr, ws__lower(why[0]),
                    why + 1);
}
