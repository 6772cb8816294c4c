/* SPDX-License-Identifier: MIT */

#include "io/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC,
    FILE_ = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
};

static int open_root(const char *root)
{
    int fd = open(root, FOLDER);

    if (fd < 0)
        return -errno;
    return fd;
}

/* One step down from the folder at, which is closed. */
static int step(int at, const char *name, size_t n, int flags)
{
    char part[NAME_MAX + 1];
    int fd, err;

    if (n > NAME_MAX) {
        close(at);
        return -ENAMETOOLONG;
    }
    memcpy(part, name, n);
    part[n] = '\0';
    if (strcmp(part, "..") == 0) {
        close(at);
        return -EXDEV;
    }
    fd = openat(at, part, flags | O_NOFOLLOW);
    err = errno;
    close(at);
    if (fd < 0)
        return -err;
    return fd;
}

int ws__open_by_steps(const char *root, const char *path)
{
    int fd = open_root(root);

    path += strspn(path, "/");
    for (const char *end; fd >= 0 && (end = strchr(path, '/')) != NULL;) {
        fd = step(fd, path, (size_t)(end - path), FOLDER);
        path = end + strspn(end, "/");
    }
    if (*path == '\0')
        path = ".";
    return fd < 0 ? fd : step(fd, path, strlen(path), FILE_);
}

int ws__open_beneath(const char *root, const char *path)
{
    const struct open_how how = {
        .flags = FILE_,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int at = open_root(root);

    if (at < 0)
        return at;
    path += strspn(path, "/");
    long fd;
    do
        fd = syscall(SYS_openat2, at, *path ? path : ".", &how, sizeof(how));
    while (fd < 0 && errno == EINTR);
    int err = errno;
    close(at);
    if (fd >= 0)
        return (int)fd;
    /* EPERM: a sandbox that does not know of the call. */
    return err == ENOSYS || err == EPERM ? ws__open_by_steps(root, path) : -err;
}
