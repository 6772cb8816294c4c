/* SPDX-License-Identifier: MIT */

#include "fiber/name.h"

#include <dlfcn.h>
#include <stdio.h>

void ws__fiber_name(const char *label, void (*fn)(void *arg),
                    char out[static WS__NAME_LEN])
{
    const void *address = *(void **)&fn;
    Dl_info info;

    if (label)
        snprintf(out, WS__NAME_LEN, "the handler of %s", label);
    else if (dladdr(address, &info) != 0 && info.dli_sname)
        snprintf(out, WS__NAME_LEN, "the fiber %s", info.dli_sname);
    else
        snprintf(out, WS__NAME_LEN, "the fiber at %p", address);
}
