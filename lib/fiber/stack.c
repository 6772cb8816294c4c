/* SPDX-License-Identifier: MIT */

#include "fiber/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fiber/sanitizers.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#endif

enum {
    STACK_SIZE = 256 * 1024,
    STACK_SIZE_MIN = 16 * 1024,
    GUARD = 64 * 1024, /* a frame of the library never jumps over it */
    SLAB = 64,         /* stacks in one mapping */
    KEPT = 128,        /* by a thread, */
    WARM = 4,          /* and so many with their pages, however long */
    CANARY = 64,       /* bytes */

    /* A mapping each, twice, of the 65530 that a process may have. */
    MPROTECT_MAX = 16 * 1024,
};

/* More cannot be had, and a slab of them could not be counted in bytes. */
#define SIZE_LIMIT (PTRDIFF_MAX / SLAB / 2)

struct slab {
    struct slab *next;
    struct ws__stack stacks[SLAB];
};

struct ws__stacks {
    struct ws__stacks *next;
    size_t size;
    pthread_mutex_t lock; /* of what follows */
    struct ws__stack *free;
    struct slab *slabs; /* so that none looks lost when the process ends */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all */
static struct ws__stacks *all;

static _Atomic(enum ws__guard) preferred = WS__GUARD_INSTALL;
static atomic_size_t mprotected;

void ws__stack_prefer(enum ws__guard guard)
{
    atomic_store(&preferred, guard);
}

/* ---- Slabs -------------------------------------------------------------- */

/* Map memory for n stacks, fewer where the address space is limited; sets n. */
static char *map(size_t stride, size_t *n)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    void *p = MAP_FAILED;

    for (*n = SLAB; *n > 0; *n /= 4) {
        p = mmap(NULL, *n * stride, PROT_READ | PROT_WRITE, flags, -1, 0);
        if (p != MAP_FAILED)
            break;
    }
    if (p == MAP_FAILED)
        return NULL;
    /* With huge pages each stack that is touched would take 2 MiB. */
    (void)madvise(p, *n * stride, MADV_NOHUGEPAGE);
    return p;
}

/* Each stack has its guard right below it, in the same mapping. */
static int add_slab(struct ws__stacks *of)
{
    size_t stride = GUARD + of->size, n;
    struct slab *slab = ws__alloc(sizeof(*slab));
    char *base = slab ? map(stride, &n) : NULL;

    if (!base) {
        ws_free(slab);
        return -ENOMEM;
    }
    struct ws__stack *list = slab->stacks;
    slab->next = of->slabs;
    of->slabs = slab;
    for (size_t i = 0; i < n; i++) {
        list[i] = (struct ws__stack){ .low = base + i * stride + GUARD,
                                      .next = of->free,
                                      .of = of };
        of->free = &list[i];
    }
    return 0;
}

static struct ws__stacks *stacks_new(size_t size)
{
    struct ws__stacks *of = ws__zalloc(sizeof(*of));

    if (!of)
        return NULL;
    pthread_mutex_init(&of->lock, NULL);
    of->size = size;
    of->next = all;
    all = of;
    return of;
}

static struct ws__stacks *stacks_of(size_t size)
{
    pthread_mutex_lock(&lock);
    struct ws__stacks *of = all;
    while (of && of->size != size)
        of = of->next;
    if (!of)
        of = stacks_new(size);
    pthread_mutex_unlock(&lock);
    return of;
}

/* ---- Guards ------------------------------------------------------------- */

/* Does reading p fault?  An emulator may say yes to a madvise(2) that it does not
 * know, so the guard is tried: write(2) says -EFAULT where a load would end the
 * process. */
static bool faults(const char *p)
{
    int fd[2];

    if (pipe2(fd, O_CLOEXEC) != 0)
        return true;
    bool refused = write(fd[1], p, 1) < 0 && errno == EFAULT;
    close(fd[0]);
    close(fd[1]);
    return refused;
}

static bool install_guard(char *p)
{
    static atomic_int works; /* 0: not yet known */
    int known = atomic_load_explicit(&works, memory_order_relaxed);

    if (known < 0 || madvise(p, GUARD, MADV_GUARD_INSTALL) != 0)
        return false;
    if (known == 0) {
        known = faults(p) ? 1 : -1;
        atomic_store_explicit(&works, known, memory_order_relaxed);
    }
    return known > 0;
}

