/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/un.h>

#include <silverback/hub.h>

#include "hub/hub.h"
#include "hub/node.h"
#include "hub/redis_sweep.h"

/*
 * A hub over a Redis that the test plays, on a local socket: it answers scripts by
 * what the test says the log is, and says what the test says by the channel.
 */
enum { WORDS = 24, WORD = 512 };

/* What it is asked for. */
enum asked { LOOK, PUBLISH, ALIVE, ANNOUNCE, GET, SET, SCAN, ASKED };

static struct {
    char path[64];
    int listener;
    pthread_mutex_t lock;
    const char *lineage;
    unsigned last, first; /* entries from first on are there: "OFFSET" each */
    unsigned bad;         /* offset of one that is no publication; 0: none */
    const char *bad_id;   /* it is one, but has this id; NULL: its own */
    bool empty;           /* it has none at all, whatever it says */
    const char *instead[ASKED]; /* what it answers, as it stands; NULL: what is
                                 * right */
    const char *once[ASKED];    /* the same, for the next one alone */
    unsigned times[ASKED];      /* it was asked */
    FILE *channel;       /* who is subscribed to anything; NULL: nobody */
    char left[256];      /* channels that were unsubscribed from */
    bool swallow;        /* the next publication is not answered, but cut */
    atomic_uint holds;   /* no answer to what has this bit, 1 << asked */
    atomic_bool held;    /* and there is one */
    atomic_uint talking; /* threads */
    char numbers[256];   /* of publications that were asked for */
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- What it hears ------------------------------------------------------ */

static bool read_word(FILE *f, char *word)
{
    char line[32];
    size_t n;

    if (!fgets(line, sizeof(line), f))
        return false;
    n = strtoul(line + 1, NULL, 10);
    if (fread(word, 1, n < WORD ? n : WORD - 1, f) != n)
        abort();
    word[n] = '\0';
    return fgets(line, sizeof(line), f) != NULL;
}

static int read_command(FILE *f, char words[WORDS][WORD])
{
    char line[32];
    int n = 0;

    if (!fgets(line, sizeof(line), f))
        return 0;
    for (int of = atoi(line + 1); n < of; n++)
        if (!read_word(f, words[n]))
            return 0;
    return n;
}

/* ---- What it says ------------------------------------------------------- */

static void say_bulk(FILE *f, const char *text)
{
    fprintf(f, "$%zu\r\n%s\r\n", strlen(text), text);
}

static void say_entry(FILE *f, unsigned offset)
{
    char text[32];

    bool bad = offset == fake.bad;

    fputs("*2\r\n", f);
    snprintf(text, sizeof(text), "%u-0", offset);
    say_bulk(f, bad && fake.bad_id ? fake.bad_id : text);
    fputs("*4\r\n", f);
    say_bulk(f, "i");
    say_bulk(f, "node:1");
    say_bulk(f, "p");
    snprintf(text, sizeof(text), "t0 %u", offset);
    say_bulk(f, bad && !fake.bad_id ? "?" : text);
}

/* EVALSHA SHA 2 m s EPOCH FROM MOST ... */
static void say_look(FILE *f, char words[WORDS][WORD])
{
    unsigned from = (unsigned)atoi(words[6]) + 1, n = 0;

    if (from < fake.first)
        from = fake.first;
    if (atoi(words[7]) > 0 && fake.first > 0 && from <= fake.last)
        n = fake.empty ? 0 : fake.last + 1 - from;
    fputs("*4\r\n", f);
    say_bulk(f, fake.lineage);
    fprintf(f, ":%u\r\n:%u\r\n*%u\r\n", fake.last, fake.first, n);
    for (unsigned i = 0; i < n; i++)
        say_entry(f, from + i);
}

/* EVALSHA SHA 2 m s EPOCH NODE NUMBER ...  Returns false: it is cut. */
static bool say_published(FILE *f, char words[WORDS][WORD])
{
    strcat(strcat(fake.numbers, words[7]), " ");
    if (fake.swallow) {
        fake.swallow = false;
        return false;
    }
    fake.last++;
    fputs("*2\r\n", f);
    say_bulk(f, fake.lineage);
    fprintf(f, ":%u\r\n", fake.last);
    return true;
}

static enum asked asked_for(char words[WORDS][WORD], int n)
{
    static const char *const names[ASKED] = {
        [GET] = "GET", [SET] = "SET", [SCAN] = "ZSCAN"
    };

