/* SPDX-License-Identifier: MIT */

#include "redis/link.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "fiber/sched.h"
#include "io/connect.h"
#include "io/tls.h"

enum {
    OUT_KEPT = 256 * 1024,
    SECRET_BEGINS = 4, /* so much of a password is known by */
};

/* ---- Connecting --------------------------------------------------------- */

static int link_connect(const struct ws__redis_host *h, int64_t deadline,
                        ws_event *cancel, ws_error *err)
{
    char text[WS__REDIS_HOST_LEN];
    int fd = h->port[0] == '\0'
                 ? ws__connect_path(h->name, deadline, cancel)
                 : ws__connect_host(h->name, h->port, deadline, cancel, err);

    if (fd < 0)
        ws__fail(err, fd, "connect to Redis at %s: %s",
                 ws__redis_host_text(text, h), ws__connect_error(h->name, fd));
    return fd;
}

static int link_secure(struct ws__stream *s, const struct ws__redis_way *w,
                       const struct ws__redis_host *h, int64_t deadline,
                       ws_event *cancel, ws_error *err)
{
    char text[WS__REDIS_HOST_LEN];
    struct ws__tls_host host = { h->name, ws__redis_host_text(text, h) };
    int r = ws__tls_connect(s, w->tls, &host, deadline, cancel, err);

    return r == 0 ? ws__tls_handshake(s, deadline, cancel, err) : r;
}

static int link_begin(struct ws__redis_link *l, const struct ws__redis_way *w,
                      const struct ws__redis_host *h, int64_t deadline,
                      ws_event *cancel, ws_error *err)
{
    int fd = link_connect(h, deadline, cancel, err);

    if (fd < 0)
        return fd;
    ws__stream_socket(&l->stream, fd);
    int r = ws__stream_watch(&l->stream, 0);
    if (r == 0 && w->secure)
        r = link_secure(&l->stream, w, h, deadline, cancel, err);
    if (r == 0) {
        l->reader = ws__redis_reader_new();
        r = l->reader ? 0 : -ENOMEM;
    }
    if (r != 0)
        ws__stream_fini(&l->stream);
    l->heard_at = ws_now();
    return r;
}

/* ---- Saying who we are -------------------------------------------------- */

/* Where no other command is under way. */
static int link_ask(struct ws__redis_link *l, const struct ws__redis_command *c,
                    int64_t deadline, ws_event *cancel,
                    struct ws__redis_reply **reply, ws_error *err)
{
    int r = ws__redis_link_put(l, c);

    if (r != 0)
        return ws__fail(err, r, "a command for Redis: %s", ws_strerror(r));
    r = ws__redis_link_next(l, deadline, cancel, reply, err);
    return ws__fail(r == 0 ? NULL : err, r, "Redis did not answer %.*s: %s",
                    (int)c->words[0].n, c->words[0].p, ws_strerror(r));
}

/* A server that does not know a command says it back: what of its text goes into
 * an error ends where the password begins. */
static int link_shown(const struct ws__redis_way *w,
                      const struct ws__redis_reply *reply)
{
    size_t n = w->password ? strnlen(w->password, SECRET_BEGINS) : 0;
    const char *at =
        n > 0 ? memmem(reply->str, reply->len, w->password, n) : NULL;

    return (int)(at ? (size_t)(at - reply->str) : reply->len);
}

/* A command for which anything but an error will do. */
static int link_tell(struct ws__redis_link *l, const struct ws__redis_way *w,
                     int64_t deadline, ws_event *cancel, int n,
                     const struct ws__str *words, ws_error *err)
{
    const struct ws__redis_command c = { .n = n, .words = words };
    struct ws__redis_reply *reply;
    int r = link_ask(l, &c, deadline, cancel, &reply, err);

    if (r != 0)
        return r;
    if (reply->type == WS__REDIS_ERROR)
        r = ws__fail(err, WS_ERR_REDIS, "Redis refuses %.*s: %.*s",
                     (int)words[0].n, words[0].p, link_shown(w, reply),
                     reply->str);
    ws__redis_reply_free(reply);
    return r;
}

