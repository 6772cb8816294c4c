/* SPDX-License-Identifier: MIT */

/* What OpenSSL reads from and writes to: a stream, so nothing of it waits, and
 * a peer that is gone is no SIGPIPE. */

#include "io/tls_bio.h"

#include <errno.h>
#include <stdatomic.h>

/* Returns 1 for bytes, else 0. */
static int bio_finish(BIO *b, ssize_t r, int retry, int *error, size_t *done)
{
    *done = r > 0 ? (size_t)r : 0;
    if (r == -EAGAIN)
        BIO_set_flags(b, retry | BIO_FLAGS_SHOULD_RETRY);
    else if (r <= 0)
        *error = r == 0 ? WS_ERR_EOF : (int)r;
    return r > 0;
}

/* A short read has found all that there was: to ask again would be a system
 * call for nothing. */
static int bio_read(BIO *b, char *p, size_t n, size_t *done)
{
    struct ws__tls *t = BIO_get_data(b);
    ssize_t r = -EAGAIN;

    BIO_clear_retry_flags(b);
    if (!t->drained) {
        r = ws__stream_read(&t->beneath, p, n);
        t->drained = !t->beneath.readable;
    }
    return bio_finish(b, r, BIO_FLAGS_READ, &t->read_error, done);
}

static int bio_write(BIO *b, const char *p, size_t n, size_t *done)
{
    struct ws__tls *t = BIO_get_data(b);
    const struct iovec v = { .iov_base = (void *)p, .iov_len = n };

    BIO_clear_retry_flags(b);
    return bio_finish(b, ws__stream_writev(&t->beneath, &v, 1), BIO_FLAGS_WRITE,
                      &t->write_error, done);
}

static long bio_ctrl(BIO *b, int command, long n, void *p)
{
    (void)b;
    (void)n;
    (void)p;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method_new(void)
{
    BIO_METHOD *m =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "silverback");

    if (m && BIO_meth_set_read_ex(m, bio_read) &&
        BIO_meth_set_write_ex(m, bio_write) && BIO_meth_set_ctrl(m, bio_ctrl))
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* Made once, unless there was no memory for it; the loser of a race frees its
 * own. */
static BIO_METHOD *method_of_streams(void)
{
    static BIO_METHOD *_Atomic method;
    BIO_METHOD *there = atomic_load(&method);

    if (there)
        return there;
    BIO_METHOD *mine = bio_method_new();
    if (!mine || atomic_compare_exchange_strong(&method, &there, mine))
        return mine;
    BIO_meth_free(mine);
    return there;
}

BIO *ws__tls_bio(struct ws__tls *t)
{
    BIO_METHOD *method = method_of_streams();
    BIO *b = method ? BIO_new(method) : NULL;
    if (b) {
        BIO_set_data(b, t);
        BIO_set_init(b, 1);
    }
    return b;
}