static bool guard_as(struct ws__stack *s, enum ws__guard guard)
{
    char *p = s->low - GUARD;

    s->guard = guard;
    switch (guard) {
    case WS__GUARD_INSTALL:
        return install_guard(p);
    case WS__GUARD_MPROTECT:
        return atomic_fetch_add(&mprotected, 1) < MPROTECT_MAX &&
               mprotect(p, GUARD, PROT_NONE) == 0;
    case WS__GUARD_CANARY:
        break;
    }
    return true;
}

/* Once in a stack's life, when it is first handed out. */
static void set_guard(struct ws__stack *s)
{
    enum ws__guard guard = atomic_load(&preferred);

    while (!guard_as(s, guard))
        guard++;
    s->guarded = true;
    ws__valgrind_stack(s->low, s->of->size, GUARD);
}

/* New memory is zero, and reading it makes none: so the canary is zero too. */
bool ws__stack_intact(const struct ws__stack *s)
{
    static const char zero[CANARY];

    return s->guard != WS__GUARD_CANARY ||
           memcmp(s->low, zero, sizeof(zero)) == 0;
}

bool ws__stack_is_guard(const struct ws__stack *s, const void *address)
{
    const char *p = address;

    return p >= s->low - GUARD && p < s->low;
}

/* ---- Taking and giving -------------------------------------------------- */

static size_t rounded(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    size = size == 0               ? STACK_SIZE
           : size < STACK_SIZE_MIN ? STACK_SIZE_MIN
                                   : size;
    return (size + page - 1) / page * page;
}

int ws__stack_cache_init(struct ws__stack_cache *c, size_t size)
{
    if (size > SIZE_LIMIT)
        return -ENOMEM;
    *c = (struct ws__stack_cache){ .of = stacks_of(rounded(size)) };
    return c->of ? 0 : -ENOMEM;
}

static void give_back(struct ws__stack *s)
{
    struct ws__stacks *of = s->of;

    ws__stack_trim(s, s->low + of->size);
    pthread_mutex_lock(&of->lock);
    s->next = of->free;
    of->free = s;
    pthread_mutex_unlock(&of->lock);
}

void ws__stack_cache_fini(struct ws__stack_cache *c)
{
    while (c->first) {
        struct ws__stack *s = c->first;
        c->first = s->next;
        give_back(s);
    }
}

static struct ws__stack *stack_take(struct ws__stacks *of)
{
    pthread_mutex_lock(&of->lock);
    struct ws__stack *s = of->free || add_slab(of) == 0 ? of->free : NULL;
    if (s)
        of->free = s->next;
    pthread_mutex_unlock(&of->lock);
    if (s && !s->guarded)
        set_guard(s);
    return s;
}

struct ws__stack *ws__stack_get(struct ws__stack_cache *c)
{
    struct ws__stack *s = c->first;

    if (!s)
        return stack_take(c->of);
    c->first = s->next;
    c->count--;
    if (c->unused > c->count)
        c->unused = c->count;
    return s;
}

void ws__stack_put(struct ws__stack_cache *c, struct ws__stack *s)
{
    if (!c || c->of != s->of || c->count >= KEPT) {
        give_back(s);
        return;
    }
    s->next = c->first;
    s->trimmed = false;
    c->first = s;
    c->count++;
    c->warm = c->warm || c->count > WARM;
}

void ws__stack_cache_trim(struct ws__stack_cache *c)
{
    struct ws__stack *s = c->first;

    c->warm = false;
    for (size_t i = 0; i < c->count; i++, s = s->next) {
        if (i < WARM || s->trimmed)
            continue;
        s->trimmed = i >= c->count - c->unused;
        if (s->trimmed)
            ws__stack_trim(s, s->low + c->of->size);
        else
            c->warm = true;
    }
    c->unused = c->count;
}

size_t ws__stack_size(const struct ws__stack *s)
{
    return s->of->size;
}

void ws__stack_trim(struct ws__stack *s, const void *sp)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t below = (uintptr_t)sp - (uintptr_t)s->low;

    if (below >= page && below <= s->of->size)
        (void)madvise(s->low, below / page * page, MADV_DONTNEED);
}