static int link_auth(struct ws__redis_link *l, const struct ws__redis_way *w,
                     int64_t deadline, ws_event *cancel, ws_error *err)
{
    struct ws__str words[3] = { ws__str("AUTH") };
    int n = 1;

    if (w->user)
        words[n++] = ws__str(w->user);
    words[n++] = ws__str(w->password);
    int r = link_tell(l, w, deadline, cancel, n, words, err);
    if (l->out.begin) /* answered, or of no use any more */
        explicit_bzero(l->out.begin, ws__buf_size(&l->out));
    return r;
}

/* Until it has answered a server may be one that is stopped.  Who may not ask has
 * been answered. */
static int link_greet(struct ws__redis_link *l, const struct ws__redis_way *w,
                      int64_t deadline, ws_event *cancel, ws_error *err)
{
    const struct ws__str word = ws__str("PING");
    struct ws__redis_reply *reply;
    int r = link_ask(l, &(struct ws__redis_command){ .n = 1, .words = &word },
                     deadline, cancel, &reply, err);

    if (r != 0)
        return r;
    bool refused = reply->type == WS__REDIS_ERROR &&
                   !ws__redis_reply_is_error(reply, "NOPERM");
    if (ws__redis_reply_is_error(reply, "NOAUTH") && w->if_asked && w->password)
        r = link_auth(l, w, deadline, cancel, err);
    else if (refused)
        r = ws__fail(err, WS_ERR_REDIS, "Redis refuses a connection: %s",
                     reply->str);
    ws__redis_reply_free(reply);
    return r;
}

static int link_select(struct ws__redis_link *l, const struct ws__redis_way *w,
                       int64_t deadline, ws_event *cancel, ws_error *err)
{
    char number[24];

    if (w->db == 0)
        return 0;
    *ws__decimal(number, (unsigned)w->db) = '\0';
    const struct ws__str words[] = { ws__str("SELECT"), ws__str(number) };
    return link_tell(l, w, deadline, cancel, 2, words, err);
}

/* A Sentinel may not have heard yet that it is no longer the master.  Who may not
 * ask has READONLY to learn it by. */
static int link_check_role(struct ws__redis_link *l,
                           const struct ws__redis_way *w, int64_t deadline,
                           ws_event *cancel, ws_error *err)
{
    const struct ws__str word = ws__str("ROLE");
    struct ws__redis_reply *reply;

    if (!w->master)
        return 0;
    int r = link_ask(l, &(struct ws__redis_command){ .n = 1, .words = &word },
                     deadline, cancel, &reply, err);
    if (r != 0)
        return r;
    if (reply->type == WS__REDIS_ARRAY &&
        !ws__str_is(ws__redis_reply_str(ws__redis_reply_at(reply, 0)),
                    "master"))
        r = ws__fail(err, WS_ERR_REDIS,
                     "what Sentinel calls the master is none (yet)");
    ws__redis_reply_free(reply);
    return r;
}

static int link_hello(struct ws__redis_link *l, const struct ws__redis_way *w,
                      int64_t deadline, ws_event *cancel, ws_error *err)
{
    int r = 0;

    if (w->password && !w->if_asked)
        r = link_auth(l, w, deadline, cancel, err);
    if (r == 0)
        r = link_greet(l, w, deadline, cancel, err);
    if (r == 0)
        r = link_select(l, w, deadline, cancel, err);
    if (r == 0)
        r = link_check_role(l, w, deadline, cancel, err);
    return r;
}

int ws__redis_link_open(struct ws__redis_link *l, const struct ws__redis_way *w,
                        const struct ws__redis_host *h, int64_t deadline,
                        ws_event *cancel, ws_error *err)
{
    char text[WS__REDIS_HOST_LEN];
    ws_error unseen = { 0 };

    if (!err)
        err = &unseen;
    l->reader = NULL;
    l->out = (struct ws__buf){ 0 };
    int r = link_begin(l, w, h, deadline, cancel, err);
    if (r == 0) {
        r = link_hello(l, w, deadline, cancel, err);
        if (r != 0)
            ws__redis_link_close(l);
    }
    if (r != 0)
        ws__fail(err, r, "Redis at %s: %s", ws__redis_host_text(text, h),
                 ws_strerror(r));
    return r;
}

