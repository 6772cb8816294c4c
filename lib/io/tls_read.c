/* SPDX-License-Identifier: MIT */

/* A client's files.  Disks make their callers wait, for how long nobody can
 * say. */

#include "io/tls_read.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/task.h"
#include "io/tls_client_ctx.h"

struct reading {
    struct ws__task task; /* first: cast to this */
    ws_tls tls;           /* a copy, since who asked may be gone */
    char *names[3];
    SSL_CTX *ctx;
    ws_error err;
};

static void reading_run(struct ws__task *t)
{
    struct reading *r = (struct reading *)t;

    r->ctx = ws__tls_client_ctx(&r->tls, &r->err);
}

static void reading_free(struct ws__task *t)
{
    struct reading *r = (struct reading *)t;

    SSL_CTX_free(r->ctx);
    for (int i = 0; i < 3; i++)
        ws_free(r->names[i]);
    ws_free(r);
}

/* Returns whether there was memory. */
static bool reading_copy_name(const char *name, char **copy, const char **use)
{
    *copy = name ? ws__strdup(name) : NULL;
    *use = *copy;
    return !name || *copy;
}

static struct reading *reading_new(const ws_tls *tls)
{
    struct reading *r = ws__zalloc(sizeof(*r));

    if (!r)
        return NULL;
    ws__task_init(&r->task, reading_run, reading_free);
    r->tls.key_log = tls->key_log;
    if (reading_copy_name(tls->ca_file, &r->names[0], &r->tls.ca_file) &&
        reading_copy_name(tls->cert_file, &r->names[1], &r->tls.cert_file) &&
        reading_copy_name(tls->key_file, &r->names[2], &r->tls.key_file))
        return r;
    reading_free(&r->task);
    return NULL;
}

static int reading_take_ctx(struct reading *r, SSL_CTX **ctx, ws_error *err)
{
    if (!r->ctx) {
        *err = r->err;
        return err->code;
    }
    *ctx = r->ctx;
    r->ctx = NULL;
    return 0;
}

int ws__tls_read_client(const ws_tls *tls, int64_t deadline, ws_event *cancel,
                        SSL_CTX **ctx, ws_error *err)
{
    *ctx = ws__tls_is_standard(tls) ? ws__tls_standard_ctx() : NULL;
    if (*ctx)
        return 0;

    struct reading *r = reading_new(tls);
    if (!r)
        return ws__fail(err, -ENOMEM, "TLS: out of memory");
    int error = ws__task_start(&r->task, WS__FOR_FILES);
    if (error == 0)
        error = ws__task_wait(&r->task, deadline, cancel);
    error = error == 0
                ? reading_take_ctx(r, ctx, err)
                : ws__fail(err, error, "TLS: reading the client's files: %s",
                           ws_strerror(error));
    ws__task_let_go(&r->task);
    return error;
}