    for (enum asked i = 0; i < ASKED; i++)
        if (names[i] && strcmp(words[0], names[i]) == 0)
            return i;
    if (strncmp(words[0], "EVAL", 4) != 0)
        return ASKED;
    if (strcmp(words[2], "1") == 0)
        return strstr(words[3], "nodes") ? ALIVE : ANNOUNCE;
    return n == 15 && strcmp(words[12], "PUBLISH") == 0 ? PUBLISH : LOOK;
}

/* Returns false: it is cut. */
static bool say_asked(FILE *f, char words[WORDS][WORD], enum asked asked)
{
    static const char *const usual[ASKED] = {
        [ALIVE] = "*0\r\n",
        [ANNOUNCE] = "+OK\r\n",
        [GET] = "$-1\r\n",
        [SET] = "+OK\r\n",
        [SCAN] = "*2\r\n$1\r\n0\r\n*0\r\n",
    };
    const char *text = usual[asked];

    fake.times[asked]++;
    if (fake.instead[asked])
        text = fake.instead[asked];
    if (fake.once[asked])
        text = fake.once[asked];
    fake.once[asked] = NULL;
    if (text)
        fputs(text, f);
    else if (asked == PUBLISH)
        return say_published(f, words);
    else
        say_look(f, words);
    return true;
}

static void say_subscribed(FILE *f, char words[WORDS][WORD], int n)
{
    bool on = strcmp(words[0], "SUBSCRIBE") == 0;

    for (int i = 1; i < n; i++) {
        fputs("*3\r\n", f);
        say_bulk(f, on ? "subscribe" : "unsubscribe");
        say_bulk(f, words[i]);
        fprintf(f, ":%d\r\n", i);
        if (!on)
            strcat(strcat(fake.left, words[i]), " ");
    }
    fake.channel = f;
}

static void hold_back(enum asked asked)
{
    for (; atomic_load(&fake.holds) & (1U << asked); ws_sleep(1))
        atomic_store(&fake.held, true);
}

static bool answer(FILE *f, char words[WORDS][WORD], int n)
{
    enum asked asked = asked_for(words, n);
    bool ok = true;

    hold_back(asked);
    pthread_mutex_lock(&fake.lock);
    if (strstr(words[0], "SUBSCRIBE"))
        say_subscribed(f, words, n);
    else if (asked != ASKED)
        ok = say_asked(f, words, asked);
    else
        fputs("+OK\r\n", f);
    if (ok)
        fflush(f);
    pthread_mutex_unlock(&fake.lock);
    return ok;
}

static void *fake_talk(void *arg)
{
    int fd = (int)(intptr_t)arg, n;
    char words[WORDS][WORD];
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");

    while ((n = read_command(in, words)) > 0 && answer(out, words, n))
        continue;
    pthread_mutex_lock(&fake.lock);
    if (fake.channel == out)
        fake.channel = NULL;
    pthread_mutex_unlock(&fake.lock);
    shutdown(fd, SHUT_RDWR);
    fclose(in);
    fclose(out);
    atomic_fetch_sub(&fake.talking, 1);
    return NULL;
}

static void *fake_run(void *arg)
{
    int fd;

    (void)arg;
    while ((fd = accept(fake.listener, NULL, NULL)) >= 0) {
        pthread_t t;

        atomic_fetch_add(&fake.talking, 1);
        if (pthread_create(&t, NULL, fake_talk, (void *)(intptr_t)fd) != 0)
            abort();
        pthread_detach(t);
    }
    return NULL;
}

static pthread_t fake_thread;

/* The log, without a word. */
static void fake_has(const char *lineage, unsigned last, unsigned first)
{
    pthread_mutex_lock(&fake.lock);
    fake.lineage = lineage;
    fake.last = last;
    fake.first = first;
    pthread_mutex_unlock(&fake.lock);
}

/* The next publication, whose answer is not given; and none was asked for yet. */
static void fake_swallows(bool swallow)
{
    pthread_mutex_lock(&fake.lock);
    fake.swallow = swallow;
    fake.numbers[0] = '\0';
    pthread_mutex_unlock(&fake.lock);
}

/* What it has, or not, among what it tells of. */
static void fake_spoils(unsigned bad, const char *bad_id, bool empty)
{
    pthread_mutex_lock(&fake.lock);
    fake.bad = bad;
    fake.bad_id = bad_id;
    fake.empty = empty;
    pthread_mutex_unlock(&fake.lock);
}

/* From now on this is the answer; NULL: what is right. */
static void fake_answers(enum asked asked, const char *instead)
{
    pthread_mutex_lock(&fake.lock);
    fake.instead[asked] = instead;
    fake.times[asked] = 0;
    pthread_mutex_unlock(&fake.lock);
}

static void fake_answers_once(enum asked asked, const char *instead)
{
    pthread_mutex_lock(&fake.lock);
    fake.once[asked] = instead;
    pthread_mutex_unlock(&fake.lock);
}

/* Until it has been so often since, and what was asked before that is answered. */
static void fake_awaits(enum asked asked, unsigned times)
{
    int64_t limit = patience();
    unsigned seen = 0;

    while (seen < times) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
        pthread_mutex_lock(&fake.lock);
        seen = fake.times[asked];
        pthread_mutex_unlock(&fake.lock);
    }
}

