/* SPDX-License-Identifier: MIT */

#include "route.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <silverback.h>

#include "client.h"
#include "memory.h"
#include "output.h"
#include "tcp.h"

enum {
    NUMERIC = NI_NUMERICHOST | NI_NUMERICSERV,
};

/* ---- --resolve ---------------------------------------------------------- */

/* HOST:PORT:ADDRESS.  Returns the address if it is for this host and port. */
static const char *route_match(const char *entry, const char *host,
                               const char *port)
{
    size_t h = strlen(host), p = strlen(port);

    if (strncasecmp(entry, host, h) != 0 || entry[h] != ':')
        return NULL;
    entry += h + 1;
    return strncmp(entry, port, p) == 0 && entry[p] == ':' ? entry + p + 1
                                                           : NULL;
}

static const char *route_resolve(const struct settings *s, const char *host,
                                 const char *port)
{
    const char *address = NULL;

    for (size_t i = 0; i < s->resolve.n && !address; i++)
        address = route_match(s->resolve.items[i], host, port);
    return address ? address : host;
}

bool route_is_sound(const struct settings *s)
{
    for (size_t i = 0; i < s->resolve.n; i++) {
        const char *entry = s->resolve.items[i];
        const char *port = strchr(entry, ':');

        if (!port || port == entry || !strchr(port + 1, ':')) {
            output_note("--resolve: \"%s\" is not HOST:PORT:ADDRESS", entry);
            return false;
        }
    }
    return true;
}

bool route_is_usual(const struct settings *s)
{
    return !s->unix_path && s->resolve.n == 0 && !s->ipv4 && !s->ipv6;
}

/* ---- -4 and -6 ---------------------------------------------------------- */

struct route_question {
    const char *host;
    const char *port;
    int family;
    struct addrinfo *answer;
};

static int route_ask(void *arg)
{
    struct route_question *q = arg;
    const struct addrinfo hints = {
        .ai_family = q->family,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = q->family == AF_INET6 ? 0 : AI_ADDRCONFIG,
    };

    return getaddrinfo(q->host, q->port, &hints, &q->answer) ? WS_ERR_RESOLVE
                                                             : 0;
}

/* "[::1]:80" of an address. */
static char *route_numeric(const struct addrinfo *a)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), port,
                    sizeof(port), NUMERIC) != 0)
        return memory_copy("");
    return tcp_join(host, port);
}

static int route_connect_family(const char *host, const char *port, int family,
                                int64_t deadline, ws_event *cancel)
{
    struct route_question q = { .host = host, .port = port, .family = family };
    int fd = ws_blocking(route_ask, &q);

    if (fd != 0)
        return fd;
    for (struct addrinfo *a = q.answer; a; a = a->ai_next) {
        char *addr = route_numeric(a);

        fd = ws_connect(addr, deadline, cancel, NULL);
        free(addr);
        if (fd >= 0 || fd == WS_ERR_TIMEOUT || fd == WS_ERR_CANCELED)
            break;
    }
    freeaddrinfo(q.answer);
    return fd;
}

/* ---- All of it ---------------------------------------------------------- */

/* What is text for ws_connect. */
static char *route_address(const struct settings *s, const char *host,
                           const char *port)
{
    if (s->unix_path)
        return memory_printf("unix:%s", s->unix_path);
    if (port[0] == '\0')
        return memory_printf("unix:%s", host);
    return tcp_join(host, port);
}

int route_connect(const char *host, const char *port, int64_t deadline,
                  void *arg)
{
    const struct client *k = arg;
    const struct settings *s = k->settings;
    const char *to = route_resolve(s, host, port);

    if ((s->ipv4 || s->ipv6) && !s->unix_path && port[0])
        return route_connect_family(to, port, s->ipv4 ? AF_INET : AF_INET6,
                                    deadline, k->dialer.cancel);
    char *address = route_address(s, to, port);
    int fd = ws_connect(address, deadline, k->dialer.cancel, NULL);
    free(address);
    return fd;
}
