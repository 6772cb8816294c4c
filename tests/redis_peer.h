/* SPDX-License-Identifier: MIT */

#ifndef TESTS_REDIS_PEER_H
#define TESTS_REDIS_PEER_H

/* A client of Redis, and the test as its server, on a local socket: it hears and
 * says every byte. */

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "mode.h"
#include "pair.h"
#include "redis/client.h"

struct redis_peer {
    char folder[32];
    char path[40];
    int listener;
    struct ws__redis *client;
    ws_fiber *running;
    int result; /* of ws__redis_run */
    pthread_mutex_t lock;
    char heard[4096]; /* what the listener was told, each with a ';' */
};

/* ---- What the listener is told ------------------------------------------ */

static inline void redis_note(struct redis_peer *p, const char *what,
                              struct ws__str a, struct ws__str b)
{
    pthread_mutex_lock(&p->lock);
    size_t n = strlen(p->heard);
    snprintf(p->heard + n, sizeof(p->heard) - n, "%s %.*s%s%.*s;", what,
             (int)a.n, a.p, b.n ? " " : "", (int)b.n, b.p);
    pthread_mutex_unlock(&p->lock);
}

static inline void redis_message(struct ws__str channel, struct ws__str data,
                                 void *arg)
{
    redis_note(arg, "message", channel, data);
}

static inline void redis_subscribed(struct ws__str channel, void *arg)
{
    redis_note(arg, "subscribed", channel, ws__str(""));
}

static inline void redis_lost(struct ws__str channel, void *arg)
{
    redis_note(arg, "lost", channel, ws__str(""));
}

static inline void redis_refused(struct ws__str channel, struct ws__str why,
                                 void *arg)
{
    redis_note(arg, "refused", channel, why);
}

static inline bool redis_has_heard(struct redis_peer *p, const char *all)
{
    pthread_mutex_lock(&p->lock);
    bool equal = strcmp(p->heard, all) == 0;
    pthread_mutex_unlock(&p->lock);
    return equal;
}

/* All of it, in this order. */
static inline void redis_expect_heard(struct redis_peer *p, const char *all)
{
    int64_t until = patience();

    while (!redis_has_heard(p, all) && ws_now() < until)
        ws_sleep(1);
    assert_string_equal(p->heard, all);
}

/* ---- Both ends ---------------------------------------------------------- */

static inline void redis_run(void *arg)
{
    struct redis_peer *p = arg;

    p->result = ws__redis_run(p->client);
}

static inline void redis_init(struct redis_peer *p)
{
    *p = (struct redis_peer){ .lock = PTHREAD_MUTEX_INITIALIZER };
}

static inline void redis_listen(struct redis_peer *p)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    redis_init(p);
    snprintf(p->folder, sizeof(p->folder), "/tmp/redis.XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->path, sizeof(p->path), "%s/s", p->folder);
    memcpy(un.sun_path, p->path, strlen(p->path));
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(p->listener, 16), 0);
}

/* Times of 0 are long enough to be of no matter. */
struct redis_times {
    int connect_ms;
    int silence_ms;
};

static inline void redis_begin_url(struct redis_peer *p, const char *url,
                                   struct redis_times t)
{
    ws_error err;

    p->client = ws__redis_new(
        &(struct ws__redis_options){
            .url = url,
            .connect_timeout_ms = t.connect_ms ? t.connect_ms : PATIENCE_MS,
            .silence_ms = t.silence_ms ? t.silence_ms : PATIENCE_MS,
            .listener = { .message = redis_message,
                          .subscribed = redis_subscribed,
                          .lost = redis_lost,
                          .refused = redis_refused,
                          .arg = p },
        },
        &err);
    if (!p->client)
        fail_msg("%s", err.text);
    p->running = mode_go(redis_run, p);
}

static inline void redis_begin_with(struct redis_peer *p, const char *user,
                                    const char *query, struct redis_times t)
{
    char url[128];

    redis_listen(p);
    snprintf(url, sizeof(url), "redis+unix://%s%s%s", user, p->path, query);
    redis_begin_url(p, url, t);
}

static inline void redis_begin(struct redis_peer *p)
{
    redis_begin_with(p, "", "", (struct redis_times){ 0 });
}

static inline void redis_end(struct redis_peer *p)
{
    if (p->client) {
        ws__redis_stop(p->client);
        ws_join(p->running);
        assert_int_equal(p->result, 0);
        ws__redis_free(p->client);
    }
    if (p->path[0] == '\0')
        return;
    close(p->listener);
    unlink(p->path);
    rmdir(p->folder);
}