/* Until this channel has been left. */
static void fake_awaits_leaving(const char *channel)
{
    int64_t limit = patience();
    bool left = false;

    while (!left) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
        pthread_mutex_lock(&fake.lock);
        left = strstr(fake.left, channel);
        if (left)
            fake.left[0] = '\0';
        pthread_mutex_unlock(&fake.lock);
    }
}

static void fake_begin(const char *lineage, unsigned last, unsigned first)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    snprintf(fake.path, sizeof(fake.path), "/tmp/hub_redis_test.%d.%d",
             (int)getpid(), rand());
    strcpy(at.sun_path, fake.path);
    fake.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    fake_has(lineage, last, first);
    fake_swallows(false);
    fake_spoils(0, NULL, false);
    for (enum asked i = 0; i < ASKED; i++) {
        fake_answers(i, NULL);
        fake_answers_once(i, NULL);
    }
    fake.left[0] = '\0';
    atomic_store(&fake.holds, 0);
    atomic_store(&fake.held, false);
    if (bind(fake.listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(fake.listener, 8) != 0 ||
        pthread_create(&fake_thread, NULL, fake_run, NULL) != 0)
        abort();
}

static void fake_end(void)
{
    shutdown(fake.listener, SHUT_RDWR);
    pthread_join(fake_thread, NULL);
    while (atomic_load(&fake.talking) > 0)
        ws_sleep(1);
    close(fake.listener);
    unlink(fake.path);
}

static void fake_says_by(const char *channel, const char *message)
{
    pthread_mutex_lock(&fake.lock);
    fputs("*3\r\n", fake.channel);
    say_bulk(fake.channel, "message");
    say_bulk(fake.channel, channel);
    say_bulk(fake.channel, message);
    fflush(fake.channel);
    pthread_mutex_unlock(&fake.lock);
}

/* By the topic's. */
static void fake_says(const char *message)
{
    fake_says_by("ws:{t}", message);
}

/* The connection that listens is cut. */
static void fake_cuts(void)
{
    pthread_mutex_lock(&fake.lock);
    shutdown(fileno(fake.channel), SHUT_RDWR);
    pthread_mutex_unlock(&fake.lock);
}

/* ---- The hub ------------------------------------------------------------ */

static ws_prepared *frame(const ws_publication *p, void *arg)
{
    char text[64];

    (void)arg;
    int n =
        snprintf(text, sizeof(text), "%u/%u=%.*s", (unsigned)p->place.epoch,
                 (unsigned)p->place.offset, (int)p->len, (const char *)p->data);
    return ws_prepare(WS_TEXT, text, (size_t)n);
}

static ws_prepared *lost(const char *topic, const ws_place *now, void *arg)
{
    char text[64];

    (void)topic;
    (void)arg;
    int n = snprintf(text, sizeof(text), "lost %u/%u", (unsigned)now->epoch,
                     (unsigned)now->offset);
    return ws_prepare(WS_TEXT, text, (size_t)n);
}

struct rig {
    ws_hub *hub;
    ws_conn *c;
    int raw;
};

static struct rig rig_new(const char *lineage, unsigned last, unsigned first)
{
    char url[96];
    struct rig g;
    ws_joined joined;

    fake_begin(lineage, last, first);
    snprintf(url, sizeof(url), "redis+unix:%s", fake.path);
    g.hub = ws_hub_new(&(ws_hub_options){ .redis = url,
                                          .frame = frame,
                                          .lost = lost,
                                          .publish_timeout_ms = 60000 },
                       NULL);
    assert_non_null(g.hub);
    g.c = with_raw(&g.raw, NULL);
    assert_int_equal(ws_hub_join(g.hub, g.c, "t", NULL, &joined), 0);
    assert_int_equal(joined.place.offset, last);
    return g;
}

static void rig_end(struct rig *g)
{
    close(g->raw);
    ws_close(g->c);
    ws_hub_free(g->hub);
    fake_end();
}

/* A frame of text; before the log is looked at unasked. */
static void hears(const struct rig *g, const char *text)
{
    char got[128] = "";
    size_t n = strlen(text) + 2, have = 0;

    while (have < n) {
        struct pollfd p = { .fd = g->raw, .events = POLLIN };
        ssize_t r = poll(&p, 1, PATIENCE_MS) == 1
                        ? recv(g->raw, got + have, n - have, 0)
                        : -1;

        if (r <= 0)
            fail_msg("nothing came instead of \"%s\"", text);
        have += (size_t)r;
    }
    assert_string_equal(got + 2, text);
}

/* A topic as the node has it; all 0: it has none. */
static struct ws__redis_topic node_topic(const struct rig *g, const char *name)
{
    struct ws__node *n = (struct ws__node *)g->hub->back;
    struct ws__redis_topic copy = { 0 };

    pthread_mutex_lock(&n->topics.lock);
    const struct ws__redis_topic *t = ws__redis_topics_find(&n->topics, name);
    if (t)
        copy = *t;
    pthread_mutex_unlock(&n->topics.lock);
    return copy;
}

