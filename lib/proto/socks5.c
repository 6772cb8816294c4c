/* SPDX-License-Identifier: MIT */

#include "proto/socks5.h"

#include <string.h>

#include "base/error.h"
#include "base/line.h"
#include "base/str.h"
#include "proto/ip.h"

enum { VERSION = 5, AUTH_VERSION = 1 };
enum { NO_AUTH = 0, PASSWORD = 2, NO_METHOD = 0xff };
enum { CONNECT = 1 };
enum { IPV4 = 1, NAME = 3, IPV6 = 4 };

/* Whose answer is awaited. */
enum { METHOD, AUTH, REPLY };

static void say(struct ws__socks5 *s, const void *p, size_t n)
{
    memcpy(s->out + s->out_len, p, n);
    s->out_len += n;
}

static void say_byte(struct ws__socks5 *s, size_t byte)
{
    say(s, &(uint8_t){ (uint8_t)byte }, 1);
}

static void begin_turn(struct ws__socks5 *s, int turn, uint8_t version)
{
    s->turn = turn;
    s->out_len = 0;
    say_byte(s, version);
}

/* RFC 1928, section 3. */
static void greet(struct ws__socks5 *s)
{
    begin_turn(s, METHOD, VERSION);
    say_byte(s, s->user ? 2 : 1);
    say_byte(s, NO_AUTH);
    if (s->user)
        say_byte(s, PASSWORD);
}

/* RFC 1929, section 2. */
static void authenticate(struct ws__socks5 *s)
{
    size_t n = strlen(s->password);

    begin_turn(s, AUTH, AUTH_VERSION);
    say_byte(s, s->user_len);
    say(s, s->user, s->user_len);
    say_byte(s, n);
    say(s, s->password, n);
}

/* RFC 1928, section 4. */
static void request(struct ws__socks5 *s)
{
    size_t n = strlen(s->host);
    struct ws__ip ip;

    begin_turn(s, REPLY, VERSION);
    say_byte(s, CONNECT);
    say_byte(s, 0);
    if (ws__ip_parse(&ip, ws__str(s->host))) {
        say_byte(s, ip.n == 4 ? IPV4 : IPV6);
        say(s, ip.bytes, ip.n);
    } else {
        say_byte(s, NAME);
        say_byte(s, n);
        say(s, s->host, n);
    }
    say_byte(s, s->port >> 8);
    say_byte(s, s->port & 0xff);
}

int ws__socks5_begin(struct ws__socks5 *s, const char *host, unsigned port,
                     const char *credentials, size_t user_len, ws_error *err)
{
    *s = (struct ws__socks5){ .host = host, .port = port };
    if (strlen(host) > 255)
        return ws__fail(err, WS_ERR_PROXY,
                        "a SOCKS proxy takes names of at most 255 bytes");
    if (credentials) {
        s->user = credentials;
        s->user_len = user_len;
        s->password = credentials + user_len + 1;
        if (user_len == 0 || user_len > 255 || strlen(s->password) > 255)
            return ws__fail(err, WS_ERR_PROXY,
                            "a SOCKS proxy takes a user of 1 to 255 bytes and "
                            "a password of at most 255");
    }
    greet(s);
    return 0;
}

/* ---- Answers ------------------------------------------------------------ */

static int take_method(struct ws__socks5 *s, const uint8_t *p, size_t n,
                       ws_error *err)
{
    int method = p[1];

    (void)n;
    if (method == NO_AUTH)
        request(s);
    else if (method == PASSWORD && s->user)
        authenticate(s);
    else if (method == NO_METHOD)
        return ws__fail(err, WS_ERR_PROXY,
                        s->user ? "it takes no user and password"
                                : "it wants credentials");
    else
        return ws__fail(err, WS_ERR_PROXY,
                        "it chose the method %d, which was not offered",
                        method);
    return 2;
}

static int take_auth(struct ws__socks5 *s, const uint8_t *p, size_t n,
                     ws_error *err)
{
    (void)n;
    if (p[1] != 0)
        return ws__fail(err, WS_ERR_PROXY,
                        "it refused the user and password (code %d)", p[1]);
    request(s);
    return 2;
}

/* RFC 1928, section 6. */
static int fail_reply(int code, ws_error *err)
{
    static const char *const texts[] = {
        [1] = "general failure",
        [2] = "its rules do not allow the connection",
        [3] = "it cannot reach the network",
        [4] = "it cannot reach the host",
        [5] = "the server refused the connection",
        [6] = "time to live expired",
        [7] = "command not supported",
        [8] = "address type not supported",
    };
    const size_t n = sizeof(texts) / sizeof(*texts);

    return ws__fail(err, WS_ERR_PROXY, "%s (code %d)",
                    (size_t)code < n ? texts[code] : "unknown failure", code);
}

/* A refusal is one at once: some proxies end it there.  The address that
 * follows says nothing to us. */
static int take_reply(struct ws__socks5 *s, const uint8_t *p, size_t n,
                      ws_error *err)
{
    size_t size = 4 + 2;

    if (p[1] != 0)
        return fail_reply(p[1], err);
    if (n < 5)
        return 0;
    switch (p[3]) {
    case IPV4:
        size += 4;
        break;
    case IPV6:
        size += 16;
        break;
    case NAME:
        size += 1 + (size_t)p[4];
        break;
    default:
        return ws__fail(err, WS_ERR_PROXY,
                        "malformed answer: expected an address of type 1, 3 or "
                        "4, got %d",
                        p[3]);
    }
    if (n < size)
        return 0;
    s->out_len = 0;
    return (int)size;
}

int ws__socks5_take(struct ws__socks5 *s, const uint8_t *p, size_t n,
                    ws_error *err)
{
    static int (*const take[])(struct ws__socks5 *, const uint8_t *, size_t,
                               ws_error *) = {
        [METHOD] = take_method,
        [AUTH] = take_auth,
        [REPLY] = take_reply,
    };
    int version = s->turn == AUTH ? AUTH_VERSION : VERSION;
    char quote[WS__QUOTED];

    if (n > 0 && p[0] != version)
        return ws__fail(err, WS_ERR_PROXY,
                        "malformed answer: expected version %d, got %d: \"%s\"",
                        version, p[0],
                        ws__quote(quote, (struct ws__str){ (char *)p, n }));
    return n < 2 ? 0 : take[s->turn](s, p, n, err);
}
