/* SPDX-License-Identifier: MIT */

/* A server's files, which may change while it runs. */

#include "io/tls_context.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <silverback/fiber.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "fiber/offload.h"
#include "io/tls_server_ctx.h"

enum {
    FILES = 3,
    LOOK_MS = 1000,
    COMPLAIN_MS = 1000,
};

/* What tells a file from the one that was there before. */
struct stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

struct ws__tls_context {
    const ws_tls *tls;
    ws_mutex lock; /* of what follows */
    SSL_CTX *ctx;
    struct stamp stamps[FILES];
    bool looks; /* somebody does: stamps are theirs */
    int64_t look_at;
    int64_t complain_at;
};

/* ---- Looking ------------------------------------------------------------ */

static bool stamp_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool stamp_same(const struct stamp *a, const struct stamp *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           stamp_same_time(&a->modified, &b->modified) &&
           stamp_same_time(&a->changed, &b->changed);
}

/* Of a file that is not there, or not named: all zero. */
static struct stamp stamp_of(const char *file)
{
    struct stat st;

    if (!file || stat(file, &st) != 0)
        return (struct stamp){ 0 };
    return (struct stamp){ st.st_dev, st.st_ino, st.st_size, st.st_mtim,
                           st.st_ctim };
}

/* Notes what the files are now.  Returns whether that is new. */
static bool context_look(struct ws__tls_context *x)
{
    const char *const files[FILES] = { x->tls->cert_file, x->tls->key_file,
                                       x->tls->ca_file };
    bool changed = false;

    for (int i = 0; i < FILES; i++) {
        struct stamp now = stamp_of(files[i]);

        changed = changed || !stamp_same(&now, &x->stamps[i]);
        x->stamps[i] = now;
    }
    return changed;
}

struct news {
    struct ws__tls_context *x;
    SSL_CTX *ctx; /* NULL: there are none */
};

/* They are looked at before they are read: what changes meanwhile is found the
 * next time.  So are a certificate and its key, which change one after the
 * other: until both have, the old ones stay. */
static int context_read_news(void *arg)
{
    struct news *n = arg;
    ws_error err = { 0 };

    if (!context_look(n->x))
        return 0;
    n->ctx = ws__tls_server_ctx(n->x->tls, &err);
    if (!n->ctx)
        ws__log(WS__LOG(WS_LOG_ERROR, "certificate_kept"),
                "%s; the old certificate is kept", err.text);
    return err.code;
}

static bool context_is_due(struct ws__tls_context *x)
{
    ws_mutex_lock(&x->lock);
    bool due = !x->looks && ws_now() >= x->look_at;
    x->looks = x->looks || due;
    ws_mutex_unlock(&x->lock);
    return due;
}

/* Without the lock: disks and log functions may take their time, and others have
 * the old certificate meanwhile. */
static void context_refresh(struct ws__tls_context *x)
{
    struct news n = { .x = x };

    (void)ws__blocking(WS__FOR_FILES, context_read_news, &n);
    ws_mutex_lock(&x->lock);
    SSL_CTX *old = n.ctx ? x->ctx : NULL;
    x->ctx = n.ctx ? n.ctx : x->ctx;
    x->looks = false;
    x->look_at = ws_after(LOOK_MS);
    ws_mutex_unlock(&x->lock);
    SSL_CTX_free(old);
}

SSL_CTX *ws__tls_current(struct ws__tls_context *x)
{
    if (context_is_due(x))
        context_refresh(x);
    ws_mutex_lock(&x->lock);
    SSL_CTX *ctx = x->ctx;
    SSL_CTX_up_ref(ctx);
    ws_mutex_unlock(&x->lock);
    return ctx;
}

/* ---- Beginning and end -------------------------------------------------- */

struct ws__tls_context *ws__tls_context_new(const ws_tls *tls, ws_error *err)
{
    if (!tls->cert_file) {
        ws__fail(err, WS_ERR_INVALID, "TLS: a server needs a cert_file");
        return NULL;
    }
    struct ws__tls_context *x = ws__zalloc(sizeof(*x));
    if (!x) {
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    x->tls = tls;
    context_look(x);
    x->look_at = ws_after(LOOK_MS);
    x->ctx = ws__tls_server_ctx(tls, err);
    if (x->ctx)
        return x;
    ws_free(x);
    return NULL;
}

void ws__tls_context_free(struct ws__tls_context *x)
{
    if (!x)
        return;
    SSL_CTX_free(x->ctx);
    ws_free(x);
}

void ws__tls_context_complain(struct ws__tls_context *x, const char *remote,
                              const ws_error *err)
{
    ws_mutex_lock(&x->lock);
    bool now = ws_now() >= x->complain_at;
    if (now)
        x->complain_at = ws_after(COMPLAIN_MS);
    ws_mutex_unlock(&x->lock);
    if (!now)
        return;
    const struct ws__log_field fields[] = { { "remote", remote },
                                            { "error", err->text },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "tls_failed",
                                         .fields = fields };
    ws__log(&topic, "%s: %s", remote, err->text);
}