/* Until it is there. */
static void node_awaits(const struct rig *g, const char *name, uint64_t offset)
{
    int64_t limit = patience();

    while (node_topic(g, name).place.at.offset != offset) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
    }
}

/* ---- Cases -------------------------------------------------------------- */

static void what_comes_next_is_delivered_and_a_gap_is_read(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    fake_has("7:0", 6, 1);
    fake_says("7 6 t0 six");
    hears(&g, "7/6=six");
    fake_says("7 6 t0 six");
    fake_says("7 3 t0 three");
    fake_has("7:0", 9, 1);
    fake_says("7 9 t0 9");
    hears(&g, "7/7=7");
    hears(&g, "7/8=8");
    hears(&g, "7/9=9");
    rig_end(&g);
}

/* Nothing follows that would show the gap. */
static void what_was_missed_comes_when_the_channel_is_back(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    fake_has("7:0", 7, 1);
    fake_cuts();
    hears(&g, "7/6=6");
    hears(&g, "7/7=7");
    rig_end(&g);
}

static void an_epoch_that_begins_where_one_is_loses_nothing(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    fake_has("7:0 8:5", 6, 1);
    fake_says("8 6 t0 6");
    hears(&g, "8/6=6");
    fake_says("8 7 t0 7");
    hears(&g, "8/7=7");
    rig_end(&g);
}

static void what_the_log_has_no_more_is_told(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    fake_has("7:0 8:4", 6, 1);
    fake_says("8 6 t0 6");
    hears(&g, "lost 8/6");
    fake_has("7:0 8:4", 9, 8);
    fake_says("8 9 t0 9");
    hears(&g, "lost 8/9");
    fake_has("9:0", 2, 1);
    fake_says("9 2 t0 2");
    hears(&g, "lost 9/2");
    fake_says("9 3 t0 3");
    hears(&g, "9/3=3");
    rig_end(&g);
}

/* The numbers of publications that have come, in this order. */
static void fake_was_asked(const char *numbers)
{
    pthread_mutex_lock(&fake.lock);
    assert_string_equal(fake.numbers, numbers);
    pthread_mutex_unlock(&fake.lock);
}

static void an_answer_that_is_lost_is_asked_for_by_the_same_number(void **state)
{
    const ws_publication c = { .topic = "t", .type = WS_TEXT };
    struct rig g = rig_new("7:0", 5, 1);
    ws_place place;

    (void)state;
    fake_swallows(true);
    assert_int_equal(ws_hub_publish(g.hub, "t", WS_TEXT, "a", 1, &place), 0);
    assert_int_equal(place.epoch, 7);
    assert_int_equal(place.offset, 6);
    assert_int_equal(ws_hub_publish(g.hub, "t", WS_TEXT, "b", 1, &place), 0);
    fake_was_asked("1 1 2 ");
    fake_swallows(true);
    assert_int_equal(ws_hub_publish_by(g.hub, &c, 0, &place), 0);
    rig_end(&g);
    fake_was_asked("3 3 ");
}

static void what_cannot_be_read_in_the_log_is_lost(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    fake_spoils(7, NULL, false);
    fake_has("7:0", 8, 1);
    fake_says("7 8 t0 8");
    hears(&g, "7/6=6");
    hears(&g, "lost 7/8");
    fake_spoils(0, NULL, true);
    fake_has("7:0", 10, 1);
    fake_says("7 10 t0 10");
    hears(&g, "lost 7/10");
    fake_says("7 11 t0 11");
    hears(&g, "7/11=11");
    rig_end(&g);
}

static void count_line(const char *line, void *arg)
{
    if (strstr(line, "Redis refused: OOM no more"))
        atomic_fetch_add((atomic_int *)arg, 1);
}

static void what_is_refused_again_and_again_is_logged_once(void **state)
{
    atomic_int lines = 0;
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    ws_set_log(count_line, &lines);
    fake_answers(PUBLISH, "-OOM no more\r\n");
    for (int i = 0; i < 3; i++)
        assert_int_equal(ws_hub_publish(g.hub, "t", WS_TEXT, "a", 1, NULL),
                         -ENOMEM);
    rig_end(&g);
    ws_set_log(NULL, NULL);
    assert_int_equal(atomic_load(&lines), 1);
}

