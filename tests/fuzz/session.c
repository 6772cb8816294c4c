/* SPDX-License-Identifier: MIT */

/*
 * An HTTP connection of a server, over a socketpair of which the far end has
 * said all that it says: however its bytes come, the same requests reach the
 * handler, and the same answers go out, each of which a client can read.
 */

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#include "base/alloc.h"
#include "conn/linger.h"
#include "http/host.h"
#include "http/session.h"
#include "http/upgrade.h"
#include "proto/http_body.h"
#include "proto/http_parse.h"
#include "proto/trusted.h"
#include "server/defaults.h"

enum {
    INPUT_MAX = 2048,
    RECORDS_MAX = 64,
    BODY_MAX = 256,
    LONG_MS = 600 * 1000, /* nothing waits */
    TALK_MAX = 1 << 18,
};

/* What the handler has seen, and what the client got. */
struct talk {
    size_t n;
    size_t requests;
    size_t got;
    char seen[TALK_MAX];
    char answers[TALK_MAX];
};

static struct talk *talk; /* that goes on */

static void note(const char *s, size_t n)
{
    CHECK(talk->n + n + 1 < TALK_MAX);
    memcpy(talk->seen + talk->n, s, n);
    talk->n += n;
    talk->seen[talk->n++] = '\n';
}

static void handle(ws_request *r, void *arg)
{
    (void)arg;
    CHECK(r->path[0] == '/' || strcmp(r->path, "*") == 0);
    CHECK(r->body[r->body_len] == '\0' && r->body_fd == -1);
    note(r->method, strlen(r->method));
    note(r->path, strlen(r->path));
    note(r->query, strlen(r->query));
    note(r->host, strlen(r->host));
    note(r->remote_addr, strlen(r->remote_addr));
    for (const ws_header *h = r->headers; h->name; h++) {
        note(h->name, strlen(h->name));
        note(h->value, strlen(h->value));
    }
    note(r->body, r->body_len);
    talk->requests++;
    CHECK(r->body_len <= BODY_MAX);
    char text[BODY_MAX + 1] = "<"; /* no body looks like an answer */
    memcpy(text + 1, r->body, r->body_len);
    ws_reply(r, 200, NULL, text, 1 + r->body_len);
}

static void hear_log(const ws_log_record *record, void *arg)
{
    (void)arg;
    CHECK(is_line(record->line) && record->fields[0]);
}

/* ---- The two ends ------------------------------------------------------- */

static struct ws__host *host_of(unsigned settings)
{
    static struct ws__host hosts[2];
    static const char *const nets[] = { "unix", "192.0.2.0/24", NULL };
    static const ws_route routes[] = {
        { .path = "/", .handler = handle },
        { .path = "/only", .handler = handle, .method = "POST" },
        { 0 }
    };
    struct ws__host *h = &hosts[settings & 1];

    if (h->registry)
        return h;
    h->server = (ws_server){
        .routes = routes,
        .request_timeout_ms = LONG_MS,
        .idle_timeout_ms = LONG_MS,
        .max_header_bytes = 512,
        .max_body_bytes = BODY_MAX,
        .trusted_proxies = settings & 1 ? nets : NULL,
        .proxy_protocol = settings & 1,
    };
    ws__defaults(&h->server);
    h->registry =
        ws__registry_new(1, routes, &ws__session_ops, &ws__upgraded_ops);
    CHECK(h->registry);
    CHECK(ws__trusted_new(&h->trusted, h->server.trusted_proxies, NULL) == 0);
    return h;
}

/* In records, each of which is what one read gets. */
static void say(int fd, struct input in, struct steps steps)
{
    for (size_t i = 0; in.n > 0; i++) {
        size_t n = i < RECORDS_MAX ? step(&steps, in.n) : in.n;
        struct input now = take_bytes(&in, n);

        CHECK(send(fd, now.p, now.n, 0) == (ssize_t)now.n);
    }
    shutdown(fd, SHUT_WR);
}

static void serve(struct ws__host *host, int fd)
{
    struct ws__newcomer *n = ws__zalloc(sizeof(*n));

    CHECK(n && ws__session_begin(host->registry, 0));
    n->host = host;
    n->fd = fd;
    n->first_by = ws_after(LONG_MS);
    ws__session_run(n);
}

static void hear(int fd)
{
    ssize_t n;

    do {
        n = recv(fd, talk->answers + talk->got, TALK_MAX - talk->got - 1, 0);
        talk->got += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == ECONNRESET)); /* it comes first */
    talk->answers[talk->got] = '\0';
}

static void converse(struct talk *t, struct input in, struct steps steps,
                     unsigned settings)
{
    /* The PROXY header is taken out of what a socket holds. */
    int type = settings & 1 ? SOCK_STREAM : SOCK_SEQPACKET;
    int pair[2], room = 1 << 20;

    CHECK(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair) == 0);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    talk = t;
    t->n = t->requests = t->got = 0;
    say(pair[1], in, steps);
    serve(host_of(settings), pair[0]);
    hear(pair[1]);
    close(pair[1]);
}

/* ---- What came of it ---------------------------------------------------- */

/* The size of the answer at p, whose date is blotted out.  The body of one to
 * HEAD, of which only the length is there, is none. */
static size_t check_answer(char *p, size_t all, int *status)
{
    static const char date[] = "\r\nDate: ";
    struct ws__http_head h;
    ws_header fields[WS__FIELDS_MAX + 1];
    struct ws__body body;
    char head[4096];

    ws__http_init(&h, true, sizeof(head) - 1);
    int n = ws__http_parse(&h, p, all);
    CHECK(n > 0 && h.status >= 100 && h.status <= 599);
    size_t size = (size_t)n;
    memcpy(head, p, size);
    ws__http_strings(&h, head, fields);
    char *at = memmem(p, size, date, strlen(date));
    if (at)
        memset(at + strlen(date), 'x', 29);
    CHECK(ws__body_init(&body, fields, h.minor) == 0 && !body.chunked);
    *status = h.status;
    if (body.left > all - size || memcmp(p + size, "HTTP/1.1 ", 9) == 0)
        return size;
    return size + body.left;
}

/* Whether 100 is among them depends on what has come. */
static void check_answers(struct talk *t)
{
    size_t at = 0;

    while (at < t->got) {
        int status;
        size_t n = check_answer(t->answers + at, t->got - at, &status);

        if (status == 100) {
            t->got -= n;
            memmove(t->answers + at, t->answers + at + n, t->got - at + 1);
        } else {
            at += n;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct talk whole, split;
    struct input in = { data, size < INPUT_MAX ? size : INPUT_MAX };
    unsigned settings = take_byte(&in);
    struct steps steps = take_steps(&in);

    ws_set_log_records(hear_log, NULL);
    ws__linger_quiet_ms = 0; /* nobody hears before the end */
    converse(&whole, in, (struct steps){ 0 }, settings);
    converse(&split, in, steps, settings);
    CHECK(whole.requests == split.requests && whole.n == split.n);
    CHECK(memcmp(whole.seen, split.seen, whole.n) == 0);
    check_answers(&whole);
    check_answers(&split);
    CHECK(whole.got == split.got);
    CHECK(memcmp(whole.answers, split.answers, whole.got) == 0);
    return 0;
}
