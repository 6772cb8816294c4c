/* SPDX-License-Identifier: MIT */

/* URLs of servers, proxies and Redis, as a client is told them by a program, a
 * redirect or the environment: what is taken is taken again when it is put
 * together from its parts, and no error tells a password. */

#include "fuzz/fuzz.h"

#include "proto/http_target.h"
#include "proto/url.h"
#include "redis/url.h"

typedef int parse_fn(struct ws__url *u, const char *s, ws_error *err);

static const struct kind {
    parse_fn *parse;
    const char *scheme, *tls, *socks;
} kinds[] = {
    { ws__url_parse, "ws", "wss", "" },
    { ws__url_parse_proxy, "http", "https", "socks5" },
    { ws__url_parse_redis, "redis", "", "" },
};

static void check_parts(const struct ws__url *u)
{
    unsigned long long port;
    struct ws__target t;

    CHECK(u->name[0] && u->host[0]);
    CHECK(ws__host_valid(ws__str(u->host_port)));
    CHECK(ws__target_split(ws__str(u->target), &t) && u->target[0] == '/');
    CHECK(!u->credentials || strlen(u->credentials) > u->user_len);
    CHECK(!u->credentials || u->credentials[u->user_len] == ':');
    if (u->path) {
        CHECK(u->path[0]);
        return;
    }
    CHECK(ws__host_valid(ws__str(u->authority)));
    CHECK(ws__str_number(ws__str(u->port), 65535, &port) && port > 0);
    CHECK(u->port[0] != '0');
}

/* Without credentials, which are decoded, and a zone, which is not told. */
static void check_again(const struct kind *k, const struct ws__url *u)
{
    const char *scheme = u->tls ? k->tls : u->socks ? k->socks : k->scheme;
    size_t n = strlen(u->authority) + strlen(u->target) + 16;
    char *text = malloc(n);
    struct ws__url again;

    CHECK(text);
    snprintf(text, n, "%s://%s%s", scheme, u->authority, u->target);
    CHECK(k->parse(&again, text, NULL) == 0);
    CHECK(strcmp(again.name, u->name) == 0);
    CHECK(strcmp(again.port, u->port) == 0);
    CHECK(strcmp(again.target, u->target) == 0);
    CHECK(k->parse == ws__url_parse_redis || /* or a Sentinel's */
          strcmp(again.host_port, u->host_port) == 0);
    CHECK(again.tls == u->tls && again.socks == u->socks);
    ws__url_fini(&again);
    free(text);
}

/* A password of ten letters, in front of the last "@" of the URL. */
static void check_secret(const char *s, const ws_error *err)
{
    static const char secret[] = "kuhsohlied";
    const char *at = strrchr(s, '@'), *where = strstr(s, secret);

    if (at && where && where < at && !strstr(where + 1, secret))
        CHECK(!strstr(err->text, secret));
}

static void check_url(const struct kind *k, const char *s)
{
    ws_error err = { 0 };
    struct ws__url u;
    int r = k->parse(&u, s, &err);

    CHECK(r == 0 || r == WS_ERR_URL);
    check_error(r, &err);
    check_secret(s, &err);
    if (r == 0) {
        check_parts(&u);
        if (!u.path)
            check_again(k, &u);
    }
    ws__url_fini(&u);
}

static void check_redis(const char *s)
{
    char text[WS__REDIS_HOST_LEN];
    ws_error err = { 0 };
    struct ws__redis_url u;
    int r = ws__redis_url_parse(&u, s, &err);

    CHECK(r == 0 || r == WS_ERR_URL);
    check_error(r, &err);
    check_secret(s, &err);
    if (r != 0)
        return;
    CHECK(u.n > 0 && u.n <= 64 && u.db >= 0);
    CHECK(!u.user || u.password);
    CHECK((u.kind == WS__REDIS_SENTINEL) == (u.master && u.master[0]));
    for (size_t i = 0; i < u.n; i++)
        CHECK(u.hosts[i].name[0] &&
              ws__redis_host_text(text, &u.hosts[i])[0] != '\0');
    ws__redis_url_fini(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    unsigned kind = take_byte(&in) & 3;
    char *s = string_of(as_str(in));

    if (kind < COUNT(kinds))
        check_url(&kinds[kind], s);
    else
        check_redis(s);
    free(s);
    return 0;
}
