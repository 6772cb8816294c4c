/* SPDX-License-Identifier: MIT */

#include "hub/name.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "hub/hash.h"

/* U+0080 to U+009F are C2 80 to C2 9F. */
static bool has_control(const char *s)
{
    for (; *s; s++)
        if (ws__is_control(*s) ||
            ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0))
            return true;
    return false;
}

bool ws__name_read(char name[static WS__NAME_MAX + 1], struct ws__str s)
{
    if (s.n > WS__NAME_MAX || (s.n > 0 && memchr(s.p, '\0', s.n)))
        return false;
    memcpy(name, s.p, s.n);
    name[s.n] = '\0';
    return ws__name_is_right(name);
}

bool ws__name_is_right(const char *name)
{
    size_t n = name ? strnlen(name, WS__NAME_MAX + 1) : 0;

    return n > 0 && n <= WS__NAME_MAX &&
           ws__utf8_is_valid((const uint8_t *)name, n) && !has_control(name);
}
