/* SPDX-License-Identifier: MIT */

/* Forwarded (RFC 7239) and X-Forwarded-For, -Proto, -Host, behind proxies that
 * are trusted. */

#include "fuzz/fields.h"

#include "proto/forwarded.h"
#include "proto/http_target.h"

static const char *const nets[] = { "192.0.2.0/24", "10.0.0.1", "2001:db8::/32",
                                    NULL };

static struct ws__trusted *trusted(bool any)
{
    struct ws__trusted *t = NULL;

    CHECK(ws__trusted_new(&t, any ? nets : NULL, NULL) == 0);
    return t;
}

/* Written as a Forwarded field, it says the same of the client. */
static void check_again(const struct ws__forwarded *f)
{
    char address[WS__ENDPOINT_LEN], value[128];
    const ws_header headers[] = { { "Forwarded", value }, { 0 } };
    struct ws__forwarded again;

    if (!f->has_ip)
        return;
    ws__endpoint_text(address, &f->ip, f->port);
    snprintf(value, sizeof(value), "for=\"%s\"%s", address,
             f->tls == WS__SAID_TLS     ? ";proto=https"
             : f->tls == WS__SAID_PLAIN ? ";proto=http"
                                        : "");
    CHECK(!ws__forwarded_read(&again, headers, NULL));
    CHECK(again.has_ip && again.port == f->port && again.tls == f->tls);
    CHECK(ws__ip_same_prefix(&again.ip, &f->ip, 8 * f->ip.n));
}

/* Does s lie in one of the values? */
static bool is_of(struct ws__str s, const struct fields *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (is_within(s, ws__str(f->list[i].value)))
            return true;
    return s.n == 0;
}

/* A hop in front of all, whoever wrote it, changes nothing as long as one that
 * is not trusted stands behind it. */
static void check_lie(const struct fields *f, const struct ws__forwarded *said,
                      const struct ws__trusted *t)
{
    ws_header list[FIELDS_MAX + 2] = { { "X-Forwarded-For", "198.51.100.7" } };
    struct ws__forwarded lied;

    if (!said->has_ip || ws__trusted_has(t, &said->ip) ||
        !ws_header_get(f->list, "X-Forwarded-For") ||
        ws_header_get(f->list, "Forwarded"))
        return;
    memcpy(list + 1, f->list, (f->n + 1) * sizeof(*list));
    CHECK(!ws__forwarded_read(&lied, list, t));
    CHECK(lied.has_ip && lied.port == said->port);
    CHECK(ws__ip_same_prefix(&lied.ip, &said->ip, 8 * said->ip.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    struct ws__trusted *t = trusted(take_byte(&in) & 1);
    struct fields f = { 0 };
    struct ws__forwarded said;

    take_fields(&f, &in);
    const char *fault = ws__forwarded_read(&said, f.list, t);
    if (fault) {
        CHECK(is_line(fault));
    } else {
        CHECK(ws__host_valid(said.host) && is_of(said.host, &f));
        CHECK(said.port >= WS__NO_PORT && said.port <= 65535);
        CHECK(!said.has_ip || said.ip.n == 4 || said.ip.n == 16);
        check_again(&said);
        check_lie(&f, &said, t);
    }
    free_fields(&f);
    ws_free(t);
    return 0;
}
