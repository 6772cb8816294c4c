/* SPDX-License-Identifier: MIT */

#include "points.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "../test.h"

/* Nothing waits for so long; and how often one is tried that did not come to its
 * fault, since a socket's events came in fewer turns this time. */
enum { HANG_S = 60, TRIES = 20 };

/* ---- In a process of its own -------------------------------------------- */

struct outcome {
    long counts[FAULT_PLACES];
    long openssl; /* blocks of its that are left */
    int result;   /* of the scene */
    bool fired;
    bool fine;
};

static void check_result(const struct fault *f, int result)
{
    char unknown[128];

    if (result != 0 && faults_recoverable(f))
        world_wrong("it could have gone on, but: %s", ws_strerror(result));
    snprintf(unknown, sizeof(unknown), "%s", ws_strerror(-4999));
    if (result > 0 || (result < 0 && strcmp(ws_strerror(result), unknown) == 0))
        world_wrong("%d is no code", result);
}

static void check_rest(long before)
{
    int after = scene_after();
    long lost;

    if (after != 0)
        world_wrong("nobody is served any more: %s", ws_strerror(after));
    if (!world_end())
        world_wrong("it does not end");
    lost = faults_alive(FAULT_MEMORY) - before;
    if (lost != 0)
        world_wrong("%ld blocks are lost", lost);
}

static void begin_well(const struct scene *s)
{
    if (world_begin() != 0 || scene_warm(s) != 0)
        world_wrong("it fails without a fault");
}

/* What cannot begin can once it has the means. */
static void begin_under(const struct scene *s, const struct fault *f,
                        struct outcome *o)
{
    faults_begin(f);
    o->result = world_begin();
    if (o->result == 0)
        return;
    faults_end();
    if (!world_end())
        world_wrong("what has begun does not end");
    begin_well(s);
}

static void begin(const struct scene *s, const struct fault *f,
                  struct outcome *o)
{
    if (s->way.begin) {
        begin_under(s, f, o);
    } else {
        begin_well(s);
        faults_begin(f);
    }
}

static struct outcome play(const struct scene *s, const struct fault *f)
{
    struct outcome o = { .openssl = -faults_alive(FAULT_OPENSSL) };
    long before = faults_alive(FAULT_MEMORY);

    begin(s, f, &o);
    if (o.result == 0)
        o.result = scene_play(s);
    faults_end();
    for (int i = 0; i < FAULT_PLACES; i++)
        o.counts[i] = faults_count((enum fault_place)i);
    o.fired = faults_fired();
    check_result(f, o.result);
    check_rest(before);
    OPENSSL_thread_stop(); /* the texts of its errors */
    o.openssl += faults_alive(FAULT_OPENSSL);
    o.fine = true;
    return o;
}

/* What a crash does when nobody tests: cmocka would go on with the next case. */
static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
static struct sigaction crash_actions[COUNT(crashes)];

static void crashes_remember(void)
{
    for (size_t i = 0; i < COUNT(crashes); i++)
        sigaction(crashes[i], NULL, &crash_actions[i]);
}

static void crashes_restore(void)
{
    for (size_t i = 0; i < COUNT(crashes); i++)
        sigaction(crashes[i], &crash_actions[i], NULL);
}

/* valgrind has nothing to search a process for that has no end. */
static _Noreturn void child_run(const struct scene *s, const struct fault *f,
                                int to)
{
    crashes_restore();
    alarm(HANG_S * (RUNNING_ON_VALGRIND ? 10 : 1));
    struct outcome o = play(s, f);
    if (write(to, &o, sizeof(o)) != (ssize_t)sizeof(o))
        _exit(1);
    if (RUNNING_ON_VALGRIND)
        raise(SIGKILL);
    exit(0);
}

static void say_how(const struct scene *s, const struct fault *f, int status)
{
    char text[96];

    fprintf(stderr, "%s, %s: ", s->name, faults_text(f, text, sizeof(text)));
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        fprintf(stderr, "hangs\n");
    else if (WIFSIGNALED(status))
        fprintf(stderr, "%s\n", strsignal(WTERMSIG(status)));
    else
        fprintf(stderr, "exits with %d\n", WEXITSTATUS(status));
}

