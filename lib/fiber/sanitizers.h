/* SPDX-License-Identifier: MIT */

#ifndef WS_FIBER_SANITIZERS_H
#define WS_FIBER_SANITIZERS_H

#include <stdbool.h>
#include <stddef.h>

/* What AddressSanitizer, ThreadSanitizer and valgrind want to be told about
 * stacks; nothing in a build without them. */

#ifdef __has_feature
#define WS__HAS(feature) __has_feature(feature)
#else
#define WS__HAS(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || WS__HAS(address_sanitizer)
#define WS__ASAN 1
#include <sanitizer/asan_interface.h>
#else
#define WS__ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || WS__HAS(thread_sanitizer)
#define WS__TSAN 1
#include <sanitizer/tsan_interface.h>
#else
#define WS__TSAN 0
#endif

#if !WS__ASAN
#define __asan_unpoison_memory_region(low, size) ((void)(low), (void)(size))
#define __sanitizer_start_switch_fiber(fake, low, size)                        \
    ((void)(fake), (void)(low), (void)(size))
#define __sanitizer_finish_switch_fiber(fake, low, size)                       \
    ((void)(fake), (void)(low), (void)(size))
#endif

#if !WS__TSAN
#define __tsan_get_current_fiber() NULL
#define __tsan_create_fiber(flags) NULL
#define __tsan_destroy_fiber(fiber) ((void)(fiber))
#define __tsan_switch_to_fiber(fiber, flags) ((void)(fiber))
#endif

#define WS__SANITIZED (WS__ASAN || WS__TSAN)

#ifdef WS__HAVE_VALGRIND
#include <valgrind/memcheck.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) ((void)(low), (void)(high), 0u)
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_MAKE_MEM_NOACCESS(low, size) ((void)(low), (void)(size), 0)
#endif

static inline void ws__asan_leave(void **fake, const void *low, size_t size)
{
    __sanitizer_start_switch_fiber(fake, low, size);
}

static inline void ws__asan_enter(void *fake, const void **low, size_t *size)
{
    __sanitizer_finish_switch_fiber(fake, low, size);
}

/* Nothing is left of what a stack was used for before. */
static inline void ws__asan_renew(void *low, size_t size)
{
    __asan_unpoison_memory_region(low, size);
}

static inline void *ws__tsan_create(void)
{
    return __tsan_create_fiber(0);
}

static inline void ws__tsan_destroy(void *thread)
{
    __tsan_destroy_fiber(thread);
}

/* Asked once for each context. */
static inline void *ws__tsan_current(void *known)
{
    return known ? known : __tsan_get_current_fiber();
}

static inline void ws__tsan_switch(void *thread)
{
    __tsan_switch_to_fiber(thread, 0);
}

/* Looking for what still points at memory, it skips what is no memory: a fault
 * for each word of each guard would take minutes. */
static inline void ws__valgrind_stack(char *low, size_t size, size_t guard)
{
    (void)VALGRIND_STACK_REGISTER(low, low + size - 1);
    (void)VALGRIND_MAKE_MEM_NOACCESS(low - guard, guard);
}

#endif
