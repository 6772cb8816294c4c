/* SPDX-License-Identifier: MIT */

/* A server's files, which may change while it runs. */

#include "io/tls_context.h"

#include <errno.h>
#include <string.h>

#include <silverback/fiber.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "fiber/offload.h"
#include "fiber/seldom.h"
#include "io/tls_identity.h"
#include "io/tls_stamp.h"
#include "io/tls_trust.h"

/* A certificate and its key, read anew when one of their files has changed. */
struct slot {
    ws_tls_cert from;
    int index; /* among the ws_tls's certs, or -1 */
    struct ws__tls_stamp stamps[2];
    bool changed; /* since it was read, well or not */
    struct ws__tls_identity *identity;
};

/* The CA certificates and their revocation lists; the same. */
struct trust {
    struct ws__tls_stamp stamps[2];
    bool changed;
    X509_STORE *store; /* NULL: no certificates are asked for */
};

struct ws__tls_context {
    const ws_tls *tls;
    ws_mutex lock; /* of looks, look_at and server */
    bool looks;    /* somebody does: trust and the slots are theirs */
    int64_t look_at;
    _Atomic int64_t failure_said;  /* when one was logged; 0: never */
    struct ws__tls_server *server; /* made of what follows */
    struct trust trust;
    size_t n;
    struct slot slots[];
};

/* ---- Looking ------------------------------------------------------------ */

static bool slot_look(struct slot *s)
{
    if (ws__tls_stamp_renew(&s->stamps[0], s->from.cert_file))
        s->changed = true;
    if (ws__tls_stamp_renew(&s->stamps[1], s->from.key_file))
        s->changed = true;
    return s->changed;
}

static bool context_trust_look(struct trust *t, const ws_tls *tls)
{
    if (ws__tls_stamp_renew(&t->stamps[0], tls->ca_file))
        t->changed = true;
    if (ws__tls_stamp_renew(&t->stamps[1], tls->crl_file))
        t->changed = true;
    return t->changed;
}

/* Files are looked at before they are read: what changes meanwhile is found the
 * next time.  So are a certificate and its key, which change one after the
 * other. */
static bool context_look(struct ws__tls_context *x)
{
    bool changed = context_trust_look(&x->trust, x->tls);

    for (size_t i = 0; i < x->n; i++)
        changed = slot_look(&x->slots[i]) || changed;
    return changed;
}

/* ---- Reading ------------------------------------------------------------ */

static bool wants_certs(const ws_tls *tls)
{
    return tls->client_certs != WS_CLIENT_CERTS_NONE &&
           (tls->client_certs != WS_CLIENT_CERTS_DEFAULT ||
            ws__tls_names_ca(tls));
}

static int slot_read(struct slot *s, SSL_CTX *ctx, ws_error *err)
{
    struct ws__tls_identity *fresh =
        ws__tls_identity_read(ctx, &s->from, s->index, err);

    s->changed = false;
    if (!fresh)
        return err->code;
    ws__tls_identity_let_go(s->identity);
    s->identity = fresh;
    return 0;
}

static int context_trust_read(struct trust *t, const ws_tls *tls, ws_error *err)
{
    t->changed = false;
    if (!wants_certs(tls))
        return 0;
    X509_STORE *fresh = X509_STORE_new();
    if (!fresh)
        return ws__fail(err, -ENOMEM, "TLS: out of memory");
    int error = ws__tls_trust_ca(fresh, tls, err);
    if (error == 0)
        error = ws__tls_trust_crl(fresh, tls, err);
    X509_STORE_free(error == 0 ? t->store : fresh);
    if (error == 0)
        t->store = fresh;
    return error;
}

/* What every reading is followed by. */
static int context_finish(struct ws__tls_context *x, struct ws__tls_server *s,
                          ws_error *err)
{
    struct ws__tls_identity **all = ws__alloc(x->n * sizeof(*all));

    if (!all)
        return ws__fail(err, -ENOMEM, "TLS: out of memory");
    for (size_t i = 0; i < x->n; i++)
        all[i] = x->slots[i].identity;
    int error =
        ws__tls_server_finish(s, x->tls, all, x->n, x->trust.store, err);
    ws_free(all);
    return error;
}

/* All of it, for the first time. */
static int context_read(struct ws__tls_context *x, struct ws__tls_server *s,
                        ws_error *err)
{
    int error = context_trust_read(&x->trust, x->tls, err);

    for (size_t i = 0; error == 0 && i < x->n; i++)
        error = slot_read(&x->slots[i], s->ctx, err);
    return error == 0 ? context_finish(x, s, err) : error;
}

/* ---- News --------------------------------------------------------------- */

struct news {
    struct ws__tls_context *x;
    struct ws__tls_server *server; /* NULL: there are none */
    ws_error err;                  /* the first thing that was wrong */
};

static void news_complain(struct news *n, const ws_error *err, const char *what)
{
    if (err->code == 0)
        return;
    ws__fail(&n->err, err->code, "%s", err->text);
    ws__log(WS__LOG(WS_LOG_ERROR, "certificate_kept"), "%s; the old %s kept",
            err->text, what);
}

/* What cannot be read stays as it was, and holds up nothing else.  Returns
 * whether anything could. */
static bool news_take(struct news *n, SSL_CTX *ctx)
{
    struct ws__tls_context *x = n->x;
    ws_error err = { 0 };
    bool fresh = false;

    if (x->trust.changed && context_trust_read(&x->trust, x->tls, &err) == 0)
        fresh = true;
    news_complain(n, &err, "ones are");
    for (size_t i = 0; i < x->n; i++) {
        err.code = 0;
        if (x->slots[i].changed && slot_read(&x->slots[i], ctx, &err) == 0)
            fresh = true;
        news_complain(n, &err, "certificate is");
    }
    return fresh;
}

