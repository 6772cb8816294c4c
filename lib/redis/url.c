/* SPDX-License-Identifier: MIT */

#include "redis/url.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"
#include "base/str.h"
#include "proto/uri.h"
#include "proto/url.h"

enum { HOSTS_MAX = 64 };

const char *ws__redis_host_text(char out[static WS__REDIS_HOST_LEN],
                                const struct ws__redis_host *h)
{
    const char *form = h->port[0] == '\0'     ? "%s"
                       : strchr(h->name, ':') ? "[%s]:%s"
                                              : "%s:%s";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, WS__REDIS_HOST_LEN, form, h->name, h->port);
#pragma GCC diagnostic pop
    return out;
}

bool ws__redis_host_set(struct ws__redis_host *h, struct ws__str name,
                        struct ws__str port)
{
    unsigned long long n;

    *h = (struct ws__redis_host){ 0 };
    if (name.n == 0 || name.n >= sizeof(h->name) ||
        !ws__str_number(port, 65535, &n) || n == 0)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~')
            return false;
    memcpy(h->name, name.p, name.n);
    *ws__decimal(h->port, n) = '\0';
    return true;
}

bool ws__redis_host_equal(const struct ws__redis_host *a,
                          const struct ws__redis_host *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->port, b->port) == 0;
}

/* ---- The parts ---------------------------------------------------------- */

static int url_fail(ws_error *err, const char *s, const char *why)
{
    const char *at = strrchr(s, '@');
    char quote[WS__QUOTED];

    return ws__fail(err, WS_ERR_URL, "malformed redis URL: %s: \"%s%s\"", why,
                    at ? "..." : "", ws__quote(quote, ws__str(at ? at : s)));
}

/* The beginning of *s up to one of these characters, which stays. */
static struct ws__str url_up_to(struct ws__str *s, const char *any)
{
    struct ws__str head = { s->p, 0 };

    while (head.n < s->n && !strchr(any, s->p[head.n]))
        head.n++;
    s->p += head.n;
    s->n -= head.n;
    return head;
}

/* Of n bytes, as they are meant, into at most cap with a NUL.  Returns false for
 * what is too long, a malformed escape or a control byte. */
static bool unescape_into(char *out, size_t cap, struct ws__str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; n++) {
        struct ws__str rest = { s.p + i, s.n - i };
        bool escape = s.p[i] == '%';
        int c = escape ? ws__uri_escaped(rest) : (unsigned char)s.p[i];

        if (c < ' ' || c == 0x7f || n + 1 >= cap)
            return false;
        out[n] = (char)c;
        i += escape ? 3 : 1;
    }
    out[n] = '\0';
    return true;
}

static char *copy_unescaped(struct ws__str s)
{
    char *p = ws__alloc(s.n + 1);

    if (p && !unescape_into(p, s.n + 1, s))
        p[0] = '\0';
    return p;
}

/* ---- Hosts, and who says hello to them ---------------------------------- */

static int take_credentials(struct ws__redis_url *u, const struct ws__url *one)
{
    const char *user = one->credentials;

    if (!user)
        return 0;
    u->password = ws__strdup(user + one->user_len + 1);
    if (one->user_len > 0) {
        u->user = ws__strdup(user);
        if (u->user)
            u->user[one->user_len] = '\0';
    }
    return u->password && (u->user || one->user_len == 0) ? 0 : -ENOMEM;
}

/* One host, with credentials before it or none: proto/url knows what may stand
 * there. */
static int parse_one(struct ws__redis_url *u, struct ws__str s, ws_error *err)
{
    const char *scheme = u->kind == WS__REDIS_SENTINEL ? "sentinel" : "redis";
    size_t n = s.n + sizeof("sentinel://");
    char *text = ws__alloc(n);
    struct ws__url one = { 0 };

    if (!text)
        return -ENOMEM;
    snprintf(text, n, "%s://%.*s", scheme, (int)s.n, s.p);
    int r = ws__url_parse_redis(&one, text, err);
    struct ws__redis_host *h = &u->hosts[u->n];
    if (r == 0 && strlen(one.host) >= sizeof(h->name))
        r = url_fail(err, text, "a host of more than 255 bytes");
    if (r == 0) {
        snprintf(h->name, sizeof(h->name), "%s", one.host);
        snprintf(h->port, sizeof(h->port), "%s", one.port);
        r = take_credentials(u, &one);
        u->n++;
    }
    ws__url_fini(&one);
    ws_free(text);
    return r;
}

