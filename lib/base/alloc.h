/* SPDX-License-Identifier: MIT */

#ifndef WS_BASE_ALLOC_H
#define WS_BASE_ALLOC_H

#include <silverback/base.h>

/* All of these go through the function that ws_set_allocator set, and return
 * NULL when there is no memory.  Freed by ws_free. */
void *ws__alloc(size_t size);
void *ws__zalloc(size_t size);
void *ws__realloc(void *ptr, size_t size);
char *ws__strdup(const char *s);

/* Do they end up in malloc, and ws_free in free? */
bool ws__alloc_is_malloc(void);

#endif
