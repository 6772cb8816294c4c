/* SPDX-License-Identifier: MIT */

#ifndef TESTS_PAGE_END_H
#define TESTS_PAGE_END_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A copy of n bytes that ends right before an unmapped page, so that reading
 * one byte too many is a fault.  Good until the next call. */
static inline void *at_page_end(const void *p, size_t n)
{
    static char *map;
    static size_t size;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t need = (n / page + 1) * page;

    if (need > size) {
        if (map)
            munmap(map, size + page);
        size = need;
        map = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED || mprotect(map + size, page, PROT_NONE) != 0)
            abort();
    }
    if (n > 0)
        memcpy(map + size - n, p, n);
    return map + size - n;
}

#endif
