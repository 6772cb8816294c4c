/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <execinfo.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "fiber/context.h"
#include "fiber/sanitizers.h"

enum {
    STACK = 128 * 1024,
    MANY = 200,
    ROUNDS = 50,
};

/* A context that goes to and fro between the test's own. */
struct other {
    struct ws__context context;
    struct ws__context *home;
    void (*fn)(struct other *o);
    char *stack;
    long number;
    bool ended;
};

static void enter(void *arg)
{
    struct other *o = arg;

    ws__context_entered(&o->context, o->home);
    o->fn(o);
    o->ended = true;
    ws__context_switch(&o->context, o->home, true);
}

static void begin(struct other *o, struct ws__context *home,
                  void (*fn)(struct other *o))
{
    *o = (struct other){ .home = home, .fn = fn, .stack = malloc(STACK) };
    assert_non_null(o->stack);
    ws__context_init(&o->context, o->stack, STACK, enter, o);
    ws__valgrind_stack(o->stack, STACK, 0);
}

static void go_on(struct other *o)
{
    ws__context_switch(o->home, &o->context, false);
}

static void go_home(struct other *o)
{
    ws__context_switch(&o->context, o->home, false);
}

static void end(struct other *o)
{
    assert_true(o->ended);
    ws__context_fini(&o->context);
    free(o->stack);
}

/* ---- There and back ----------------------------------------------------- */

static void count_to_three(struct other *o)
{
    for (o->number = 1; o->number < 3; o->number++)
        go_home(o);
}

static void each_switch_goes_on_where_it_was_left(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other o;

    begin(&o, &home, count_to_three);
    for (long n = 1; n <= 3; n++) {
        assert_false(o.ended);
        go_on(&o);
        assert_int_equal(o.number, n);
    }
    end(&o);
}

static void remember(struct other *o)
{
    volatile long local[100];

    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT(local); i++)
            local[i] = o->number * 1000 + round;
        go_home(o);
        for (size_t i = 0; i < COUNT(local); i++)
            assert_int_equal(local[i], o->number * 1000 + round);
    }
}

static void many_stacks_keep_what_is_theirs(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other *others = malloc(MANY * sizeof(*others));

    assert_non_null(others);
    for (long i = 0; i < MANY; i++) {
        begin(&others[i], &home, remember);
        others[i].number = i;
    }
    for (int round = 0; round <= ROUNDS; round++)
        for (long i = 0; i < MANY; i++)
            go_on(&others[(i * 7 + round) % MANY]);
    for (long i = 0; i < MANY; i++)
        end(&others[i]);
    free(others);
}

static struct ws__context inner_home;

static void go_further(struct other *o)
{
    struct other inner;

    begin(&inner, &inner_home, count_to_three);
    while (!inner.ended) {
        o->number++;
        go_on(&inner);
        go_home(o);
    }
    end(&inner);
}

static void one_context_may_switch_to_a_third(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other o;

    begin(&o, &home, go_further);
    inner_home = o.context;
    while (!o.ended)
        go_on(&o);
    assert_int_equal(o.number, 3);
    end(&o);
}

/* ---- Registers ---------------------------------------------------------- */

/* Nothing that the compiler keeps across a call is as it was. */
static void spoil_registers(void)
{
#if defined(__x86_64__)
    __asm__ volatile("movq $-1, %%rbx\n\t"
                     "movq $-2, %%r12\n\t"
                     "movq $-3, %%r13\n\t"
                     "movq $-4, %%r14\n\t"
                     "movq $-5, %%r15\n\t"
                     "pcmpeqd %%xmm0, %%xmm0\n\t"
                     "pcmpeqd %%xmm15, %%xmm15" ::
                         : "rbx", "r12", "r13", "r14", "r15", "xmm0", "xmm15");
#elif defined(__aarch64__)
    __asm__ volatile("mov x19, #-1\n\tmov x20, #-2\n\tmov x21, #-3\n\t"
                     "mov x22, #-4\n\tmov x23, #-5\n\tmov x24, #-6\n\t"
                     "mov x25, #-7\n\tmov x26, #-8\n\tmov x27, #-9\n\t"
                     "mov x28, #-10\n\t"
                     "movi d8, #-1\n\tmovi d9, #-1\n\tmovi d10, #-1\n\t"
                     "movi d11, #-1\n\tmovi d12, #-1\n\tmovi d13, #-1\n\t"
                     "movi d14, #-1\n\tmovi d15, #-1" ::
                         : "x19", "x20", "x21", "x22", "x23", "x24", "x25",
                           "x26", "x27", "x28", "d8", "d9", "d10", "d11", "d12",
                           "d13", "d14", "d15");
#endif
}

