/* SPDX-License-Identifier: MIT */

/* What a program may ask of a connection. */

#include "base/alloc.h"
#include "conn/extras.h"
#include "io/sock.h"

struct ws__addresses {
    char local[WS__ADDR_LEN];
    char remote[WS__ADDR_LEN];
};

const char *ws_subprotocol(const ws_conn *c)
{
    const char *name = c ? ws__extras(c)->subprotocol : NULL;

    return name ? name : "";
}

/* Asked for seldom, so looked up then; of two at once the second one takes the
 * first's. */
static const struct ws__addresses *addresses_of(const ws_conn *c)
{
    static const struct ws__addresses none;
    struct ws__extras *x = c ? ws__extras_own((ws_conn *)c) : NULL;
    struct ws__addresses *there = x ? atomic_load(&x->addresses) : NULL;

    if (there || !x)
        return there ? there : &none;
    struct ws__addresses *n = ws__alloc(sizeof(*n));
    if (!n)
        return &none;
    ws__local_name(c->stream.fd, n->local);
    ws__remote_name(c->stream.fd, n->remote);
    if (atomic_compare_exchange_strong(&x->addresses, &there, n))
        return n;
    ws_free(n);
    return there;
}

const char *ws_local_addr(const ws_conn *c)
{
    return addresses_of(c)->local;
}

const char *ws_remote_addr(const ws_conn *c)
{
    const char *named = c ? ws__extras(c)->remote : NULL;

    return named ? named : addresses_of(c)->remote;
}

/* The same: it is asked for seldom. */
const ws_cert *ws_conn_cert(const ws_conn *c)
{
    struct ws__extras *x = c ? ws__extras_own((ws_conn *)c) : NULL;
    ws_cert *there = x ? atomic_load(&x->cert) : NULL;

    if (there || !x)
        return there;
    ws_cert *n = ws__stream_cert(&c->stream);
    if (!n || atomic_compare_exchange_strong(&x->cert, &there, n))
        return n;
    ws_free(n);
    return there;
}

int ws_fd(const ws_conn *c)
{
    return c ? c->stream.fd : WS_ERR_INVALID;
}

void ws_set_user(ws_conn *c, void *user)
{
    if (c)
        c->user = user;
}

void *ws_user(const ws_conn *c)
{
    return c ? c->user : NULL;
}
