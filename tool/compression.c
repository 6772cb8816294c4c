/* SPDX-License-Identifier: MIT */

#include "compression.h"

#include <stdlib.h>
#include <string.h>

#include "output.h"

enum {
    USUAL_BITS = 11, /* 38 KiB a connection */
};

int compression_bits(const struct settings *s)
{
    if (!s->compression)
        return 0;
    const char *bits = s->compression + strlen("takeover");

    return *bits == ',' ? (int)strtol(bits + 1, NULL, 10) : USUAL_BITS;
}

bool compression_is_sound(const struct settings *s)
{
    int bits = compression_bits(s);

    if (bits == 0 || (bits >= 9 && bits <= 15))
        return true;
    output_note("-z takeover,BITS: BITS is 9 to 15");
    return false;
}