static int parse_hosts(struct ws__redis_url *u, const char *s,
                       struct ws__str authority, ws_error *err)
{
    size_t most = u->kind == WS__REDIS_SERVER ? 1 : HOSTS_MAX;

    u->hosts = ws__zalloc(most * sizeof(*u->hosts));
    if (!u->hosts)
        return -ENOMEM;
    const char *at = memrchr(authority.p, '@', authority.n);
    struct ws__str rest = authority;
    if (at)
        rest = (struct ws__str){ at, authority.n - (size_t)(at - authority.p) };
    for (const char *begin = authority.p;; begin = ++rest.p, rest.n--) {
        url_up_to(&rest, ",");
        struct ws__str one = { begin, (size_t)(rest.p - begin) };
        int r = u->n < most ? parse_one(u, one, err)
                            : url_fail(err, s, "too many hosts");

        if (r != 0 || rest.n == 0)
            return r;
    }
}

/* ---- What is behind ----------------------------------------------------- */

static const char *parse_db(struct ws__redis_url *u, struct ws__str s)
{
    unsigned long long db = 0;

    if (s.n > 0 && !ws__str_number(s, INT_MAX, &db))
        return "a database that is not a number";
    if (db != 0 && u->kind == WS__REDIS_CLUSTER)
        return "a cluster has the database 0 only";
    u->db = (int)db;
    return NULL;
}

static void skip_slash(struct ws__str *s)
{
    if (s->n > 0) {
        s->p++;
        s->n--;
    }
}

/* "/db", "/master/db". */
static int parse_tail(struct ws__redis_url *u, const char *s,
                      struct ws__str tail, ws_error *err)
{
    const char *fault = NULL;

    if (memchr(tail.p, '?', tail.n) || memchr(tail.p, '#', tail.n))
        return url_fail(err, s, "a query or a fragment, which means nothing");
    skip_slash(&tail);
    if (u->kind == WS__REDIS_SENTINEL) {
        u->master = copy_unescaped(url_up_to(&tail, "/"));
        if (!u->master)
            return -ENOMEM;
        if (u->master[0] == '\0')
            fault = "no master's name behind the Sentinels";
        skip_slash(&tail);
    }
    if (!fault)
        fault = parse_db(u, tail);
    return fault ? url_fail(err, s, fault) : 0;
}

static int parse_network(struct ws__redis_url *u, const char *s,
                         struct ws__str rest, ws_error *err)
{
    if (rest.n < 2 || memcmp(rest.p, "//", 2) != 0)
        return url_fail(err, s, "no \"://\" after the scheme");
    rest = (struct ws__str){ rest.p + 2, rest.n - 2 };
    struct ws__str authority = url_up_to(&rest, "/?#");
    /* What was taken for hosts may be a password's beginning. */
    bool secret = memchr(rest.p, '@', rest.n);
    int r = parse_hosts(u, s, authority, secret ? NULL : err);

    if (r == WS_ERR_URL && secret)
        url_fail(err, s,
                 "not a host and a port, or one of /, ? and # in the user "
                 "information, unescaped");
    return r == 0 ? parse_tail(u, s, rest, err) : r;
}

/* ---- Local sockets ------------------------------------------------------ */

/* What is before "@" in "//user:password@/path" is as with a host. */
static int parse_local_user(struct ws__redis_url *u, struct ws__str *rest,
                            ws_error *err)
{
    struct ws__str user = url_up_to(rest, "/@");

    if (user.n == 0 || rest->n == 0 || *rest->p != '@')
        return url_fail(err, "", "no path behind \"//\"");
    skip_slash(rest);
    char text[512];
    struct ws__url one = { 0 };
    if (snprintf(text, sizeof(text), "redis://%.*s@localhost", (int)user.n,
                 user.p) >= (int)sizeof(text))
        return url_fail(err, "", "user and password of more than 490 bytes");
    int r = ws__url_parse_redis(&one, text, err);
    if (r == 0)
        r = take_credentials(u, &one);
    ws__url_fini(&one);
    return r;
}

