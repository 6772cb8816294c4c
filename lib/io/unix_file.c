/* SPDX-License-Identifier: MIT */

#include "io/unix_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "base/error.h"
#include "base/str.h"
#include "io/place.h"

enum {
    TYPE = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
    LOCK_TRIES = 100, /* whoever may read the folder may hold its lock */
    LOCK_PAUSE_MS = 10,
    NAMES_SIZE = 16 * 1024, /* of an entry in the user database */
};

/* ---- Its owner ---------------------------------------------------------- */

static bool owner_user(const char *name, uid_t *uid)
{
    char room[NAMES_SIZE];
    struct passwd entry, *found = NULL;

    if (getpwnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found)
        return false;
    *uid = found->pw_uid;
    return true;
}

static bool owner_group(const char *name, gid_t *gid)
{
    char room[NAMES_SIZE];
    struct group entry, *found = NULL;

    if (getgrnam_r(name, &entry, room, sizeof(room), &found) != 0 || !found)
        return false;
    *gid = found->gr_gid;
    return true;
}

static int no_such(ws_error *err, const char *owner, const char *what)
{
    return ws__fail(err, WS_ERR_INVALID,
                    "unix_owner %s: expected \"user\", \"user:group\" or "
                    "\":group\", got an unknown %s",
                    owner, what);
}

int ws__unix_file_owner(struct ws__unix_file *f, const char *owner,
                        ws_error *err)
{
    const char *colon = owner ? strchr(owner, ':') : NULL;
    size_t n = colon ? (size_t)(colon - owner) : owner ? strlen(owner) : 0;
    const char *group = colon ? colon + 1 : "";
    unsigned long long number;
    char user[64];

    f->uid = (uid_t)-1;
    f->gid = (gid_t)-1;
    if (!owner)
        return 0;
    if (n >= sizeof(user))
        return no_such(err, owner, "user");
    memcpy(user, owner, n);
    user[n] = '\0';
    if (ws__str_number(ws__str(user), UINT32_MAX - 1, &number))
        f->uid = (uid_t)number;
    else if (n > 0 && !owner_user(user, &f->uid))
        return no_such(err, owner, "user");
    if (ws__str_number(ws__str(group), UINT32_MAX - 1, &number))
        f->gid = (gid_t)number;
    else if (group[0] != '\0' && !owner_group(group, &f->gid))
        return no_such(err, owner, "group");
    return 0;
}

/* ---- The lock ----------------------------------------------------------- */

/* Returns what close(2) unlocks; -1: it was not to be had, and has to do
 * without. */
static int folder_lock(const char *path)
{
    char folder[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) : 0;

    snprintf(folder, sizeof(folder), "%.*s%s", n, path,
             !slash   ? "."
             : n == 0 ? "/"
                      : "");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
            return fd;
        ws_sleep(LOCK_PAUSE_MS);
    }
    return fd;
}

static void folder_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}

/* ---- Making it ---------------------------------------------------------- */

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

static int bind_there(int fd, const struct sockaddr_un *un)
{
    socklen_t len = ws__place_unix_len(un);

    if (bind(fd, (const struct sockaddr *)un, len) == 0)
        return 0;
    int r = -errno;
    if (r != -EADDRINUSE || un->sun_path[0] == '\0' || !is_stale(un) ||
        unlink(un->sun_path) != 0)
        return r;
    return bind(fd, (const struct sockaddr *)un, len) == 0 ? 0 : -errno;
}

static bool wants_change(const struct ws__unix_file *f)
{
    return f->mode != 0 || f->uid != (uid_t)-1 || f->gid != (gid_t)-1;
}

/* The owner first: to change it may clear bits of the mode. */
static int finish_file(struct ws__unix_file *f)
{
    const char *path = f->un.sun_path;
    struct stat st;

    if (lstat(path, &st) != 0)
        return -errno;
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    if ((f->uid != (uid_t)-1 || f->gid != (gid_t)-1) &&
        lchown(path, f->uid, f->gid) != 0)
        return -errno;
    return f->mode == 0 || chmod(path, f->mode) == 0 ? 0 : -errno;
}

static int listen_file(struct ws__unix_file *f, int fd,
                       const struct sockaddr_un *un)
{
    bool abstract = un->sun_path[0] == '\0';

    if (abstract && wants_change(f))
        return -EOPNOTSUPP;
    int r = bind_there(fd, un);
    if (r != 0)
        return r;
    f->un = *un;
    r = abstract ? 0 : finish_file(f);
    if (r == 0 && listen(fd, SOMAXCONN) != 0)
        r = -errno;
    if (r != 0 && !abstract)
        unlink(un->sun_path);
    return r;
}

int ws__unix_listen(struct ws__unix_file *f, const struct sockaddr_un *un)
{
    int fd = socket(AF_UNIX, TYPE, 0);

    if (fd < 0)
        return -errno;
    int lock = un->sun_path[0] != '\0' ? folder_lock(un->sun_path) : -1;
    int r = listen_file(f, fd, un);
    folder_unlock(lock);
    if (r == 0)
        return fd;
    f->un.sun_family = AF_UNSPEC;
    close(fd);
    return r;
}

/* ---- Its end ------------------------------------------------------------ */

void ws__unix_file_remove(const struct ws__unix_file *f)
{
    struct stat st;

    if (f->un.sun_family != AF_UNIX || f->un.sun_path[0] == '\0')
        return;
    int lock = folder_lock(f->un.sun_path);
    if (lstat(f->un.sun_path, &st) == 0 && st.st_dev == f->dev &&
        st.st_ino == f->ino)
        unlink(f->un.sun_path);
    folder_unlock(lock);
}
