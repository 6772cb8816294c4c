/* SPDX-License-Identifier: MIT */

/* A client's files.  Disks make their callers wait, for how long nobody can
 * say. */

#include "io/tls_read.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/task.h"
#include "io/tls_client_ctx.h"
#include "io/tls_contexts.h"

struct reading {
    struct ws__task task; /* first: cast to this */
    ws_tls tls;           /* a copy, since who asked may be gone */
    struct ws__tls_client client;
    ws_error err;
};

/* They are looked at before they are read: what changes meanwhile makes no
 * difference to a session's key. */
static void reading_run(struct ws__task *t)
{
    struct reading *r = (struct reading *)t;
    struct ws__tls_client *client = &r->client;
    struct ws__tls_key key;
    int64_t now = ws_now();

    client->files = ws__tls_stamps(&r->tls);
    bool may_keep =
        !ws__tls_is_standard(&r->tls) && ws__tls_contexts_key(&key, &r->tls);
    if (may_keep)
        client->ctx = ws__tls_contexts_find(&key, &client->files, now);
    if (client->ctx)
        return;
    client->ctx = ws__tls_client_ctx(&r->tls, &r->err);
    if (client->ctx && may_keep)
        ws__tls_contexts_keep(&key, &client->files, now, client->ctx);
}

static void reading_free(struct ws__task *t)
{
    struct reading *r = (struct reading *)t;
    const char **s;

    SSL_CTX_free(r->client.ctx);
    for (size_t i = 0; (s = ws__tls_string(&r->tls, i)); i++)
        ws_free((char *)*s);
    ws_free(r);
}

/* Returns whether there was memory for all of the strings. */
static bool reading_copy(ws_tls *copy, const ws_tls *from)
{
    ws_tls of = *from;
    bool done = true;
    const char **s;

    *copy = of;
    for (size_t i = 0; (s = ws__tls_string(copy, i)); i++)
        *s = NULL;
    for (size_t i = 0; done && (s = ws__tls_string(copy, i)); i++) {
        const char *its = *ws__tls_string(&of, i);

        *s = its ? ws__strdup(its) : NULL;
        done = !its || *s;
    }
    return done;
}

static struct reading *reading_new(const ws_tls *tls)
{
    struct reading *r = ws__zalloc(sizeof(*r));

    if (!r)
        return NULL;
    ws__task_init(&r->task, reading_run, reading_free);
    if (reading_copy(&r->tls, tls))
        return r;
    reading_free(&r->task);
    return NULL;
}

static int reading_take(struct reading *r, struct ws__tls_client *client,
                        ws_error *err)
{
    if (!r->client.ctx) {
        *err = r->err;
        return err->code;
    }
    *client = r->client;
    r->client.ctx = NULL;
    return 0;
}

/* Who dials often does not ask a disk, and wait for a thread that does, each
 * time. */
static SSL_CTX *without_a_look(const ws_tls *tls, struct ws__tls_stamps *files)
{
    struct ws__tls_key key;

    if (ws__tls_is_standard(tls))
        return ws__tls_standard_ctx();
    return ws__tls_contexts_key(&key, tls)
               ? ws__tls_contexts_recent(&key, files)
               : NULL;
}

int ws__tls_read_client(const ws_tls *tls, int64_t deadline, ws_event *cancel,
                        struct ws__tls_client *client, ws_error *err)
{
    *client = (struct ws__tls_client){ 0 };
    client->ctx = without_a_look(tls, &client->files);
    if (client->ctx)
        return 0;

    struct reading *r = reading_new(tls);
    if (!r)
        return ws__fail(err, -ENOMEM, "TLS: out of memory");
    int error = ws__task_start(&r->task, WS__FOR_FILES);
    if (error == 0)
        error = ws__task_wait(&r->task, deadline, cancel);
    error = error == 0
                ? reading_take(r, client, err)
                : ws__fail(err, error, "TLS: reading the client's files: %s",
                           ws_strerror(error));
    ws__task_let_go(&r->task);
    return error;
}
