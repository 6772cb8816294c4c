/* SPDX-License-Identifier: MIT */

#include "io/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Where the file system knows no file without a name. */
static int make_and_unlink(const char *folder)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/silverback.XXXXXX", folder);

    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(path);
    return fd;
}

int ws__spool_begin(struct ws__spool *s, const char *folder)
{
    const char *own = getenv("TMPDIR");

    if (!folder)
        folder = own && *own ? own : "/tmp";
    *s = (struct ws__spool){ .fd = -1 };
    s->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd >= 0)
        return 0;
    s->fd = errno == EOPNOTSUPP || errno == EISDIR ? make_and_unlink(folder)
                                                   : -errno;
    return s->fd < 0 ? s->fd : 0;
}

int ws__spool_append(struct ws__spool *s, const void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t written =
            pwrite(s->fd, (const char *)p + at, n - at, (off_t)s->size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        at += (size_t)written;
        s->size += (uint64_t)written;
    }
    return 0;
}

/* The NUL is of the page behind the file where its last one is full. */
int ws__spool_map(struct ws__spool *s)
{
    if (s->size >= SIZE_MAX)
        return -ENOMEM;
    size_t n = (size_t)s->size + 1;
    char *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED)
        return -ENOMEM;
    s->map = map;
    s->mapped = n;
    if (s->size > 0)
        map = mmap(map, n - 1, PROT_READ, MAP_SHARED | MAP_FIXED, s->fd, 0);
    return map == MAP_FAILED ? -ENOMEM : 0;
}

void ws__spool_end(struct ws__spool *s)
{
    if (s->map)
        munmap(s->map, s->mapped);
    if (s->fd >= 0)
        close(s->fd);
}
