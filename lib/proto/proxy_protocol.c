/* SPDX-License-Identifier: MIT */

#include "proto/proxy_protocol.h"

#include <string.h>

#include "base/endian.h"
#include "base/error.h"
#include "base/line.h"

enum {
    V1_MAX = 107, /* section 2.1, with CR and LF */
    V2_HEAD = 16, /* section 2.2: signature, command, family, length */
    UNIX_PATH = 108,
    TLV_HEAD = 3,
    TLV_SSL = 0x20,
    SSL_CLIENT = 1, /* bit 0 of its first byte */
};

static const char v1_begin[] = "PROXY ";
static const uint8_t v2_begin[12] = "\r\n\r\n\0\r\nQUIT\n";

static int proxied_fail(ws_error *err, const char *expected, const void *bytes,
                        size_t n)
{
    char got[WS__QUOTED];

    return ws__fail(err, WS_ERR_PROXY,
                    "PROXY protocol: expected %s, got \"%s\"", expected,
                    ws__quote(got, (struct ws__str){ bytes, n }));
}

/* ---- Version 1 ---------------------------------------------------------- */

/* One space and what follows it, up to the next. */
static bool v1_word(struct ws__str *line, struct ws__str *word)
{
    if (line->n == 0 || line->p[0] != ' ')
        return false;
    line->p++;
    line->n--;
    const char *space = line->n > 0 ? memchr(line->p, ' ', line->n) : NULL;
    word->p = line->p;
    word->n = space ? (size_t)(space - line->p) : line->n;
    line->p += word->n;
    line->n -= word->n;
    return word->n > 0;
}

static bool v1_ip(struct ws__str *line, bool v6, struct ws__ip *ip)
{
    struct ws__str word;

    return v1_word(line, &word) &&
           (memchr(word.p, ':', word.n) != NULL) == v6 &&
           ws__ip_parse(ip, word);
}

static bool v1_port(struct ws__str *line, int *port)
{
    struct ws__str word;
    unsigned long long value;

    if (!v1_word(line, &word) || !ws__str_number(word, 65535, &value) ||
        (word.n > 1 && word.p[0] == '0'))
        return false;
    *port = (int)value;
    return true;
}

/* " TCP4 192.0.2.1 192.0.2.2 56324 443", or " UNKNOWN" and whatever. */
static bool v1_line(struct ws__proxied *p, struct ws__str line)
{
    struct ws__str family;
    struct ws__ip to;
    int to_port;

    if (!v1_word(&line, &family))
        return false;
    if (ws__str_is(family, "UNKNOWN"))
        return true;
    bool v6 = ws__str_is(family, "TCP6");
    if (!v6 && !ws__str_is(family, "TCP4"))
        return false;
    p->from = WS__PROXIED_INET;
    return v1_ip(&line, v6, &p->ip) && v1_ip(&line, v6, &to) &&
           v1_port(&line, &p->port) && v1_port(&line, &to_port) && line.n == 0;
}

static int v1_read(struct ws__proxied *p, const char *bytes, size_t n,
                   ws_error *err)
{
    size_t begin = sizeof(v1_begin) - 2; /* at the space */
    const char *end = memchr(bytes, '\n', n < V1_MAX ? n : V1_MAX);

    if (!end && n < V1_MAX)
        return 0;
    if (!end || end[-1] != '\r')
        return proxied_fail(err, "a line of at most 107 bytes with CRLF", bytes,
                            n);
    size_t len = (size_t)(end - bytes) + 1;
    struct ws__str line = { .p = bytes + begin, .n = len - begin - 2 };
    if (!v1_line(p, line))
        return proxied_fail(err,
                            "TCP4 or TCP6, two addresses and two ports, or "
                            "UNKNOWN",
                            bytes, len);
    return (int)len;
}

/* ---- Version 2 ---------------------------------------------------------- */

