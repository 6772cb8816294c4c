/* SPDX-License-Identifier: MIT */

#include "io/tls_contexts.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
    KEPT = 8,
    UNSETTLED_S = 2, /* of a clock's steps, and those of file systems */
};

static struct kept {
    struct ws__tls_key key;
    SSL_CTX *ctx;  /* NULL: it is empty */
    uint64_t used; /* counts up */
} kept[KEPT];

static uint64_t uses;
static pthread_mutex_t contexts_lock = PTHREAD_MUTEX_INITIALIZER; /* of both */

/* ---- Keys --------------------------------------------------------------- */

static bool are_settled(const struct ws__tls_stamps *files)
{
    int64_t now = time(NULL);

    for (size_t i = 0; i < WS__TLS_FILES; i++)
        if (ws__tls_stamp_changed(&files->of[i]) > now - UNSETTLED_S)
            return false;
    return true;
}

/* Names and pins are no business of a context. */
bool ws__tls_contexts_key(struct ws__tls_key *key, const ws_tls *tls,
                          const struct ws__tls_stamps *files)
{
    ws_tls of = *tls;

    of.server_name = NULL;
    of.pinned_key = NULL;
    return !tls->key_log && are_settled(files) &&
           ws__tls_key_make(key, &of, files, NULL, NULL);
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

SSL_CTX *ws__tls_contexts_find(const struct ws__tls_key *key)
{
    pthread_mutex_lock(&contexts_lock);
    struct kept *k = kept_place(key);
    SSL_CTX *ctx = NULL;

    if (is_of(k, key)) {
        ctx = k->ctx;
        SSL_CTX_up_ref(ctx);
        k->used = ++uses;
    }
    pthread_mutex_unlock(&contexts_lock);
    return ctx;
}

void ws__tls_contexts_keep(const struct ws__tls_key *key, SSL_CTX *ctx)
{
    SSL_CTX_up_ref(ctx);
    pthread_mutex_lock(&contexts_lock);
    struct kept *k = kept_place(key);
    SSL_CTX *old = k->ctx;

    *k = (struct kept){ *key, ctx, ++uses };
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
