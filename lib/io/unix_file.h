/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_UNIX_FILE_H
#define WS_IO_UNIX_FILE_H

#include <sys/types.h>
#include <sys/un.h>

#include <silverback/base.h>

/*
 * The file of a listening local socket.
 *
 * While one is made, taken over or removed, its folder is locked (flock(2)), so
 * that two servers that find the same stale file do not both take it, nor does
 * one find another's between bind and listen.  Whoever removes a file makes sure
 * under the lock that it is the one it made.
 */
struct ws__unix_file {
    struct sockaddr_un
        un;    /* set by ws__unix_listen; AF_UNSPEC: there is none */
    dev_t dev; /* what was made there */
    ino_t ino;
    mode_t mode; /* 0: as the umask has it */
    uid_t uid;   /* -1: the process's own, each */
    gid_t gid;
};

/* Who shall own it: "user", "user:group" or ":group", by name or number; NULL:
 * the process.  Returns 0, WS_ERR_INVALID or a negated errno. */
int ws__unix_file_owner(struct ws__unix_file *f, const char *owner,
                        ws_error *err);

/* Listen there, in the place of a stale file, and have f know what was made.
 * Nobody can connect before it has its mode and owner.  Returns a descriptor or
 * a negated errno. */
int ws__unix_listen(struct ws__unix_file *f, const struct sockaddr_un *un);

/* Remove the file, if it is still the one that was made.  Before the descriptor
 * is closed, as long as which its number is not another's. */
void ws__unix_file_remove(const struct ws__unix_file *f);

#endif
