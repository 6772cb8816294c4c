/* SPDX-License-Identifier: MIT */

#include <silverback/systemd.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "io/place.h"
#include "io/wait.h"

enum {
    FIRST_FD = 3, /* SD_LISTEN_FDS_START */
    STATE_MAX = 2048,
    NOTIFY_MS = 1000, /* a manager that takes nothing for so long is not told */
};

/* ---- Sockets ------------------------------------------------------------ */

/* A variable as a number.  Returns false if it is set to anything else. */
static bool env_number(const char *name, unsigned long long max,
                       unsigned long long *value, bool *set)
{
    const char *text = getenv(name);

    *set = text != NULL;
    return !text || ws__str_number(ws__str(text), max, value);
}

/* Is what a variable says about a process about this one? */
static bool env_is_ours(const char *name, bool required, bool *valid)
{
    unsigned long long pid = 0;
    bool set;

    *valid = env_number(name, INT_MAX, &pid, &set);
    return *valid && (set ? pid == (unsigned long long)getpid() : !required);
}

/* The next of a list separated by ':', without end: "" behind the last. */
static struct ws__str next_name(const char **list)
{
    size_t n = strcspn(*list, ":");
    struct ws__str name = { *list, n };

    *list += n + ((*list)[n] == ':');
    return name;
}

int ws_sd_listen_fds(const char *name, int *fds, size_t max)
{
    const char *names = getenv("LISTEN_FDNAMES");
    unsigned long long n = 0;
    bool valid, set;
    int found = 0;

    if (!env_is_ours("LISTEN_PID", true, &valid))
        return valid ? 0 : WS_ERR_INVALID;
    if (!env_number("LISTEN_FDS", INT_MAX - FIRST_FD, &n, &set))
        return WS_ERR_INVALID;
    names = names ? names : "";
    for (int fd = FIRST_FD; fd < FIRST_FD + (int)n; fd++) {
        struct ws__str is = next_name(&names);

        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            return WS_ERR_INVALID;
        if (name && !ws__str_is(is, name))
            continue;
        if ((size_t)found < max)
            fds[found] = fd;
        found++;
    }
    return found;
}

/* ---- Notifications ------------------------------------------------------ */

static int send_to(int fd, const struct sockaddr_un *un, const char *p,
                   size_t n)
{
    int64_t deadline = ws_after(NOTIFY_MS);
    int r = 0;

    while (sendto(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT,
                  (const struct sockaddr *)un, ws__place_unix_len(un)) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        r = ws__wait(fd, POLLOUT, deadline, NULL);
        if (r < 0)
            return r;
    }
    return 1;
}

static int notify(const char *state, size_t n)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un;

    if (!path)
        return 0;
    if ((path[0] != '/' && path[0] != '@') || !ws__place_unix(&un, path))
        return -EAFNOSUPPORT;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = send_to(fd, &un, state, n);
    close(fd);
    return r;
}

static long long monotonic_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int ws_sd_notify(const char *fmt, ...)
{
    static const char reloading[] = "RELOADING=1";
    char state[STATE_MAX], stamp[48] = "";
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(state, sizeof(state), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(state) - sizeof(stamp))
        return -EMSGSIZE;
    if (strncmp(state, reloading, sizeof(reloading) - 1) == 0)
        snprintf(stamp, sizeof(stamp), "\nMONOTONIC_USEC=%lld", monotonic_us());
    char *end = ws__str_put(state + n, ws__str(stamp));
    return notify(state, (size_t)(end - state));
}

/* ---- The watchdog ------------------------------------------------------- */

int64_t ws_sd_watchdog_ms(void)
{
    unsigned long long us = 0;
    bool valid, set;

    if (!env_is_ours("WATCHDOG_PID", false, &valid) ||
        !env_number("WATCHDOG_USEC", INT64_MAX, &us, &set) || us == 0)
        return 0;
    return us < 2000 ? 1 : (int64_t)(us / 2000);
}
