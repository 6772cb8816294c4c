/* SPDX-License-Identifier: MIT */

#include "http/disk_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "fiber/offload.h"
#include "io/beneath.h"

static const char index_html[] = "/index.html";

struct disk_open {
    struct ws__disk_file *file;
    const char *root;
    bool folder;
};

static int open_named(struct ws__disk_file *f, const char *root)
{
    f->fd = ws__open_beneath(root, f->name);
    if (f->fd < 0)
        return f->fd;
    return fstat(f->fd, &f->st) == 0 ? 0 : -errno;
}

static int open_on_disk(void *arg)
{
    struct disk_open *o = arg;
    struct ws__disk_file *f = o->file;
    int error = open_named(f, o->root);

    if (error != 0 || !o->folder || !S_ISDIR(f->st.st_mode))
        return error;
    close(f->fd);
    f->fd = -1;
    char *end = f->name + strlen(f->name);
    const char *index = end == f->name ? index_html + 1 : index_html;
    *ws__str_put(end, ws__str(index)) = '\0';
    return open_named(f, o->root);
}

int ws__disk_file_open(struct ws__disk_file *f, const char *root,
                       const char *name, bool folder)
{
    size_t n = strlen(name);

    *f = (struct ws__disk_file){ .fd = -1 };
    f->name = ws__alloc(n + sizeof(index_html));
    if (!f->name)
        return -ENOMEM;
    memcpy(f->name, name, n + 1);
    struct disk_open o = { f, root, folder };
    return ws__blocking(WS__FOR_FILES, open_on_disk, &o);
}

void ws__disk_file_close(struct ws__disk_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    ws_free(f->name);
}

struct disk_read {
    int fd;
    char *out;
    size_t n;
    uint64_t at;
};

static int read_on_disk(void *arg)
{
    struct disk_read *d = arg;

    while (d->n > 0) {
        ssize_t n = pread(d->fd, d->out, d->n, (off_t)d->at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? -EIO : -errno;
        d->out += n;
        d->n -= (size_t)n;
        d->at += (uint64_t)n;
    }
    return 0;
}

int ws__disk_file_read(const struct ws__disk_file *f, void *out, size_t n,
                       uint64_t at)
{
    struct disk_read d = { f->fd, out, n, at };

    return ws__blocking(WS__FOR_FILES, read_on_disk, &d);
}
