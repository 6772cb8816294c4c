/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc_fail.h"
#include "fiber/sanitizers.h"
#include "fiber/stack.h"

enum {
    KIB = 1024,
    GUARD = 64 * KIB,
    KEPT = 128, /* of a cache */
    WARM = 4,   /* of these, whatever comes */
    SLAB = 64,
};

static size_t page;

/* A size that no other test has, so that its stacks are new ones. */
static size_t new_size(void)
{
    static size_t size = 64 * KIB;

    return size += 16 * KIB;
}

static struct ws__stack_cache new_cache(size_t size)
{
    struct ws__stack_cache c;

    assert_int_equal(ws__stack_cache_init(&c, size), 0);
    return c;
}

static struct ws__stack *get(struct ws__stack_cache *c)
{
    struct ws__stack *s = ws__stack_get(c);

    assert_non_null(s);
    return s;
}

static void put_back(struct ws__stack_cache *c, struct ws__stack **s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ws__stack_put(c, s[i]);
}

/* So that all are on a list in the end. */
static void put_all(struct ws__stack_cache *c, struct ws__stack **s, size_t n)
{
    put_back(c, s, n);
    ws__stack_cache_fini(c);
}

/* ---- Guards ------------------------------------------------------------- */

static sigjmp_buf after_fault;

static void on_fault(int signum)
{
    (void)signum;
    siglongjmp(after_fault, 1);
}

static bool faults(char *p)
{
    const struct sigaction action = { .sa_handler = on_fault };
    struct sigaction before;
    volatile bool faulted = true;

    sigaction(SIGSEGV, &action, &before);
    VALGRIND_DISABLE_ERROR_REPORTING; /* it is on purpose */
    if (sigsetjmp(after_fault, 1) == 0) {
        *(volatile char *)p = 1;
        faulted = false;
    }
    VALGRIND_ENABLE_ERROR_REPORTING;
    sigaction(SIGSEGV, &before, NULL);
    return faulted;
}

