/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_POISON_H
#define WS_BASE_POISON_H

#include <stddef.h>

/* What clang says by __has_feature, gcc says by a macro. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

/* Tell AddressSanitizer, if it is there, that bytes must not be touched, or may
 * be again. */
static inline void ws__poison(const void *p, size_t n)
{
    ASAN_POISON_MEMORY_REGION(p, n);
}

static inline void ws__unpoison(const void *p, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(p, n);
}

#endif
