/* SPDX-License-Identifier: MIT */

#include "io/place.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/str.h"

static const char unix_prefix[] = "unix:";

/* An IPv6 address, and nothing else, stands in brackets. */
static bool set_host(struct ws__place *p, const char *host, size_t n)
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

static bool is_number(const char *s)
{
    return *s != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static bool set_port(struct ws__place *p, const char *port)
{
    unsigned long long n;

    if (strlen(port) >= sizeof(p->port) ||
        !ws__str_number(ws__str(port), UINT16_MAX, &n))
        return false;
    memcpy(p->port, port, strlen(port) + 1);
    return true;
}

bool ws__place_unix(struct sockaddr_un *un, const char *path)
{
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(un->sun_path))
        return false;
    *un = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(un->sun_path, path, n);
    if (path[0] == '@')
        un->sun_path[0] = '\0';
    return path[0] != '@' || n > 1;
}

/* Of an abstract name all bytes count. */
socklen_t ws__place_unix_len(const struct sockaddr_un *un)
{
    size_t n = strlen(un->sun_path + 1);

    if (un->sun_path[0] != '\0')
        return sizeof(*un);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n);
}

static int parse_unix(struct ws__place *p, const char *path, const char *what,
                      ws_error *err)
{
    if (ws__place_unix(&p->un, path))
        return 0;
    return ws__fail(err, WS_ERR_INVALID,
                    "%s unix: expected a path of 1 to %zu bytes, got %zu", what,
                    sizeof(p->un.sun_path) - 1, strlen(path));
}

int ws__place_parse(struct ws__place *p, const char *addr, const char *what,
                    ws_error *err)
{
    const size_t prefix = sizeof(unix_prefix) - 1;
    const char *colon = strrchr(addr, ':');

    p->un.sun_family = AF_UNSPEC;
    if (strncmp(addr, unix_prefix, prefix) == 0)
        return parse_unix(p, addr + prefix, what, err);
    if (!colon || !is_number(colon + 1) ||
        !set_host(p, addr, (size_t)(colon - addr)))
        return ws__fail(err, WS_ERR_INVALID,
                        "%s %s: expected host:port, :port, [::1]:port or "
                        "unix:path",
                        what, addr);
    if (!set_port(p, colon + 1))
        return ws__fail(err, WS_ERR_INVALID,
                        "%s %s: expected a port of 0 to %d", what, addr,
                        UINT16_MAX);
    return 0;
}
