/* SPDX-License-Identifier: MIT */

#include "proto/zalloc.h"

#include "base/alloc.h"

voidpf ws__zlib_alloc(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return ws__alloc((size_t)items * size);
}

void ws__zlib_free(voidpf opaque, voidpf address)
{
    (void)opaque;
    ws_free(address);
}
