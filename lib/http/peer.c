/* SPDX-License-Identifier: MIT */

#include "http/peer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/line.h"
#include "base/log.h"
#include "fiber/seldom.h"
#include "http/access.h"
#include "io/preface.h"
#include "proto/forwarded.h"
#include "proto/ip.h"
#include "proto/proxy_protocol.h"
#include "proto/trusted.h"

/* ---- The other end ------------------------------------------------------ */

static bool is_trusted(const struct ws__session *s)
{
    const struct ws__trusted *t = s->host->trusted;
    struct ws__ip ip;

    if (!t)
        return false;
    return ws__ip_of_peer(&ip, s->remote)
               ? ws__trusted_has(t, &ip)
               : t->local && ws__is_local(s->stream.fd);
}

static void log_stranger(struct ws__session *s, const char *why)
{
    const char *remote = s->remote[0] ? s->remote : "a local peer";

    if (!ws__seldom(&s->host->stranger_said))
        return;
    const struct ws__log_field fields[] = { { "remote", remote },
                                            { "reason", why },
                                            { 0 } };
    const struct ws__log_topic topic = { .level = WS_LOG_WARNING,
                                         .event = "stranger_refused",
                                         .fields = fields };
    ws__log(&topic, "refused %s: %s", remote, why);
}

/* ---- The PROXY header --------------------------------------------------- */

struct peer_header {
    struct ws__proxied proxied;
    ws_error err;
    char bytes[WS__PROXIED_MAX];
};

static int read_proxied(void *arg, const void *bytes, size_t n)
{
    struct peer_header *h = arg;

    return ws__proxied_read(&h->proxied, bytes, n, &h->err);
}

/* What names nobody is the proxy's own connection, or of a client that it cannot
 * name.  No header of such a one counts. */
static void take_proxied(struct ws__session *s, const struct ws__proxied *p)
{
    static const char local[] = "unix:";

    s->trusted = false;
    s->tls = p->tls;
    switch (p->from) {
    case WS__PROXIED_NONE:
        break;
    case WS__PROXIED_INET:
        ws__endpoint_text(s->remote, &p->ip, p->port);
        s->trusted = ws__trusted_has(s->host->trusted, &p->ip);
        break;
    case WS__PROXIED_LOCAL: /* the client chose the path */
        memcpy(s->remote, local, strlen(local));
        (void)ws__line_escape(s->remote + strlen(local),
                              sizeof(s->remote) - strlen(local), p->path);
        break;
    }
}

static int receive_proxied(struct ws__session *s, struct peer_header *h)
{
    if (!ws__entry_idle(&s->entry, true)) /* a shutdown ends it */
        return WS_ERR_CANCELED;
    int r = ws__preface_read(&s->stream, h->bytes, sizeof(h->bytes),
                             s->first_by, read_proxied, h);
    ws__entry_idle(&s->entry, false);
    return r;
}

static bool meet_proxied(struct ws__session *s)
{
    struct peer_header *h = ws__alloc(sizeof(*h));

    if (!h)
        return false;
    h->err = (ws_error){ 0 };
    int r = receive_proxied(s, h);
    if (r > 0)
        take_proxied(s, &h->proxied);
    else if (r == WS_ERR_PROXY)
        log_stranger(s, h->err.text);
    else if (r == WS_ERR_TIMEOUT)
        log_stranger(s, "no header of the PROXY protocol came in time");
    ws_free(h);
    return r > 0;
}

/* ---- Limits ------------------------------------------------------------- */

/* remote NULL: it is not counted yet. */
static struct ws__share *admit_name(struct ws__host *host, const char *remote,
                                    struct ws__limits_refusal *r)
{
    struct ws__ip ip;

    *r = (struct ws__limits_refusal){ NULL, 0 };
    if (!host->limits || !remote || !ws__ip_of_peer(&ip, remote) ||
        ws__trusted_has(host->trusted, &ip))
        return NULL;
    return ws__limits_enter(host->limits, &ip, ws_now(), r);
}

struct ws__share *ws__peer_admit(struct ws__host *host, const char *remote,
                                 struct ws__limits_refusal *r)
{
    return admit_name(host, host->server.proxy_protocol ? NULL : remote, r);
}

struct ws__share *ws__peer_admit_upgrade(struct ws__request *r,
                                         struct ws__limits_refusal *refusal)
{
    const char *text = r->made[WS__MADE_CLIENT];

    return admit_name(r->session->host, text, refusal);
}

/* ---- Meeting ------------------------------------------------------------ */

static bool meet_by_header(struct ws__session *s, struct ws__limits_refusal *r)
{
    if (!s->trusted) {
        log_stranger(s, "it speaks the PROXY protocol, perhaps, but is not in "
                        "trusted_proxies");
        return false;
    }
    if (!meet_proxied(s))
        return false;
    s->share = admit_name(s->host, s->remote, r);
    if (r->why)
        ws__access_turned_away(s);
    return !r->why;
}

bool ws__peer_meet(struct ws__session *s, struct ws__limits_refusal *r)
{
    *r = (struct ws__limits_refusal){ NULL, 0 };
    s->trusted = is_trusted(s);
    s->tls = false;
    if (s->server->proxy_protocol && !meet_by_header(s, r))
        return false;
    s->tls = s->tls || s->host->tls;
    return true;
}

/* ---- What requests say -------------------------------------------------- */

/* Their text, the address first, each with its NUL.  Returns NULL when there is
 * no memory. */
static char *client_text(const struct ws__forwarded *f)
{
    char *text = ws__alloc(WS__ENDPOINT_LEN + f->host.n + 1);

    if (!text)
        return NULL;
    text[0] = '\0';
    if (f->has_ip)
        ws__endpoint_text(text, &f->ip, f->port);
    memcpy(text + WS__ENDPOINT_LEN, f->host.p, f->host.n);
    text[WS__ENDPOINT_LEN + f->host.n] = '\0';
    return text;
}

int ws__peer_client(struct ws__request *r, struct ws__fault *fault)
{
    const struct ws__session *s = r->session;
    struct ws__forwarded f;

    if (!s->trusted)
        return 0;
    const char *error =
        ws__forwarded_read(&f, r->pub.headers, s->host->trusted);
    if (error)
        return ws__fault_set(fault, 400, error);
    if (f.tls != WS__UNSAID)
        r->pub.tls = f.tls == WS__SAID_TLS;
    if (!f.has_ip && f.host.n == 0)
        return 0;
    char *text = r->made[WS__MADE_CLIENT] = client_text(&f);
    if (!text)
        return ws__fault_memory(fault);
    if (f.has_ip)
        r->pub.remote_addr = text;
    if (f.host.n > 0)
        r->pub.host = text + WS__ENDPOINT_LEN;
    return 0;
}

const char *ws__peer_named(const struct ws__request *r)
{
    const char *text = r->made[WS__MADE_CLIENT];

    if (text && text[0])
        return text;
    return r->session->server->proxy_protocol ? r->session->remote : NULL;
}
