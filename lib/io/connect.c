/* SPDX-License-Identifier: MIT */

#include "io/connect.h"

#include <errno.h>

#include "base/error.h"
#include "fiber/sched.h"
#include "fiber/sync.h"
#include "io/eyeballs.h"
#include "io/place.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "proto/ip.h"

enum { LONGEST_PAUSE_MS = 64 };

/* Linux says "invalid argument" of a link-local address without its link. */
static bool lacks_zone(const char *host, int code)
{
    struct ws__ip ip;

    return code == -EINVAL && ws__ip_parse(&ip, ws__str(host)) &&
           ws__ip_is_link_local(&ip);
}

const char *ws__connect_error(const char *host, int code)
{
    return lacks_zone(host, code)
               ? "a link-local address needs its zone: [fe80::1%25eth0]"
               : ws_strerror(code);
}

int ws__connect_host(const char *host, const char *port, int64_t deadline,
                     ws_event *cancel, ws_error *err)
{
    struct addrinfo *list;
    int r = ws__resolve(host, port, deadline, cancel, &list, err);

    if (r != 0)
        return r;
    r = ws__connect_any(list, deadline, cancel);
    ws__resolve_free(list);
    return r;
}

static int connect_unix(const struct sockaddr_un *un, int64_t deadline,
                        ws_event *cancel)
{
    ws_event never = { { 0 } };

    for (int64_t ms = 1;; ms = ms < LONGEST_PAUSE_MS ? 2 * ms : ms) {
        int fd = ws__connect((const struct sockaddr *)un,
                             ws__place_unix_len(un), deadline, cancel);

        /* The queue is full, and nothing tells when it is not. */
        if (fd != -EAGAIN)
            return fd;
        int64_t until = ws__earlier(deadline, ws_after(ms));
        int r = ws__event_wait(&never, until, cancel);
        if (r != WS_ERR_TIMEOUT || until == deadline)
            return r;
    }
}

int ws__connect_path(const char *path, int64_t deadline, ws_event *cancel)
{
    struct sockaddr_un un;

    return ws__place_unix(&un, path) ? connect_unix(&un, deadline, cancel)
                                     : -ENAMETOOLONG;
}

static int connect_place(const struct ws__place *p, int64_t deadline,
                         ws_event *cancel, ws_error *err)
{
    if (p->un.sun_family == AF_UNIX)
        return connect_unix(&p->un, deadline, cancel);
    return ws__connect_host(p->host[0] ? p->host : "localhost", p->port,
                            deadline, cancel, err);
}

int ws_connect(const char *addr, int64_t deadline, ws_event *cancel,
               ws_error *err)
{
    struct ws__place p = { .host = "" }; /* a local one has none */
    ws_error unseen;

    if (!err)
        err = &unseen;
    *err = (ws_error){ 0 };
    if (!addr)
        return ws__fail(err, WS_ERR_INVALID, "connect: there is no address");

    int fd = ws__place_parse(&p, addr, "connect to", err);
    if (fd == 0)
        fd = connect_place(&p, deadline, cancel, err);
    if (fd < 0)
        ws__fail(err, fd, "connect to %s: %s", addr,
                 ws__connect_error(p.host, fd));
    return fd;
}
