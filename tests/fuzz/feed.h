/* SPDX-License-Identifier: MIT */

#ifndef TESTS_FUZZ_FEED_H
#define TESTS_FUZZ_FEED_H

/* A stream that says what is in an input, in steps, and then ends; what is
 * written to it is heard and forgotten. */

#include <sys/uio.h>

#include "fuzz/fuzz.h"

#include "io/stream.h"

struct feed {
    struct ws__stream stream; /* first */
    struct input in;
    struct steps steps;
    size_t heard;
};

static inline ssize_t feed_read(struct ws__stream *s, void *p, size_t n)
{
    struct feed *f = (struct feed *)s;

    if (f->in.n == 0)
        return 0;
    size_t most = step(&f->steps, f->in.n);
    struct input now = take_bytes(&f->in, most < n ? most : n);
    memcpy(p, now.p, now.n);
    return (ssize_t)now.n;
}

static inline ssize_t feed_writev(struct ws__stream *s, const struct iovec *v,
                                  int n)
{
    struct feed *f = (struct feed *)s;
    size_t all = 0;

    for (int i = 0; i < n; i++)
        all += v[i].iov_len;
    f->heard += all;
    return (ssize_t)all;
}

static inline void feed_fini(struct ws__stream *s)
{
    (void)s;
}

static inline struct feed feed_of(struct input in, struct steps steps)
{
    static const struct ws__stream_ops ops = {
        .read = feed_read,
        .writev = feed_writev,
        .fini = feed_fini,
    };
    static struct ws__transport transport = { &ops };

    return (struct feed){
        .stream = { .transport = &transport, .fd = -1, .readable = true },
        .in = in,
        .steps = steps,
    };
}

#endif
