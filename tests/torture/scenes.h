/* SPDX-License-Identifier: MIT */

#ifndef TESTS_TORTURE_SCENES_H
#define TESTS_TORTURE_SCENES_H

/* What is done while something fails. */

#include "world.h"

struct scene {
    const char *name;

    /* In a fiber.  0, or the code of what failed; ends the process when a result
     * is wrong. */
    int (*play)(const struct way *way);
    struct way way;
};

extern const struct scene scenes[];
extern const size_t scenes_n;

int scene_play(const struct scene *s);

/* With its way warm: contexts made, a session to resume. */
int scene_warm(const struct scene *s);

/* Another client is served, now that nothing fails. */
int scene_after(void);

#endif