/* Linux 6.13. */
static bool kernel_installs_guards(void)
{
    void *p = mmap(NULL, page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    bool installs =
        madvise(p, page, 102) == 0 && faults(p); /* an emulator's may not */
    munmap(p, page);
    return installs;
}

static void check_guard(const struct ws__stack *s, bool fault)
{
    size_t size = ws__stack_size(s);

    assert_int_equal(faults(s->low - 1), fault);
    assert_int_equal(faults(s->low - page), fault);
    assert_int_equal(faults(s->low - GUARD), fault);
    assert_false(faults(s->low + 64)); /* above the canary */
    assert_false(faults(s->low + size / 2));
    assert_false(faults(s->low + size - 1));
    assert_true(ws__stack_intact(s));
    assert_true(ws__stack_is_guard(s, s->low - 1));
    assert_true(ws__stack_is_guard(s, s->low - GUARD));
    assert_false(ws__stack_is_guard(s, s->low));
    assert_false(ws__stack_is_guard(s, s->low - GUARD - 1));
}

static void check_guards(enum ws__guard prefer, enum ws__guard has)
{
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s[SLAB + 1];

    ws__stack_prefer(prefer);
    for (size_t i = 0; i < COUNT(s); i++) {
        s[i] = get(&c);
        assert_int_equal(s[i]->guard, has);
        check_guard(s[i], has != WS__GUARD_CANARY);
    }
    put_all(&c, s, COUNT(s));
    ws__stack_prefer(WS__GUARD_INSTALL);
}

static void pages_of_the_guard_fault(void **state)
{
    (void)state;

    check_guards(WS__GUARD_INSTALL, kernel_installs_guards()
                                        ? WS__GUARD_INSTALL
                                        : WS__GUARD_MPROTECT);
    check_guards(WS__GUARD_MPROTECT, WS__GUARD_MPROTECT);
}

static void without_a_guard_the_canary_tells(void **state)
{
    (void)state;

    check_guards(WS__GUARD_CANARY, WS__GUARD_CANARY);
    ws__stack_prefer(WS__GUARD_CANARY);
    struct ws__stack_cache c = new_cache(new_size());
    for (int i = 0; i < 64; i++) {
        struct ws__stack *s = get(&c);
        s->low[i] = 1;
        assert_false(ws__stack_intact(s));
        s->low[i] = 0;
        assert_true(ws__stack_intact(s));
        ws__stack_put(NULL, s);
    }
    ws__stack_prefer(WS__GUARD_INSTALL);
}

/* With any other guard the lowest bytes are the fiber's as well. */
static void a_guarded_stack_may_be_used_up(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s = get(&c);

    memset(s->low, 1, ws__stack_size(s));
    assert_true(ws__stack_intact(s));
    put_all(&c, &s, 1);
}

static void a_guard_stays_when_the_stack_is_used_again(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s = get(&c);

    for (int i = 0; i < 3; i++) {
        ws__stack_put(&c, s);
        assert_ptr_equal(get(&c), s);
        assert_true(faults(s->low - 1));
        ws__stack_put(NULL, s);
        assert_ptr_equal(get(&c), s);
        assert_true(faults(s->low - 1));
    }
    put_all(&c, &s, 1);
}

/* ---- Reuse -------------------------------------------------------------- */

static void the_last_used_is_the_next_used(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s[] = { get(&c), get(&c) };

    assert_ptr_not_equal(s[0], s[1]);
    ws__stack_put(&c, s[0]);
    ws__stack_put(&c, s[1]);
    assert_ptr_equal(get(&c), s[1]);
    assert_ptr_equal(get(&c), s[0]);
    put_all(&c, s, 2);
}

static void a_thread_keeps_so_many_and_gives_back_the_rest(void **state)
{
    (void)state;
    enum { MORE = 10 };
    size_t size = new_size();
    struct ws__stack_cache c = new_cache(size), other = new_cache(size);
    struct ws__stack *s[KEPT + MORE];

    for (size_t i = 0; i < COUNT(s); i++)
        s[i] = get(&c);
    for (size_t i = 0; i < COUNT(s); i++)
        ws__stack_put(&c, s[i]);
    assert_int_equal(c.count, KEPT);
    for (size_t i = COUNT(s); i-- > KEPT;)
        assert_ptr_equal(get(&other), s[i]);
    for (size_t i = KEPT; i-- > 0;)
        assert_ptr_equal(get(&c), s[i]);
    assert_int_equal(c.count, 0);
    put_all(&c, s, COUNT(s));
}

static void what_a_thread_kept_goes_to_others_when_it_ends(void **state)
{
    (void)state;
    size_t size = new_size();
    struct ws__stack_cache c = new_cache(size), other = new_cache(size);
    struct ws__stack *s = get(&c);

    ws__stack_put(&c, s);
    ws__stack_cache_fini(&c);
    assert_ptr_equal(get(&other), s);
    put_all(&other, &s, 1);
}

static void stacks_of_one_size_are_not_given_out_as_another(void **state)
{
    (void)state;
    size_t size = new_size();
    struct ws__stack_cache c = new_cache(size), other = new_cache(new_size());
    struct ws__stack *s = get(&c), *another = get(&other);

    assert_int_not_equal(ws__stack_size(another), size);
    ws__stack_put(&other, s);
    assert_int_equal(other.count, 0);
    assert_ptr_equal(get(&c), s);
    put_all(&c, &s, 1);
    put_all(&other, &another, 1);
}

static void many_come_and_go_without_more_memory(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s[SLAB];

    for (size_t i = 0; i < SLAB; i++)
        s[i] = get(&c);
    for (size_t i = 0; i < SLAB; i++)
        ws__stack_put(&c, s[i]);

    long live = alloc_live();
    for (int round = 0; round < 1000; round++) {
        for (size_t i = 0; i < SLAB; i++)
            s[i] = get(&c);
        for (size_t i = 0; i < SLAB; i++)
            ws__stack_put(i % 2 ? NULL : &c, s[i]);
    }
    assert_int_equal(alloc_live(), live);
    ws__stack_cache_fini(&c);
}

/* ---- Pages -------------------------------------------------------------- */

static size_t resident(const struct ws__stack *s)
{
    unsigned char pages[256];
    size_t n = ws__stack_size(s) / page, count = 0;

    assert_true(n <= COUNT(pages));
    assert_int_equal(mincore(s->low, n * page, pages), 0);
    for (size_t i = 0; i < n; i++)
        count += pages[i] & 1;
    return count;
}

static void a_new_stack_takes_no_memory(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s = get(&c);

    assert_int_equal(resident(s), 0);
    put_all(&c, &s, 1);
}

static void trimming_keeps_what_is_above_the_stack_pointer(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s = get(&c);
    size_t size = ws__stack_size(s), pages = size / page;

    for (size_t sp = 0; sp <= size; sp += sp % page == 0 ? 1 : page / 2 - 1) {
        size_t kept = sp / page * page;

        memset(s->low, 7, size);
        assert_int_equal(resident(s), pages);
        ws__stack_trim(s, s->low + sp);
        assert_int_equal(resident(s), pages - kept / page);
        for (size_t i = 0; i < size; i += 64)
            assert_int_equal(s->low[i], i < kept ? 0 : 7);
    }
    put_all(&c, &s, 1);
}

static void a_stack_pointer_elsewhere_trims_nothing(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s = get(&c);
    size_t size = ws__stack_size(s);
    char *const elsewhere[] = { s->low - 1, s->low - GUARD, s->low + size + 1,
                                s->low + 2 * size, NULL };

    memset(s->low, 7, size);
    for (size_t i = 0; i < COUNT(elsewhere); i++)
        ws__stack_trim(s, elsewhere[i]);
    assert_int_equal(resident(s), size / page);
    put_all(&c, &s, 1);
}

static void what_is_given_back_takes_no_memory(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s = get(&c);

    memset(s->low, 7, ws__stack_size(s));
    ws__stack_put(NULL, s);
    assert_int_equal(resident(s), 0);
    assert_ptr_equal(get(&c), s);
    memset(s->low, 7, ws__stack_size(s));
    ws__stack_put(&c, s);
    ws__stack_cache_fini(&c);
    assert_int_equal(resident(s), 0);
}

static size_t count_warm(struct ws__stack *const *s, size_t n)
{
    size_t warm = 0;

    for (size_t i = 0; i < n; i++)
        warm += resident(s[i]) > 0;
    return warm;
}

static void get_and_touch(struct ws__stack_cache *c, struct ws__stack **s,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        s[i] = get(c);
        memset(s[i]->low, 7, ws__stack_size(s[i]));
    }
}

