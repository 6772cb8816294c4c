/* SPDX-License-Identifier: MIT */

#include <silverback/version.h>

const char *ws_version(void)
{
    return WS_VERSION;
}