static int parse_local_path(struct ws__redis_url *u, const char *s,
                            struct ws__str rest, ws_error *err)
{
    static const char query[] = "?db=";
    struct ws__redis_host *h = u->hosts;
    struct ws__str path = url_up_to(&rest, "?#");
    const char *fault = NULL;

    if (path.n == 0)
        fault = "no path of a socket";
    else if (!unescape_into(h->name, 108, path))
        fault = "a socket's path that is too long, or has a malformed escape";
    else if (rest.n > 0 &&
             (rest.n < sizeof(query) || memcmp(rest.p, query, 4) != 0))
        fault = "a query other than ?db=NUMBER";
    if (!fault && rest.n > 0)
        fault = parse_db(u, (struct ws__str){ rest.p + 4, rest.n - 4 });
    return fault ? url_fail(err, s, fault) : 0;
}

static int parse_local(struct ws__redis_url *u, const char *s,
                       struct ws__str rest, ws_error *err)
{
    int r = 0;

    u->hosts = ws__zalloc(sizeof(*u->hosts));
    if (!u->hosts)
        return -ENOMEM;
    u->n = 1;
    if (rest.n > 2 && memcmp(rest.p, "//", 2) == 0) {
        rest = (struct ws__str){ rest.p + 2, rest.n - 2 };
        if (*rest.p != '/')
            r = parse_local_user(u, &rest, err);
    }
    return r == 0 ? parse_local_path(u, s, rest, err) : r;
}

/* ---- All of it ---------------------------------------------------------- */

static const struct redis_scheme {
    const char *name;
    enum ws__redis_kind kind;
    bool tls;
    bool local;
} redis_schemes[] = {
    { .name = "redis", .kind = WS__REDIS_SERVER },
    { .name = "rediss", .kind = WS__REDIS_SERVER, .tls = true },
    { .name = "redis+unix", .kind = WS__REDIS_SERVER, .local = true },
    { .name = "redis+sentinel", .kind = WS__REDIS_SENTINEL },
    { .name = "rediss+sentinel", .kind = WS__REDIS_SENTINEL, .tls = true },
    { .name = "redis+cluster", .kind = WS__REDIS_CLUSTER },
    { .name = "rediss+cluster", .kind = WS__REDIS_CLUSTER, .tls = true },
};

static const struct redis_scheme *redis_scheme_named(struct ws__str name)
{
    for (size_t i = 0; i < sizeof(redis_schemes) / sizeof(*redis_schemes); i++)
        if (ws__str_is_nocase(name, redis_schemes[i].name))
            return &redis_schemes[i];
    return NULL;
}

int ws__redis_url_parse(struct ws__redis_url *u, const char *s, ws_error *err)
{
    if (!s)
        s = "";
    struct ws__str rest = ws__str(s);
    const struct redis_scheme *scheme =
        redis_scheme_named(url_up_to(&rest, ":"));

    *u = (struct ws__redis_url){ 0 };
    if (!scheme || rest.n == 0)
        return url_fail(err, s,
                        "the scheme is none of redis, rediss, redis+unix, "
                        "redis+sentinel, redis+cluster");
    if (rest.n > INT_MAX / 8)
        return url_fail(err, "", "it is too long");
    u->kind = scheme->kind;
    u->tls = scheme->tls;
    skip_slash(&rest);
    int r = scheme->local ? parse_local(u, s, rest, err)
                          : parse_network(u, s, rest, err);
    if (r != 0)
        ws__redis_url_fini(u);
    return r == -ENOMEM ? ws__fail(err, r, "out of memory") : r;
}

void ws__redis_url_fini(struct ws__redis_url *u)
{
    ws_free(u->hosts);
    ws_free(u->master);
    ws_free(u->user);
    if (u->password)
        explicit_bzero(u->password, strlen(u->password));
    ws_free(u->password);
    *u = (struct ws__redis_url){ 0 };
}