static void free_stacks_that_nobody_needs_take_no_memory(void **state)
{
    (void)state;
    struct ws__stack_cache c = new_cache(new_size());
    struct ws__stack *s[KEPT];

    get_and_touch(&c, s, KEPT);
    put_back(&c, s, KEPT);
    ws__stack_cache_trim(&c); /* all were needed before */
    assert_int_equal(count_warm(s, KEPT), KEPT);
    assert_true(c.warm);

    struct ws__stack *taken[WARM * 2];
    get_and_touch(&c, taken, WARM * 2);
    put_back(&c, taken, WARM * 2);
    ws__stack_cache_trim(&c); /* these were since */
    assert_int_equal(count_warm(s, KEPT), WARM * 2);
    assert_true(c.warm);
    ws__stack_cache_trim(&c);
    assert_int_equal(count_warm(s, KEPT), WARM);
    assert_false(c.warm);

    get_and_touch(&c, s, KEPT); /* again, those that took none, too */
    put_back(&c, s, KEPT);
    ws__stack_cache_trim(&c);
    ws__stack_cache_trim(&c);
    assert_int_equal(count_warm(s, KEPT), WARM);
    ws__stack_cache_fini(&c);
}

/* ---- Sizes and memory --------------------------------------------------- */

static void the_size_is_rounded_up_to_pages(void **state)
{
    (void)state;
    const struct {
        size_t asked, got;
    } sizes[] = {
        { 0, 256 * KIB },
        { 1, 16 * KIB },
        { 16 * KIB, 16 * KIB },
        { 16 * KIB + 1, 16 * KIB + page },
        { 1024 * KIB - 1, 1024 * KIB },
    };

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct ws__stack_cache c = new_cache(sizes[i].asked);
        struct ws__stack *s = get(&c);

        assert_int_equal(ws__stack_size(s), sizes[i].got);
        assert_int_equal((uintptr_t)s->low % page, 0);
        ws__stack_put(&c, s);
        ws__stack_cache_fini(&c);
    }
}

