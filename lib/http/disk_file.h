/* SPDX-License-Identifier: MIT */

#ifndef WS_HTTP_DISK_FILE_H
#define WS_HTTP_DISK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* A file beneath a folder that is open to the world.  A disk makes its callers
 * wait, so each of these calls is a helper thread's work, and the fiber's to wait
 * for. */
struct ws__disk_file {
    int fd;
    struct stat st;
    char *name; /* beneath the folder, as it was opened */
};

/* Open it; of a folder, with folder set, its index.html, else the folder itself.
 * Returns 0, -ENOMEM, or what open(2) failed with,
 * -EXDEV for a way out of root.  End it either way. */
int ws__disk_file_open(struct ws__disk_file *f, const char *root,
                       const char *name, bool folder);
void ws__disk_file_close(struct ws__disk_file *f);

/* Read n bytes from an offset on.  Returns 0, a negated errno, or -EIO when there
 * are fewer any more. */
int ws__disk_file_read(const struct ws__disk_file *f, void *out, size_t n,
                       uint64_t at);

#endif
