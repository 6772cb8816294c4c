/* SPDX-License-Identifier: MIT */

#ifndef WS_PROTO_ZALLOC_H
#define WS_PROTO_ZALLOC_H

#include <zlib.h>

/* zlib's memory, through the library's allocator. */
voidpf ws__zlib_alloc(voidpf opaque, uInt items, uInt size);
void ws__zlib_free(voidpf opaque, voidpf address);

#endif
