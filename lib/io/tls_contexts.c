/* SPDX-License-Identifier: MIT */

#include "io/tls_contexts.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include <silverback/base.h>

enum {
    KEPT = 8,
    UNSETTLED_S = 2, /* of a clock's steps, and those of file systems */
};

static struct kept {
    struct ws__tls_key key;
    struct ws__tls_stamps files; /* that it was made of */
    int64_t looked;              /* when they were as they are here */
    SSL_CTX *ctx;                /* NULL: it is empty */
    uint64_t used;               /* counts up */
} kept[KEPT];

static uint64_t uses;
static pthread_mutex_t contexts_lock = PTHREAD_MUTEX_INITIALIZER; /* of both */

/* Names and pins are no business of a context. */
bool ws__tls_contexts_key(struct ws__tls_key *key, const ws_tls *tls)
{
    static const struct ws__tls_stamps none;
    ws_tls of = *tls;

    of.server_name = NULL;
    of.pinned_key = NULL;
    return !tls->key_log && ws__tls_key_make(key, &of, &none, NULL, NULL);
}

/* ---- In and out --------------------------------------------------------- */

static bool is_of(const struct kept *k, const struct ws__tls_key *key)
{
    return k->ctx && memcmp(&k->key, key, sizeof(*key)) == 0;
}

/* The one of this key, or else the one that may go first. */
static struct kept *kept_place(const struct ws__tls_key *key)
{
    struct kept *last = &kept[0];

    for (struct kept *k = kept; k < kept + KEPT; k++) {
        if (is_of(k, key))
            return k;
        if (!k->ctx || (last->ctx && k->used < last->used))
            last = k;
    }
    return last;
}

static SSL_CTX *kept_use(struct kept *k)
{
    SSL_CTX_up_ref(k->ctx);
    k->used = ++uses;
    return k->ctx;
}

SSL_CTX *ws__tls_contexts_recent(const struct ws__tls_key *key,
                                 struct ws__tls_stamps *files)
{
    SSL_CTX *ctx = NULL;

    pthread_mutex_lock(&contexts_lock);
    struct kept *k = kept_place(key);
    if (is_of(k, key) && ws_now() - k->looked < ws__tls_look_ms) {
        *files = k->files;
        ctx = kept_use(k);
    }
    pthread_mutex_unlock(&contexts_lock);
    return ctx;
}

SSL_CTX *ws__tls_contexts_find(const struct ws__tls_key *key,
                               const struct ws__tls_stamps *files,
                               int64_t looked)
{
    SSL_CTX *ctx = NULL;

    pthread_mutex_lock(&contexts_lock);
    struct kept *k = kept_place(key);
    if (is_of(k, key) && memcmp(&k->files, files, sizeof(*files)) == 0) {
        k->looked = k->looked > looked ? k->looked : looked;
        ctx = kept_use(k);
    }
    pthread_mutex_unlock(&contexts_lock);
    return ctx;
}

static bool are_settled(const struct ws__tls_stamps *files)
{
    int64_t now = time(NULL);

    for (size_t i = 0; i < WS__TLS_FILES; i++)
        if (ws__tls_stamp_changed(&files->of[i]) > now - UNSETTLED_S)
            return false;
    return true;
}

void ws__tls_contexts_keep(const struct ws__tls_key *key,
                           const struct ws__tls_stamps *files, int64_t looked,
                           SSL_CTX *ctx)
{
    if (!are_settled(files))
        return;
    SSL_CTX_up_ref(ctx);
    pthread_mutex_lock(&contexts_lock);
    struct kept *k = kept_place(key);
    SSL_CTX *old = k->ctx;

    *k = (struct kept){ *key, *files, looked, ctx, ++uses };
    pthread_mutex_unlock(&contexts_lock);
    SSL_CTX_free(old);
}

void ws__tls_contexts_cleanup(void)
{
    pthread_mutex_lock(&contexts_lock);
    for (struct kept *k = kept; k < kept + KEPT; k++) {
        SSL_CTX_free(k->ctx);
        k->ctx = NULL;
    }
    pthread_mutex_unlock(&contexts_lock);
}