static int news_read(void *arg)
{
    struct news *n = arg;
    ws_error err = { 0 };

    if (!context_look(n->x))
        return 0;
    struct ws__tls_server *s = ws__tls_server_new(n->x->tls, &err);
    if (s && news_take(n, s->ctx) && context_finish(n->x, s, &err) == 0) {
        n->server = s;
        return 0;
    }
    ws__tls_server_let_go(s);
    if (err.code == 0)
        return 0;
    n->x->trust.changed = true; /* so all of it is tried again */
    news_complain(n, &err, "certificates are");
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
 * the old certificates meanwhile. */
static int context_refresh(struct ws__tls_context *x, ws_error *err)
{
    struct news n = { .x = x };

    (void)ws__blocking(WS__FOR_FILES, news_read, &n);
    ws_mutex_lock(&x->lock);
    struct ws__tls_server *old = n.server ? x->server : NULL;
    x->server = n.server ? n.server : x->server;
    x->looks = false;
    x->look_at = ws_after(ws__tls_look_ms);
    ws_mutex_unlock(&x->lock);
    ws__tls_server_let_go(old);
    return n.err.code == 0 ? 0 : ws__fail(err, n.err.code, "%s", n.err.text);
}

/* Whoever looks already is waited for: its look may have come too early. */
int ws__tls_context_reload(struct ws__tls_context *x, ws_error *err)
{
    ws_mutex_lock(&x->lock);
    while (x->looks) {
        ws_mutex_unlock(&x->lock);
        ws_sleep(1);
        ws_mutex_lock(&x->lock);
    }
    x->looks = true;
    ws_mutex_unlock(&x->lock);
    return context_refresh(x, err);
}

struct ws__tls_server *ws__tls_current(struct ws__tls_context *x)
{
    if (context_is_due(x))
        (void)context_refresh(x, NULL);
    ws_mutex_lock(&x->lock);
    struct ws__tls_server *s = ws__tls_server_hold(x->server);
    ws_mutex_unlock(&x->lock);
    return s;
}

/* ---- Beginning and end -------------------------------------------------- */

static size_t certs_count(const ws_tls_cert *certs)
{
    size_t n = 0;

    while (certs && (certs[n].cert_file || certs[n].cert_pem))
        n++;
    return n;
}

static int context_check(const ws_tls *tls, size_t n, ws_error *err)
{
    if (n == 0)
        return ws__fail(err, WS_ERR_INVALID,
                        "TLS: a server needs a cert_file or a cert_pem");
    if (tls->client_certs > WS_CLIENT_CERTS_REQUIRED)
        return ws__fail(err, WS_ERR_INVALID,
                        "TLS: client_certs: expected a WS_CLIENT_CERTS_..., "
                        "got %d",
                        (int)tls->client_certs);
    if (wants_certs(tls) && !ws__tls_names_ca(tls))
        return ws__fail(err, WS_ERR_INVALID,
                        "TLS: client_certs: expected a ca_file or a ca_pem, "
                        "to verify them by");
    if (ws__tls_names_crl(tls) && !wants_certs(tls))
        return ws__fail(err, WS_ERR_INVALID,
                        "TLS: a revocation list is of no use to a server that "
                        "asks for no certificates");
    return 0;
}

static struct ws__tls_context *context_alloc(const ws_tls *tls, ws_error *err)
{
    const ws_tls_cert own = { tls->cert_file, tls->key_file, tls->cert_pem,
                              tls->key_pem };
    size_t first = own.cert_file || own.cert_pem ? 1 : 0;
    size_t n = first + certs_count(tls->certs);

    if (context_check(tls, n, err) != 0)
        return NULL;
    struct ws__tls_context *x =
        ws__zalloc(sizeof(*x) + n * sizeof(x->slots[0]));
    if (!x) {
        ws__fail(err, -ENOMEM, "TLS: out of memory");
        return NULL;
    }
    x->tls = tls;
    x->n = n;
    for (size_t i = 0; i < n; i++) {
        x->slots[i].index = (int)(i - first);
        x->slots[i].from = i < first ? own : tls->certs[i - first];
    }
    return x;
}

struct ws__tls_context *ws__tls_context_new(const ws_tls *tls, ws_error *err)
{
    ws_error unseen = { 0 };

    err = err ? err : &unseen;
    struct ws__tls_context *x = context_alloc(tls, err);
    if (!x)
        return NULL;
    context_look(x);
    x->look_at = ws_after(ws__tls_look_ms);
    x->server = ws__tls_server_new(tls, err);
    if (x->server && context_read(x, x->server, err) == 0)
        return x;
    ws__tls_context_free(x);
    return NULL;
}

void ws__tls_context_free(struct ws__tls_context *x)
{
    if (!x)
        return;
    ws__tls_server_let_go(x->server);
    X509_STORE_free(x->trust.store);
    for (size_t i = 0; i < x->n; i++)
        ws__tls_identity_let_go(x->slots[i].identity);
    ws_free(x);
}

void ws__tls_context_complain(struct ws__tls_context *x, const char *remote,
                              const ws_error *err)
{
    if (!ws__seldom(&x->failure_said))
        return;
    const struct ws__log_field fields[] = { { "remote", remote },
                                            { "error", err->text },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "tls_failed",
                                         .fields = fields };
    ws__log(&topic, "%s: %s", remote, err->text);
}