static void what_redis_refuses_is_told_by_a_code(void **state)
{
    static const struct {
        const char *said;
        int code;
    } rows[] = {
        { "-NOPERM this user has no permissions\r\n", -EACCES },
        { "-NOAUTH Authentication required.\r\n", -EACCES },
        { "-OOM command not allowed\r\n", -ENOMEM },
        { "-ERR unknown command\r\n", -EIO },
        { "+OK\r\n", WS_ERR_DEAD }, /* perhaps it was done */
        { "*2\r\n$3\r\n7:0\r\n:-2\r\n", -EPROTO },
        { "*2\r\n$1\r\nx\r\n:6\r\n", -EPROTO },
        { "*2\r\n$3\r\n7:0\r\n:-1\r\n", WS_ERR_DEAD },
    };
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        fake_answers(PUBLISH, rows[i].said);
        int r = ws_hub_publish(g.hub, "t", WS_TEXT, "a", 1, NULL);
        if (r != rows[i].code)
            fail_msg("%s: %d", rows[i].said, r);
    }
    fake_answers(PUBLISH, NULL);
    for (size_t i = 0; i < 4; i++) {
        char topic[] = { 'n', (char)('0' + i), '\0' };

        fake_answers(ANNOUNCE, rows[i].said);
        assert_int_equal(ws_hub_publish(g.hub, topic, WS_TEXT, "a", 1, NULL),
                         rows[i].code);
        fake_answers(ANNOUNCE, NULL);
        assert_int_equal(ws_hub_publish(g.hub, topic, WS_TEXT, "a", 1, NULL),
                         0);
    }
    rig_end(&g);
}

struct joiner {
    const struct rig *g;
    const char *topic;
    int error;
    ws_joined joined;
};

static void join_it(void *arg)
{
    struct joiner *j = arg;

    j->error = ws_hub_join(j->g->hub, j->g->c, j->topic, NULL, &j->joined);
}

/* Twice it would be in any case, once the topic is subscribed to. */
static void a_log_that_cannot_be_read_is_looked_at_again(void **state)
{
    static const char *const rows[] = {
        "-ERR unknown command\r\n",
        "+OK\r\n",
        "*4\r\n$3\r\n7:0\r\n:9\r\n:-1\r\n*0\r\n",
        "*4\r\n$1\r\n?\r\n:9\r\n:1\r\n*0\r\n",
    };
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char topic[] = { 'u', (char)('0' + i), '\0' };
        struct joiner j = { .g = &g, .topic = topic };

        fake_answers(LOOK, rows[i]);
        ws_fiber *f = ws_go(join_it, &j);
        fake_awaits(LOOK, 3);
        fake_answers(LOOK, NULL);
        ws_join(f);
        assert_int_equal(j.error, 0);
        assert_int_equal(j.joined.place.offset, 5);
    }
    rig_end(&g);
}

static void entries_with_ids_of_another_kind_are_lost(void **state)
{
    static const struct {
        bool numbered; /* by the offset that is expected */
        const char *rest;
    } ids[] = {
        { false, "x-0" }, { false, "-0" },  { true, "-1" },
        { true, "" },     { true, "-0-0" }, { false, "99999999999999999999-0" },
    };
    char said[COUNT(ids)][32] = { "" };
    struct rig g = rig_new("7:0", 5, 1);
    unsigned last = 5;

    (void)state;
    for (size_t i = 0; i < COUNT(ids); i++) {
        char text[64];

        if (ids[i].numbered)
            snprintf(said[i], sizeof(said[i]), "%u", last + 1);
        strcat(said[i], ids[i].rest);
        fake_spoils(last + 1, said[i], false);
        last += 2;
        fake_has("7:0", last, 1);
        snprintf(text, sizeof(text), "7 %u t0 x", last);
        fake_says(text);
        snprintf(text, sizeof(text), "lost 7/%u", last);
        hears(&g, text);
    }
    rig_end(&g);
}

static void what_no_node_says_is_passed_over(void **state)
{
    static const char *const rows[] = { "",          "hello",     "7",
                                        "7 6",       "x 6 t0 a",  "7 x t0 a",
                                        "7 -6 t0 a", " 7 6 t0 a", "7 6t0 a" };
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        fake_says(rows[i]);
    fake_says_by("ws:{t", "7 6 t0 a");
    fake_says_by("", "7 6 t0 a");
    fake_has("7:0", 6, 1);
    fake_says("7 6 t0 six");
    hears(&g, "7/6=six");
    rig_end(&g);
}

/* By the channel; the log is asked. */
static void what_cannot_be_read_is_read_in_the_log_or_lost(void **state)
{
    static const char *const rows[] = { "?", "t", "tx a", "t9 a", "t300 a" };
    struct rig g = rig_new("7:0", 5, 1);
    unsigned last = 5;

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        bool lost = i % 2 != 0;
        char text[64];

        last++;
        fake_spoils(lost ? last : 0, NULL, false);
        fake_has("7:0", last, 1);
        snprintf(text, sizeof(text), "7 %u %s", last, rows[i / 2]);
        fake_says(text);
        snprintf(text, sizeof(text), lost ? "lost 7/%u" : "7/%u=%u", last,
                 last);
        hears(&g, text);
    }
    rig_end(&g);
}

/* ---- What was before ---------------------------------------------------- */

