/* SPDX-License-Identifier: MIT */

#include "pair.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/un.h>

#include <silverback/hub.h>

/*
 * A hub over a Redis that the test plays, on a local socket: it answers scripts by
 * what the test says the log is, and says what the test says by the channel.
 */
enum { WORDS = 24, WORD = 256 };

static struct {
    char path[64];
    int listener;
    pthread_mutex_t lock;
    const char *lineage;
    unsigned last, first; /* entries from first on are there: "OFFSET" each */
    unsigned bad;         /* offset of one that is no publication; 0: none */
    bool empty;           /* it has none at all, whatever it says */
    bool refuses;         /* to publish */
    FILE *channel;        /* who is subscribed to the topic; NULL: nobody */
    bool swallow;         /* the next publication is not answered, but cut */
    atomic_uint talking;  /* threads */
    char numbers[256];    /* of publications that were asked for */
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

    fputs("*2\r\n", f);
    snprintf(text, sizeof(text), "%u-0", offset);
    say_bulk(f, text);
    fputs("*4\r\n", f);
    say_bulk(f, "i");
    say_bulk(f, "node:1");
    say_bulk(f, "p");
    snprintf(text, sizeof(text), "t0 %u", offset);
    say_bulk(f, offset == fake.bad ? "?" : text);
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
    if (fake.refuses) {
        fputs("-OOM no more\r\n", f);
        return true;
    }
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

static bool say_script(FILE *f, char words[WORDS][WORD], int n)
{
    if (strcmp(words[2], "1") == 0)
        fputs(strstr(words[3], "nodes") ? "*0\r\n" : "+OK\r\n", f);
    else if (n == 15 && strcmp(words[12], "PUBLISH") == 0)
        return say_published(f, words);
    else
        say_look(f, words);
    return true;
}

static bool answer(FILE *f, char words[WORDS][WORD], int n)
{
    bool ok = true;

    pthread_mutex_lock(&fake.lock);
    if (strcmp(words[0], "SUBSCRIBE") == 0) {
        for (int i = 1; i < n; i++) {
            fputs("*3\r\n", f);
            say_bulk(f, "subscribe");
            say_bulk(f, words[i]);
            fprintf(f, ":%d\r\n", i);
        }
        fake.channel = f;
    } else if (strncmp(words[0], "EVAL", 4) == 0) {
        ok = say_script(f, words, n);
    } else {
        fputs("+OK\r\n", f);
    }
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
static void fake_spoils(unsigned bad, bool empty, bool refuses)
{
    pthread_mutex_lock(&fake.lock);
    fake.bad = bad;
    fake.empty = empty;
    fake.refuses = refuses;
    pthread_mutex_unlock(&fake.lock);
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
    fake_spoils(0, false, false);
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

/* By the channel. */
static void fake_says(const char *message)
{
    pthread_mutex_lock(&fake.lock);
    fputs("*3\r\n", fake.channel);
    say_bulk(fake.channel, "message");
    say_bulk(fake.channel, "ws:{t}");
    say_bulk(fake.channel, message);
    fflush(fake.channel);
    pthread_mutex_unlock(&fake.lock);
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
    fake_spoils(7, false, false);
    fake_has("7:0", 8, 1);
    fake_says("7 8 t0 8");
    hears(&g, "7/6=6");
    hears(&g, "lost 7/8");
    fake_spoils(0, true, false);
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
    fake_spoils(0, false, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ws_hub_publish(g.hub, "t", WS_TEXT, "a", 1, NULL),
                         -ENOMEM);
    rig_end(&g);
    ws_set_log(NULL, NULL);
    assert_int_equal(atomic_load(&lines), 1);
}

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
