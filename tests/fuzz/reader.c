/* SPDX-License-Identifier: MIT */

/* The reader, as a server's and as a client's, beside the one of reader_model.h:
 * whatever comes, in pieces of whatever size, both say the same. */

#include "fuzz/fuzz.h"

#include "reader_run.h"

enum {
    CLIENT = 1,
    COMPRESSION = 2,
    TAKEOVER = 4,
    LARGE = 8,
    INFLATED_MAX = 100000
};

static const int limits[] = { -1, 0, 1, 50, 125, 126, 505, 65536 };

static struct rules take_rules(struct input *in)
{
    unsigned flags = take_byte(in);
    int limit = limits[take_byte(in) % COUNT(limits)];

    if ((flags & COMPRESSION) && limit < 0)
        limit = INFLATED_MAX;

    return (struct rules){ .client = flags & CLIENT,
                           .compression = flags & COMPRESSION,
                           .takeover = flags & TAKEOVER,
                           .limit = limit,
                           .in_max = flags & LARGE ? 4096 : 512 };
}

/* Where malloc was replaced zlib does all the work: what libdeflate makes of
 * messages is for inflate.c. */
static void *alloc(void *ptr, size_t size, void *arg)
{
    (void)arg;
    if (size > 0)
        return realloc(ptr, size);
    free(ptr);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct story model, reader;
    struct input in = { data, size };
    struct rules rules = take_rules(&in);

    ws_set_allocator(alloc, NULL);
    dice = take_byte(&in);
    dice = (dice << 8 | take_byte(&in)) * 0x9e3779b97f4a7c15u | 1;
    model_read(&rules, in.p, in.n, &model);
    reader_read(&rules, in.p, in.n, &reader);
    CHECK(tell_the_same(&model, &reader));
    return 0;
}
