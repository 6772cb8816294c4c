/* SPDX-License-Identifier: MIT */

/*
 * client URL [CA_FILE [CERT_FILE KEY_FILE]]: a client of Redis, which does what the lines of its input
 * say, each by itself, and tells what comes of it:
 *
 *   call ID MS KEY WORD...    ID reply REPLY, or: ID error CODE DONE TEXT
 *   eval ID MS KEY WORD...    the same with the script of this file
 *   on CHANNEL, off CHANNEL   subscribed CHANNEL, message CHANNEL DATA,
 *                             lost CHANNEL, refused CHANNEL WHY
 *   stop                      stopped CODE, and it ends
 *
 * KEY "-" is none.  A REPLY is written as "text", number, nil, +status, -error or
 * [elements].
 */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/client.h"

enum { LINE = 4096, WORDS = 24 };

/* Counts, and says how often; atomic, so it may come only once for each. */
static const char script_text[] =
    "local n = redis.call('INCRBY', KEYS[1], ARGV[1])\n"
    "return {n, ARGV[2]}\n";

static struct ws__redis *client;
static struct ws__redis_script script;
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

struct job {
    char line[LINE];
    char *word[WORDS];
    int n;
};

static void print_text(struct ws__str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= ' ' && s.p[i] < 0x7f)
            putchar(s.p[i]);
        else
            printf("\\x%02x", (unsigned char)s.p[i]);
}

static void print_reply(const struct ws__redis_reply *r)
{
    switch (r->type) {
    case WS__REDIS_STRING:
        putchar('"');
        print_text(ws__redis_reply_str(r));
        putchar('"');
        break;
    case WS__REDIS_STATUS:
    case WS__REDIS_ERROR:
        putchar(r->type == WS__REDIS_STATUS ? '+' : '-');
        print_text(ws__redis_reply_str(r));
        break;
    case WS__REDIS_INTEGER:
        printf("%lld", r->integer);
        break;
    case WS__REDIS_NIL:
        printf("nil");
        break;
    case WS__REDIS_ARRAY:
        putchar('[');
        for (size_t i = 0; i < r->elements; i++) {
            if (i > 0)
                putchar(' ');
            print_reply(r->element[i]);
        }
        putchar(']');
    }
}

static void print_begin(const char *what, struct ws__str about)
{
    pthread_mutex_lock(&printing);
    printf("%s ", what);
    print_text(about);
}

static void print_end(void)
{
    putchar('\n');
    fflush(stdout);
    pthread_mutex_unlock(&printing);
}

/* ---- What is heard ------------------------------------------------------ */

static void heard_message(struct ws__str channel, struct ws__str data,
                          void *arg)
{
    (void)arg;
    print_begin("message", channel);
    putchar(' ');
    print_text(data);
    print_end();
}

static void heard_subscribed(struct ws__str channel, void *arg)
{
    (void)arg;
    print_begin("subscribed", channel);
    print_end();
}

static void heard_lost(struct ws__str channel, void *arg)
{
    (void)arg;
    print_begin("lost", channel);
    print_end();
}

static void heard_refused(struct ws__str channel, struct ws__str why, void *arg)
{
    (void)arg;
    print_begin("refused", channel);
    putchar(' ');
    print_text(why);
    print_end();
}

/* ---- What is asked ------------------------------------------------------ */

static void *ask(void *arg)
{
    struct job *j = arg;
    struct ws__str words[WORDS];
    struct ws__redis_reply *reply;
    ws_error err;
    bool done;

    for (int i = 4; i < j->n; i++)
        words[i - 4] = ws__str(j->word[i]);
    struct ws__redis_command c = {
        .n = j->n - 4,
        .words = words,
        .key = ws__str(strcmp(j->word[3], "-") == 0 ? "" : j->word[3]),
    };
    int64_t deadline = ws_after(strtol(j->word[2], NULL, 10));
    int r =
        j->word[0][0] == 'e'
            ? ws__redis_eval(client, &script, &c, deadline, &reply, &done, &err)
            : ws__redis_call(client, &c, deadline, &reply, &done, &err);
    print_begin(j->word[1], ws__str(""));
    if (r == 0) {
        printf("reply ");
        print_reply(reply);
    } else {
        printf("error %d %d %s", r, done, err.text);
    }
    print_end();
    ws__redis_reply_free(reply);
    free(j);
    return NULL;
}

static void take(struct job *j)
{
    pthread_t t;

    for (char *p = strtok(j->line, " \n"); p && j->n < WORDS;
         p = strtok(NULL, " \n"))
        j->word[j->n++] = p;
    if (j->n == 2 && strcmp(j->word[0], "on") == 0)
        ws__redis_subscribe(client, ws__str(j->word[1]));
    if (j->n == 2 && strcmp(j->word[0], "off") == 0)
        ws__redis_unsubscribe(client, ws__str(j->word[1]));
    if (j->n > 4 && pthread_create(&t, NULL, ask, j) == 0)
        pthread_detach(t);
    else
        free(j);
}

/* ---- Running ------------------------------------------------------------ */

static int ended;

static void run(void *arg)
{
    (void)arg;
    ended = ws__redis_run(client);
}

static void *run_thread(void *arg)
{
    ws_run(run, arg);
    return NULL;
}

int main(int argc, char **argv)
{
    ws_tls tls = { .ca_file = argc > 2 ? argv[2] : NULL };

    if (argc > 4) {
        tls.cert_file = argv[3];
        tls.key_file = argv[4];
    }
    const struct ws__redis_options o = {
        .url = argv[1],
        .tls = argc > 2 ? &tls : NULL,
        .connect_timeout_ms = 2000,
        .silence_ms = 1000,
        .listener = { .message = heard_message,
                      .subscribed = heard_subscribed,
                      .lost = heard_lost,
                      .refused = heard_refused },
    };
    ws_error err;
    pthread_t t;

    client = ws__redis_new(&o, &err);
    if (!client) {
        printf("error %d %s\n", err.code, err.text);
        return 1;
    }
    if (ws__redis_script_init(&script, script_text) != 0 ||
        pthread_create(&t, NULL, run_thread, NULL) != 0)
        return 1;
    for (;;) {
        struct job *j = calloc(1, sizeof(*j));

        if (!j || !fgets(j->line, LINE, stdin) ||
            strcmp(j->line, "stop\n") == 0) {
            free(j);
            break;
        }
        take(j);
    }
    ws__redis_stop(client);
    pthread_join(t, NULL);
    printf("stopped %d\n", ended);
    return 0;
}