static struct outcome run(const struct scene *s, const struct fault *f)
{
    struct outcome o = { 0 };
    int ends[2], status = 0;

    if (pipe(ends) != 0)
        abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child_run(s, f, ends[1]);
    close(ends[1]);
    ssize_t n = read(ends[0], &o, sizeof(o));
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    bool ended = WIFEXITED(status)
                     ? WEXITSTATUS(status) == 0
                     : RUNNING_ON_VALGRIND && WTERMSIG(status) == SIGKILL;
    o.fine = o.fine && n == (ssize_t)sizeof(o) && ended;
    if (!o.fine)
        say_how(s, f, status);
    return o;
}

/* ---- All of them -------------------------------------------------------- */

static long openssl_usual; /* blocks that a scene without a fault leaves */

void points_begin(void)
{
    crashes_remember();
    faults_install();
    world_make_certs();
    if (world_begin() != 0)
        abort();
    for (size_t i = 0; i < scenes_n; i++)
        if (scene_warm(&scenes[i]) != 0)
            abort();
    if (!world_end())
        abort();
    OPENSSL_thread_stop();
}

static void keep_slowest(struct tally *t, const struct fault *f, int64_t ms)
{
    if (ms <= t->slowest_ms)
        return;
    t->slowest_ms = (int)ms;
    t->slowest = *f;
}

static void try_point(const struct scene *s, const struct fault *f,
                      struct tally *t)
{
    struct outcome o = { .fine = true };
    int64_t before = ws_now();
    char text[96];

    for (int i = 0; i < TRIES && o.fine && !o.fired; i++)
        o = run(s, f);
    keep_slowest(t, f, ws_now() - before);
    if (o.fine && !o.fired)
        fprintf(stderr, "%s, %s: does not come\n", s->name,
                faults_text(f, text, sizeof(text)));
    t->found++;
    t->tried += o.fired || !o.fine;
    t->well += o.fine && o.fired && o.result == 0;
    t->wrong += !o.fine;
    if (o.fine && o.openssl > openssl_usual) {
        fprintf(stderr, "%s, %s: %ld blocks of OpenSSL are lost\n", s->name,
                faults_text(f, text, sizeof(text)), o.openssl - openssl_usual);
        t->wrong++;
    }
}

/* The points of a scene, in their order. */
struct walk {
    const struct outcome *usual; /* without a fault */
    struct fault f;
    const int *how;
};

static bool has_second_pass(const struct fault *f)
{
    return f->place == FAULT_MEMORY || f->place == FAULT_OPENSSL;
}

/* The next way; the next request; the second pass; the next place. */
static bool walk_next(struct walk *w)
{
    struct fault *f = &w->f;

    if (w->how && *++w->how == 0)
        w->how = NULL;
    if (!w->how)
        f->at++;
    while (f->at > w->usual->counts[f->place]) {
        bool again = has_second_pass(f) && !f->for_good;
        f->place += again ? 0 : 1;
        f->for_good = again;
        f->at = 1;
        if (f->place == FAULT_PLACES)
            return false;
    }
    if (!w->how)
        w->how = faults_ways(f->place);
    f->how = *w->how;
    return true;
}

static long walk_length(const struct outcome *usual)
{
    struct walk w = { .usual = usual };
    long n = 0;

    while (walk_next(&w))
        n++;
    return n;
}

void points_try(const struct scene *s, long most, struct tally *t)
{
    const struct outcome usual = run(s, &(struct fault){ 0 });
    struct walk w = { .usual = &usual };
    long all = walk_length(&usual), n = 0;
    long step = most > 0 && all > most ? (all + most - 1) / most : 1;

    openssl_usual = usual.openssl;
    if (!usual.fine || usual.result != 0)
        t->wrong++;
    while (walk_next(&w))
        if (n++ % step == 0)
            try_point(s, &w.f, t);
}

bool points_try_one(const struct scene *s, const struct fault *f)
{
    struct tally t = { 0 };

    openssl_usual = run(s, &(struct fault){ 0 }).openssl;
    try_point(s, f, &t);
    return t.wrong == 0 && t.tried == t.found;
}
