/* SPDX-License-Identifier: MIT */

#include "fiber/name.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool ws__fiber_is_ours(const char *label)
{
    return label && strncmp(label, WS__WORK, strlen(WS__WORK)) == 0;
}

void ws__fiber_name(const char *label, void (*fn)(void *arg),
                    char out[static WS__NAME_LEN])
{
    const void *address = *(void **)&fn;
    Dl_info info;
    bool found = dladdr(address, &info) != 0;

    if (ws__fiber_is_ours(label))
        snprintf(out, WS__NAME_LEN, "the library's own work (%s)",
                 label + strlen(WS__WORK));
    else if (label)
        snprintf(out, WS__NAME_LEN, "the handler of %s", label);
    else if (found && info.dli_sname)
        snprintf(out, WS__NAME_LEN, "the fiber %s", info.dli_sname);
    else if (found)
        snprintf(out, WS__NAME_LEN, "the fiber at %s+0x%zx", info.dli_fname,
                 (size_t)((uintptr_t)address - (uintptr_t)info.dli_fbase));
    else
        snprintf(out, WS__NAME_LEN, "the fiber at %p", address);
}