static void what_is_kept_is_replayed(void **state)
{
    static const struct {
        ws_place since;
        unsigned first; /* that the log has; 0: none */
        int error;
        bool recovered;
        unsigned from, to; /* what comes; 0: nothing */
    } rows[] = {
        { { 0, 0 }, 1, 0, true, 1, 5 },  { { 0, 0 }, 3, 0, false, 3, 5 },
        { { 0, 0 }, 0, 0, false, 0, 0 }, { { 0, 2 }, 1, 0, true, 3, 5 },
        { { 7, 2 }, 1, 0, true, 3, 5 },  { { 7, 2 }, 3, 0, true, 3, 5 },
        { { 7, 1 }, 3, 0, false, 0, 0 }, { { 7, 5 }, 1, 0, true, 0, 0 },
        { { 7, 9 }, 1, 0, false, 0, 0 }, { { 8, 2 }, 1, 0, false, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rig g = rig_new("7:0", 5, 1), late = g;
        const ws_join_options how = { .since = &rows[i].since };
        ws_joined joined;

        fake_has("7:0", 5, rows[i].first);
        late.c = with_raw(&late.raw, NULL);
        assert_int_equal(ws_hub_join(g.hub, late.c, "t", &how, &joined),
                         rows[i].error);
        if (joined.recovered != rows[i].recovered)
            fail_msg("row %zu: %d, %zu replayed", i, joined.recovered,
                     joined.replayed);
        for (unsigned n = rows[i].from; n > 0 && n <= rows[i].to; n++) {
            char text[32];

            snprintf(text, sizeof(text), "7/%u=%u", n, n);
            hears(&late, text);
        }
        fake_has("7:0", 6, 1);
        fake_says("7 6 t0 6");
        hears(&late, "7/6=6");
        close(late.raw);
        ws_close(late.c);
        rig_end(&g);
    }
}

static void what_is_kept_but_cannot_be_read_is_not_replayed(void **state)
{
    const ws_place since = { 7, 2 };
    const ws_join_options how = { .since = &since };
    struct rig g = rig_new("7:0", 5, 1), late = g;

    (void)state;
    late.c = with_raw(&late.raw, NULL);
    fake_spoils(4, NULL, false);
    assert_int_equal(ws_hub_join(g.hub, late.c, "t", &how, NULL), -EPROTO);
    fake_spoils(4, "5-0", false);
    assert_int_equal(ws_hub_join(g.hub, late.c, "t", &how, NULL), -EPROTO);
    fake_spoils(0, NULL, true);
    assert_int_equal(ws_hub_join(g.hub, late.c, "t", &how, NULL), -EPROTO);
    fake_answers(LOOK, "-NOPERM no\r\n");
    assert_int_equal(ws_hub_join(g.hub, late.c, "t", &how, NULL), -EACCES);
    fake_answers(LOOK, NULL);
    close(late.raw);
    ws_close(late.c);
    rig_end(&g);
}

/* ---- Who is there ------------------------------------------------------- */

static void expect_present(const struct rig *g, size_t connections, size_t n,
                           const char *first)
{
    ws_presence *p;

    assert_int_equal(ws_hub_presence(g->hub, "t", &p), 0);
    assert_int_equal(p->connections, connections);
    assert_int_equal(p->n, n);
    if (n > 0)
        assert_string_equal(p->members[0], first);
    ws_free(p);
}

static void what_other_nodes_say_of_who_is_there_is_added(void **state)
{
    static const struct {
        const char *said;
        size_t connections, n;
        const char *first;
    } rows[] = {
        { "$9\r\n3\nbob\nann\r\n", 4, 2, "ann" },
        { "$1\r\n2\r\n", 3, 0, NULL },
        { "$-1\r\n", 1, 0, NULL },
        { "$0\r\n\r\n", 1, 0, NULL },
        { ":7\r\n", 1, 0, NULL },
        { "$5\r\nx\nann\r\n", 1, 1, "ann" },
        { "$7\r\n2\n\nb\x01\n\n\r\n", 3, 0, NULL },
    };
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    fake_answers(ALIVE, "*2\r\n$5\r\nother\r\n:1\r\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        fake_answers(GET, rows[i].said);
        expect_present(&g, rows[i].connections, rows[i].n, rows[i].first);
    }
    rig_end(&g);
}

static void who_is_there_is_not_told_where_redis_refuses(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);
    ws_presence *p = NULL;

    (void)state;
    fake_answers(ALIVE, "*1\r\n$5\r\nother\r\n");
    fake_answers(GET, "-NOPERM no\r\n");
    assert_int_equal(ws_hub_presence(g.hub, "t", &p), -EACCES);
    assert_null(p);
    fake_answers(ALIVE, "-OOM no\r\n");
    assert_int_equal(ws_hub_presence(g.hub, "t", &p), -ENOMEM);
    assert_null(p);
    rig_end(&g);
}

static void what_was_refused_of_who_is_there_is_said_again(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);

    (void)state;
    fake_answers(SET, "-OOM no\r\n");
    assert_int_equal(ws_hub_join(g.hub, g.c, "t",
                                 &(ws_join_options){ .member = "me" }, NULL),
                     0);
    fake_awaits(SET, 3);
    rig_end(&g);
}

/* ---- Which topics there are --------------------------------------------- */