/* Leaves its own values in all of them, and wants them back. */
static void use_registers(struct other *o)
{
    volatile long seed = 40;
    volatile double real_seed = 0.5;
    long a = seed++, b = seed++, c = seed++, d = seed++, e = seed++, f = seed++;
    double p = real_seed++, q = real_seed++, r = real_seed++, s = real_seed++;

    for (int i = 0; i < ROUNDS; i++) {
        go_home(o);
        a += 1, b += 2, c += 3, d += 4, e += 5, f += 6;
        p += 1, q += 2, r += 3, s += 4;
    }
    o->number = a + b + c + d + e + f + (long)(p + q + r + s);
}

enum { USED = 40 + 41 + 42 + 43 + 44 + 45 + 8 + ROUNDS * (21 + 10) };

static __attribute__((noinline)) void spoil_and_go_on(struct other *o)
{
    spoil_registers();
    go_on(o);
    spoil_registers();
}

static void callee_saved_registers_are_kept(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other o, another;
    volatile long seed = 1;
    volatile double real_seed = 1.25;
    long a = seed++, b = seed++, c = seed++, d = seed++, e = seed++, f = seed++;
    double p = real_seed++, q = real_seed++;

    begin(&o, &home, use_registers);
    begin(&another, &home, use_registers);
    while (!another.ended) {
        spoil_and_go_on(&o);
        go_on(&another);
    }
    assert_int_equal(o.number, USED);
    assert_int_equal(another.number, USED);
    assert_int_equal(a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f,
                     654321);
    assert_true(p == 1.25 && q == 2.25);
    end(&o);
    end(&another);
}

/* printf of doubles stores whole vector registers. */
static void print_real(struct other *o)
{
    alignas(16) volatile char aligned[16];
    char text[32];

    assert_int_equal((uintptr_t)aligned % 16, 0);
    snprintf(text, sizeof(text), "%.3f", 2.5);
    assert_string_equal(text, "2.500");
    o->number = 1;
}

static void a_new_stack_is_aligned(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other o;

    for (size_t odd = 0; odd < 64; odd += 8) {
        begin(&o, &home, print_real);
        ws__context_fini(&o.context);
        ws__context_init(&o.context, o.stack, STACK - odd, enter, &o);
        go_on(&o);
        assert_int_equal(o.number, 1);
        end(&o);
    }
}

/* ---- Backtraces --------------------------------------------------------- */

static void trace(struct other *o)
{
    void *frames[64];

    o->number = backtrace(frames, COUNT(frames));
}

static void a_backtrace_comes_to_an_end(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other o;

    begin(&o, &home, trace);
    go_on(&o);
    assert_in_range(o.number, 2, 8);
    end(&o);
}

/* ---- Calls on another stack --------------------------------------------- */

struct call {
    const char *where; /* it was on the stack */
    long sum;
};

static void add_up(void *arg)
{
    struct call *c = arg;
    volatile char room[32 * 1024];

    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = 1;
    for (size_t i = 0; i < sizeof(room); i++)
        c->sum += room[i];
    c->where = __builtin_frame_address(0);
    spoil_registers();
}

static bool is_on(const struct other *o, const char *p)
{
    return p >= o->stack && p < o->stack + STACK;
}

/* Only where there is assembly, and no sanitizer to be confused. */
static bool calls_go_elsewhere(void)
{
#ifdef TESTS_SWITCH_IS_ASSEMBLY
    return !WS__SANITIZED;
#else
    return false;
#endif
}

static void a_call_is_made_on_the_stack_that_was_left(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other o;

    begin(&o, &home, remember);
    for (int round = 0; round <= ROUNDS; round++) {
        struct call c = { 0 };

        go_on(&o);
        if (!o.ended) {
            ws__context_call(&o.context, add_up, &c);
            assert_int_equal(c.sum, 32 * 1024);
            assert_int_equal(is_on(&o, c.where), calls_go_elsewhere());
        }
    }
    end(&o);
}

static void call_home(struct other *o)
{
    struct call c = { 0 };

    for (int i = 0; i < ROUNDS; i++) {
        ws__context_call(o->home, add_up, &c);
        assert_int_equal(is_on(o, c.where), !calls_go_elsewhere());
    }
    o->number = c.sum;
}

static void a_call_goes_to_the_threads_own_stack(void **state)
{
    (void)state;
    struct ws__context home = { 0 };
    struct other o;

    begin(&o, &home, call_home);
    go_on(&o);
    assert_int_equal(o.number, ROUNDS * 32 * 1024);
    end(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_switch_goes_on_where_it_was_left),
        cmocka_unit_test(many_stacks_keep_what_is_theirs),
        cmocka_unit_test(one_context_may_switch_to_a_third),
        cmocka_unit_test(callee_saved_registers_are_kept),
        cmocka_unit_test(a_new_stack_is_aligned),
        cmocka_unit_test(a_backtrace_comes_to_an_end),
        cmocka_unit_test(a_call_is_made_on_the_stack_that_was_left),
        cmocka_unit_test(a_call_goes_to_the_threads_own_stack),
    };

    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