/* Of each family both addresses together, and what follows them. */
enum family { UNSPEC, INET, INET6, LOCAL, FAMILIES };
static const size_t address_len[FAMILIES] = { 0, 12, 36, 2 * UNIX_PATH };

static void v2_address(struct ws__proxied *p, enum family family,
                       const uint8_t *a)
{
    const void *nul;

    switch (family) {
    case INET:
        p->from = WS__PROXIED_INET;
        p->ip = (struct ws__ip){ .n = 4 };
        memcpy(p->ip.bytes, a, 4);
        p->port = (int)load_be(a + 8, 2);
        break;
    case INET6:
        p->from = WS__PROXIED_INET;
        ws__ip_of_v6(&p->ip, a);
        p->port = (int)load_be(a + 32, 2);
        break;
    case LOCAL:
        nul = memchr(a, '\0', UNIX_PATH);
        p->from = WS__PROXIED_LOCAL;
        p->path.p = (const char *)a;
        p->path.n = nul ? (size_t)((const char *)nul - p->path.p) : UNIX_PATH;
        break;
    case UNSPEC:
    case FAMILIES:
        break;
    }
}

/* All are passed over but one (section 2.2.6).  Returns false where one does not
 * fit. */
static bool v2_tlvs(struct ws__proxied *p, const uint8_t *t, size_t n)
{
    while (n > 0) {
        size_t len = n < TLV_HEAD ? n : TLV_HEAD + (size_t)load_be(t + 1, 2);

        if (n < TLV_HEAD || len > n)
            return false;
        if (t[0] == TLV_SSL && len > TLV_HEAD)
            p->tls = (t[TLV_HEAD] & SSL_CLIENT) != 0;
        t += len;
        n -= len;
    }
    return true;
}

static int v2_read(struct ws__proxied *p, const uint8_t *b, size_t n,
                   ws_error *err)
{
    if (n < V2_HEAD)
        return 0;
    unsigned version = b[12] >> 4, command = b[12] & 0xf;
    unsigned family = b[13] >> 4, transport = b[13] & 0xf;
    size_t len = (size_t)load_be(b + 14, 2);

    if (version != 2 || command > 1)
        return proxied_fail(err, "version 2 and command 0 or 1", b + 12, 1);
    if (family >= FAMILIES || transport > 2)
        return proxied_fail(err, "a family of 0 to 3, a transport of 0 to 2",
                            b + 13, 1);
    bool proxied = command == 1 && family != UNSPEC;
    if (V2_HEAD + len > WS__PROXIED_MAX ||
        (proxied && len < address_len[family]))
        return proxied_fail(err, "a length that fits", b + 14, 2);
    if (n < V2_HEAD + len)
        return 0;
    const uint8_t *a = b + V2_HEAD;
    if (proxied) {
        size_t skip = address_len[family];

        v2_address(p, (enum family)family, a);
        if (!v2_tlvs(p, a + skip, len - skip))
            return proxied_fail(err, "TLVs that fit", a + skip, len - skip);
    }
    return (int)(V2_HEAD + len);
}

/* ---- Either ------------------------------------------------------------- */

static bool proxied_may_begin(const void *bytes, size_t n, const void *begin,
                              size_t len)
{
    return memcmp(bytes, begin, n < len ? n : len) == 0;
}

int ws__proxied_read(struct ws__proxied *p, const void *bytes, size_t n,
                     ws_error *err)
{
    *p = (struct ws__proxied){ .port = WS__NO_PORT };
    if (n == 0)
        return 0;
    if (proxied_may_begin(bytes, n, v2_begin, sizeof(v2_begin)))
        return v2_read(p, bytes, n, err);
    if (proxied_may_begin(bytes, n, v1_begin, sizeof(v1_begin) - 1))
        return v1_read(p, bytes, n, err);
    return proxied_fail(err, "\"PROXY \" or the signature of version 2", bytes,
                        n);
}