void ws__redis_link_close(struct ws__redis_link *l)
{
    if (!l->reader)
        return;
    ws__stream_fini(&l->stream);
    ws__redis_reader_free(l->reader);
    l->reader = NULL;
    ws__buf_release(&l->out, NULL);
}

/* ---- Commands out, replies in ------------------------------------------- */

int ws__redis_link_put_bytes(struct ws__redis_link *l, const char *p, size_t n)
{
    int r = ws__buf_reserve(&l->out, n, SIZE_MAX / 2, NULL);

    if (r == 0)
        ws__buf_append(&l->out, p, n);
    return r;
}

int ws__redis_link_put(struct ws__redis_link *l,
                       const struct ws__redis_command *c)
{
    char *bytes;
    size_t n;
    int r = ws__redis_format(c, &bytes, &n);

    if (r != 0)
        return r;
    r = ws__redis_link_put_bytes(l, bytes, n);
    explicit_bzero(bytes, n); /* it may have held the password */
    ws__redis_format_free(bytes);
    return r;
}

/* What there is room for. */
static int link_send(struct ws__redis_link *l)
{
    while (ws__buf_used(&l->out) > 0) {
        struct iovec v = { l->out.pos, ws__buf_used(&l->out) };
        ssize_t n = ws__stream_writev(&l->stream, &v, 1);

        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return (int)n;
        l->out.pos += n;
        ws__take_turns();
    }
    if (ws__buf_size(&l->out) > OUT_KEPT)
        ws__buf_release(&l->out, NULL);
    return 0;
}

static int link_wait(struct ws__redis_link *l, int64_t deadline, ws_event *wake)
{
    struct ws__stream *s = &l->stream;
    int events = s->read_events;

    if (ws__buf_used(&l->out) > 0)
        events |= s->write_events;
    struct ws__wait_key key = ws__wait_unset(wake);
    int r = ws__stream_wait_while(s, events, deadline, &key, wake ? 1 : 0);
    if (r < 0)
        return r;
    s->readable = true;
    return 0;
}

/* What has come. */
static int link_receive(struct ws__redis_link *l)
{
    ssize_t n = ws__stream_read(&l->stream, l->in, sizeof(l->in));

    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        return n == 0 ? WS_ERR_EOF : (int)n;
    l->heard_at = ws__now_about();
    ws__take_turns();
    return ws__redis_reader_feed(l->reader, l->in, (size_t)n);
}

/* Whatever ends the wait, an end of the stream that is here is to be found before
 * anything is sent. */
static int link_step(struct ws__redis_link *l, int64_t deadline, ws_event *wake)
{
    int waited = l->stream.readable ? 0 : link_wait(l, deadline, wake);

    if (waited != 0 && waited != WS_ERR_TIMEOUT && waited != WS_ERR_CANCELED)
        return waited;
    int r = link_receive(l);
    return r != 0 ? r : waited;
}

int ws__redis_link_next(struct ws__redis_link *l, int64_t deadline,
                        ws_event *wake, struct ws__redis_reply **reply,
                        ws_error *err)
{
    for (;;) {
        int r = link_send(l);

        if (r == 0)
            r = ws__redis_reader_next(l->reader, reply, err);
        if (r == 0 && *reply)
            return 0;
        if (r == 0)
            r = link_step(l, deadline, wake);
        if (r == WS_ERR_TIMEOUT || r == WS_ERR_CANCELED)
            return r;
        if (r != 0)
            return ws__fail(err, r, "the connection to Redis: %s",
                            r == WS_ERR_EOF ? "it was closed at the other end"
                                            : ws__stream_error(&l->stream, r));
    }
}

int ws__redis_link_ask(const struct ws__redis_way *w,
                       const struct ws__redis_host *h,
                       const struct ws__redis_command *c, int64_t deadline,
                       ws_event *cancel, struct ws__redis_reply **reply,
                       ws_error *err)
{
    struct ws__redis_link *l = ws__alloc(sizeof(*l));

    if (!l)
        return ws__fail(err, -ENOMEM, "out of memory");
    int r = ws__redis_link_open(l, w, h, deadline, cancel, err);
    if (r == 0)
        r = link_ask(l, c, deadline, cancel, reply, err);
    ws__redis_link_close(l);
    ws_free(l);
    return r;
}