/* Either there is none, or none of its stacks can be had. */
static void a_size_that_no_memory_has_is_refused(void **state)
{
    (void)state;
    const size_t sizes[] = { SIZE_MAX,       SIZE_MAX - 1,  SIZE_MAX / 2 + 1,
                             SIZE_MAX / 4,   SIZE_MAX / 64, SIZE_MAX / 64 + 1,
                             SIZE_MAX / 4096 };

    /* The rest 32 bits have. */
    size_t n = sizeof(size_t) < 8 ? 3 : COUNT(sizes);

    for (size_t i = 0; i < n; i++) {
        struct ws__stack_cache c;
        int r = ws__stack_cache_init(&c, sizes[i]);

        assert_true(r == 0 || r == -ENOMEM);
        if (r == 0)
            assert_null(ws__stack_get(&c));
    }
}

static void without_memory_there_is_no_stack(void **state)
{
    (void)state;
    struct ws__stack_cache c;
    size_t size = new_size();

    alloc_fail_at(1);
    assert_int_equal(ws__stack_cache_init(&c, size), -ENOMEM);
    c = new_cache(size);
    alloc_fail_at(1);
    assert_null(ws__stack_get(&c));
    assert_true(alloc_failed());
    ws__stack_put(NULL, get(&c));
}

/* Each is a mapping of its own, and the system allows for so many.  valgrind
 * allows for less, and 32 bits have no room for them.  The last test: there are no more then. */
static void there_are_not_too_many_mappings(void **state)
{
    (void)state;
    enum { ALL = 16 * KIB };
    static struct ws__stack *s[ALL + 1];
    struct ws__stack_cache c = new_cache(new_size());
    size_t n = RUNNING_ON_VALGRIND || sizeof(size_t) < 8 ? 1000 : COUNT(s);

    ws__stack_prefer(WS__GUARD_MPROTECT);
    for (size_t i = 0; i < n; i++)
        s[i] = get(&c);
    assert_int_equal(s[n - 1]->guard,
                     n > ALL ? WS__GUARD_CANARY : WS__GUARD_MPROTECT);
    put_all(&c, s, n);
    ws__stack_prefer(WS__GUARD_INSTALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_the_guard_fault),
        cmocka_unit_test(without_a_guard_the_canary_tells),
        cmocka_unit_test(a_guarded_stack_may_be_used_up),
        cmocka_unit_test(a_guard_stays_when_the_stack_is_used_again),
        cmocka_unit_test(the_last_used_is_the_next_used),
        cmocka_unit_test(a_thread_keeps_so_many_and_gives_back_the_rest),
        cmocka_unit_test(what_a_thread_kept_goes_to_others_when_it_ends),
        cmocka_unit_test(stacks_of_one_size_are_not_given_out_as_another),
        cmocka_unit_test(many_come_and_go_without_more_memory),
        cmocka_unit_test(a_new_stack_takes_no_memory),
        cmocka_unit_test(trimming_keeps_what_is_above_the_stack_pointer),
        cmocka_unit_test(a_stack_pointer_elsewhere_trims_nothing),
        cmocka_unit_test(what_is_given_back_takes_no_memory),
        cmocka_unit_test(free_stacks_that_nobody_needs_take_no_memory),
        cmocka_unit_test(the_size_is_rounded_up_to_pages),
        cmocka_unit_test(a_size_that_no_memory_has_is_refused),
        cmocka_unit_test(without_memory_there_is_no_stack),
        cmocka_unit_test(there_are_not_too_many_mappings),
    };

    page = (size_t)sysconf(_SC_PAGESIZE);
    alloc_fail_install();
    return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}