/* ---- The server --------------------------------------------------------- */

static inline void redis_say(int fd, const char *text)
{
    say(fd, text, strlen(text));
}

/* Up to the end of what is expected, which may hold a NUL. */
static inline void redis_hear_n(int fd, const char *expected, size_t n)
{
    char *got = malloc(n + 1);

    assert_non_null(got);
    assert_true(hear_n(fd, got, n));
    got[n] = '\0';
    if (memcmp(got, expected, n) != 0)
        fail_msg("heard \"%s\", expected \"%s\"", got, expected);
    free(got);
}

/* A command of words with a space between. */
static inline void redis_hear(int fd, const char *words)
{
    char bytes[1024], rest[512];
    int count = 0, n = 0;

    snprintf(rest, sizeof(rest), "%s", words);
    for (const char *c = words; *c; c++)
        count += *c == ' ';
    n = snprintf(bytes, sizeof(bytes), "*%d\r\n", count + 1);
    for (char *save, *w = strtok_r(rest, " ", &save); w;
         w = strtok_r(NULL, " ", &save))
        n += snprintf(bytes + n, sizeof(bytes) - (size_t)n, "$%zu\r\n%s\r\n",
                      strlen(w), w);
    redis_hear_n(fd, bytes, (size_t)n);
}

static inline int redis_accept(const struct redis_peer *p)
{
    assert_true(ws_wait_fd(p->listener, POLLIN, patience()) > 0);
    int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* A connection that has been greeted. */
static inline int redis_greet(const struct redis_peer *p)
{
    int fd = redis_accept(p);

    redis_hear(fd, "PING");
    redis_say(fd, "+PONG\r\n");
    return fd;
}

/* The client has closed it. */
static inline void redis_expect_end(int fd)
{
    hear_to_the_end(fd);
    close(fd);
}

/* The client ends, and closes the connection. */
static inline void redis_end_with(struct redis_peer *p, int fd)
{
    redis_end(p);
    redis_expect_end(fd);
}

/* ---- Callers ------------------------------------------------------------ */

struct redis_asked {
    struct redis_peer *peer;
    const struct ws__redis_script *script; /* NULL: a command */
    const char *key;                       /* NULL: none */
    char line[256];
    int ms;
    ws_fiber *fiber;
    atomic_bool over;
    int code;
    struct ws__redis_reply *reply;
    bool done;
    ws_error err;
};

static inline void redis_do_ask(void *arg)
{
    struct redis_asked *a = arg;
    struct ws__str words[16];
    struct ws__redis_command c = { .words = words,
                                   .key = ws__str(a->key ? a->key : "") };
    char line[256], *save;

    memcpy(line, a->line, sizeof(line));
    for (char *w = strtok_r(line, " ", &save); w;
         w = strtok_r(NULL, " ", &save))
        words[c.n++] = ws__str(w);
    int64_t deadline = ws_after(a->ms ? a->ms : PATIENCE_MS);
    a->code = a->script ? ws__redis_eval(a->peer->client, a->script, &c,
                                         deadline, &a->reply, &a->done, &a->err)
                        : ws__redis_call(a->peer->client, &c, deadline,
                                         &a->reply, &a->done, &a->err);
    atomic_store(&a->over, true);
}

/* Begin to ask; ms 0: until it is answered. */
static inline void redis_ask(struct redis_asked *a, struct redis_peer *p,
                             const char *words, int ms)
{
    const struct ws__redis_script *script = a->script;
    const char *key = a->key;

    *a = (struct redis_asked){
        .peer = p, .script = script, .key = key, .ms = ms
    };
    snprintf(a->line, sizeof(a->line), "%s", words);
    a->fiber = mode_go(redis_do_ask, a);
    assert_non_null(a->fiber);
}

/* It was answered with a status, an error or a string. */
static inline void redis_expect(struct redis_asked *a, const char *text)
{
    ws_join(a->fiber);
    if (a->code != 0)
        fail_msg("%s: %d %s", a->line, a->code, a->err.text);
    assert_string_equal(ws__redis_reply_str(a->reply).p, text);
    ws__redis_reply_free(a->reply);
}

/* It failed. */
static inline void redis_expect_code(struct redis_asked *a, int code, bool done,
                                     const char *said)
{
    ws_join(a->fiber);
    assert_int_equal(a->code, code);
    assert_int_equal(a->err.code, code);
    assert_null(a->reply);
    assert_int_equal(a->done, done);
    if (!strstr(a->err.text, said))
        fail_msg("%s", a->err.text);
}

#endif
