/* SPDX-License-Identifier: MIT */

#ifndef WS_IO_SPOOL_H
#define WS_IO_SPOOL_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that are too many for memory, in a file without a name.  begin and append
 * wait for the disk: they are for helper threads. */
struct ws__spool {
    int fd;
    uint64_t size;
    char *map; /* all of it and a NUL; NULL: not yet */
    size_t mapped;
};

/* Make the file in a folder; NULL: that of the environment's TMPDIR, or /tmp.
 * Returns 0 or a negated errno; end it either way. */
int ws__spool_begin(struct ws__spool *s, const char *folder);

/* Returns 0 or a negated errno; the file may then have a part of them. */
int ws__spool_append(struct ws__spool *s, const void *p, size_t n);

/* Have what is there in s->map, to be read.  Returns 0 or -ENOMEM. */
int ws__spool_map(struct ws__spool *s);

void ws__spool_end(struct ws__spool *s);

#endif