static void topics_of_a_prefix_are_found_whatever_is_between(void **state)
{
    static const char *const rows[] = {
        "-NOPERM no\r\n",
        "+OK\r\n",
        "*2\r\n$0\r\n\r\n*0\r\n",
        "*2\r\n$24\r\n123456789012345678901234\r\n*0\r\n",
    };
    struct rig g = rig_new("7:0", 5, 1), w = g;

    (void)state;
    w.c = with_raw(&w.raw, NULL);
    fake_answers(SCAN, rows[0]);
    assert_int_equal(ws_hub_join(g.hub, w.c, "to",
                                 &(ws_join_options){ .prefix = true }, NULL),
                     0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        fake_answers(SCAN, rows[i]);
        fake_awaits(SCAN, 1);
    }
    fake_answers(LOOK, NULL);
    fake_answers(SCAN,
                 "*2\r\n$1\r\n0\r\n*8\r\n$2\r\nto\r\n$1\r\n1\r\n$1\r\n"
                 "t\r\n$1\r\n1\r\n$0\r\n\r\n$1\r\n1\r\n$3\r\ntox\r\n$1\r\n"
                 "1\r\n");
    fake_awaits(LOOK, 2);
    fake_has("7:0", 6, 1);
    fake_says_by("ws:{tox}", "7 6 t0 6");
    hears(&w, "7/6=6");
    fake_says_by("ws:{to}", "7 6 t0 6");
    hears(&w, "7/6=6");
    fake_says_by("ws:topics", "");
    fake_says_by("ws:topics", "to\x01");
    fake_says_by("ws:topics", "other");
    fake_has("7:0", 2, 1);
    fake_says_by("ws:topics", "tonew");
    hears(&w, "7/1=1"); /* from its beginning */
    hears(&w, "7/2=2");
    fake_says_by("ws:topics", "tonew"); /* once more changes nothing */
    fake_has("7:0", 3, 1);
    fake_says_by("ws:{tonew}", "7 3 t0 3");
    hears(&w, "7/3=3");
    assert_int_equal(ws_hub_leave_prefix(g.hub, w.c, "to"), 0);
    fake_awaits_leaving("ws:topics ");
    close(w.raw);
    ws_close(w.c);
    rig_end(&g);
}

/* Nor does a look that began for those of before find out for it what there was:
 * that would be delivered as if it were new. */
static void a_prefix_that_comes_while_they_are_looked_for_has_its_own(
    void **state)
{
    static const ws_join_options by_prefix = { .prefix = true };
    struct rig g = rig_new("7:0", 5, 1), w = g;

    (void)state;
    w.c = with_raw(&w.raw, NULL);
    fake_answers(SCAN, "*2\r\n$1\r\n0\r\n*2\r\n$3\r\ntox\r\n$1\r\n1\r\n");
    fake_answers_once(SCAN, "*2\r\n$1\r\n0\r\n*0\r\n");
    atomic_store(&fake.holds, 1U << SCAN);
    assert_int_equal(ws_hub_join(g.hub, w.c, "to", &by_prefix, NULL), 0);
    await(&fake.held);
    assert_int_equal(ws_hub_leave_prefix(g.hub, w.c, "to"), 0);
    assert_int_equal(ws_hub_join(g.hub, w.c, "to", &by_prefix, NULL), 0);
    atomic_store(&fake.holds, 0);
    node_awaits(&g, "tox", 5);
    fake_has("7:0", 6, 1);
    fake_says_by("ws:{tox}", "7 6 t0 6");
    hears(&w, "7/6=6");
    close(w.raw);
    ws_close(w.c);
    rig_end(&g);
}

/* ---- What nobody wants -------------------------------------------------- */

enum { SWEEP_MS = 2000, LINGER_MS = 10000 }; /* the usual */

static void sweeps(int sweep_ms, int linger_ms)
{
    atomic_store(&ws__redis_sweep_ms, sweep_ms);
    atomic_store(&ws__redis_linger_ms, linger_ms);
}

static void hears_the_next(const struct rig *g)
{
    fake_has("7:0", 7, 1);
    fake_says("7 7 t0 7");
    hears(g, "7/7=7");
}

static void a_topic_that_nobody_wants_is_left_and_may_be_had_again(void **state)
{
    ws_joined joined;

    (void)state;
    sweeps(5, 20);
    struct rig g = rig_new("7:0", 5, 1);
    for (int published = 0; published < 2; published++) {
        assert_int_equal(ws_hub_leave(g.hub, g.c, "t"), 0);
        fake_awaits_leaving("ws:{t} ");
        if (published) /* when the log is looked at for nobody any more */
            assert_int_equal(ws_hub_publish(g.hub, "t", WS_TEXT, "a", 1, NULL),
                             0);
        ws_sleep(published ? 60 : 0); /* or before it is forgotten */
        assert_int_equal(ws_hub_join(g.hub, g.c, "t", NULL, &joined), 0);
        assert_int_equal(joined.place.offset, 5 + published);
    }
    hears_the_next(&g);
    rig_end(&g);
    sweeps(SWEEP_MS, LINGER_MS);
}

static void *join_again(void *rig)
{
    const struct rig *g = rig;

    return ws_hub_join(g->hub, g->c, "t", NULL, NULL) == 0 ? rig : NULL;
}

/* The answer to a look that began before tells whoever wants it now nothing. */
static void wants_it_again(struct rig *g)
{
    unsigned times = node_topic(g, "t").wants;
    int64_t limit = patience();
    pthread_t t;
    void *joined;

    assert_int_equal(pthread_create(&t, NULL, join_again, g), 0);
    while (node_topic(g, "t").wants == times) {
        assert_true(ws_now() < limit);
        ws_sleep(1);
    }
    atomic_store(&fake.holds, 0);
    pthread_join(t, &joined);
    assert_non_null(joined);
}

static void who_joins_while_it_is_proved_is_told_where_it_stands(void **state)
{
    (void)state;
    sweeps(5, LINGER_MS);
    struct rig g = rig_new("7:0", 5, 1);
    assert_int_equal(ws_hub_leave(g.hub, g.c, "t"), 0);
    assert_int_equal(ws_hub_publish(g.hub, "t", WS_TEXT, "a", 1, NULL), 0);
    atomic_store(&fake.holds, 1U << LOOK);
    sweeps(5, 0);
    await(&fake.held);
    wants_it_again(&g);
    hears_the_next(&g);
    rig_end(&g);
    sweeps(SWEEP_MS, LINGER_MS);
}

static void who_leaves_and_joins_while_it_is_looked_at_is_told_too(void **state)
{
    (void)state;
    struct rig g = rig_new("7:0", 5, 1);

    atomic_store(&fake.holds, 1U << LOOK);
    fake_has("7:0", 9, 1);
    fake_says("7 9 t0 9");
    await(&fake.held);
    assert_int_equal(ws_hub_leave(g.hub, g.c, "t"), 0);
    wants_it_again(&g);
    fake_has("7:0", 10, 1);
    fake_says("7 10 t0 ten");
    hears(&g, "7/10=ten");
    rig_end(&g);
}

static void how_it_goes_is_counted(void **state)
{
    struct rig g = rig_new("7:0", 5, 1);
    int64_t limit = patience();
    ws_hub_stats s;

    (void)state;
    do
        ws_hub_stats_get(g.hub, &s);
    while (!s.connected && ws_now() < limit);
    assert_true(s.connected);
    assert_int_equal(s.repaired, 0);
    fake_has("7:0", 7, 1);
    fake_says("7 7 t0 7");
    hears(&g, "7/6=6");
    hears(&g, "7/7=7");
    do
        ws_hub_stats_get(g.hub, &s);
    while (s.repaired < 2 && ws_now() < limit);
    assert_int_equal(s.repaired, 2);
    rig_end(&g);
}

/* What the fake says by stdio raises SIGPIPE where the client has gone. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_next_is_delivered_and_a_gap_is_read),
        cmocka_unit_test(what_was_missed_comes_when_the_channel_is_back),
        cmocka_unit_test(an_epoch_that_begins_where_one_is_loses_nothing),
        cmocka_unit_test(what_the_log_has_no_more_is_told),
        cmocka_unit_test(
            an_answer_that_is_lost_is_asked_for_by_the_same_number),
        cmocka_unit_test(what_cannot_be_read_in_the_log_is_lost),
        cmocka_unit_test(what_is_refused_again_and_again_is_logged_once),
        cmocka_unit_test(what_redis_refuses_is_told_by_a_code),
        cmocka_unit_test(a_log_that_cannot_be_read_is_looked_at_again),
        cmocka_unit_test(entries_with_ids_of_another_kind_are_lost),
        cmocka_unit_test(what_no_node_says_is_passed_over),
        cmocka_unit_test(what_cannot_be_read_is_read_in_the_log_or_lost),
        cmocka_unit_test(what_is_kept_is_replayed),
        cmocka_unit_test(what_is_kept_but_cannot_be_read_is_not_replayed),
        cmocka_unit_test(what_other_nodes_say_of_who_is_there_is_added),
        cmocka_unit_test(who_is_there_is_not_told_where_redis_refuses),
        cmocka_unit_test(what_was_refused_of_who_is_there_is_said_again),
        cmocka_unit_test(topics_of_a_prefix_are_found_whatever_is_between),
        cmocka_unit_test(
            a_prefix_that_comes_while_they_are_looked_for_has_its_own),
        cmocka_unit_test(
            a_topic_that_nobody_wants_is_left_and_may_be_had_again),
        cmocka_unit_test(who_joins_while_it_is_proved_is_told_where_it_stands),
        cmocka_unit_test(
            who_leaves_and_joins_while_it_is_looked_at_is_told_too),
        cmocka_unit_test(how_it_goes_is_counted),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
