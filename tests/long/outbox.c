/* SPDX-License-Identifier: MIT */

/* outbox [PREEMPTIONS [LIMIT]]: plays each scene of tests/outbox_scenes.h in all
 * orders with at most so many preemptions (3), at most LIMIT (0: all) of each.
 * Ends with 1 when somebody waits for ever in one. */

#include "outbox_scenes.h"

int main(int argc, char **argv)
{
    int preemptions = argc > 1 ? atoi(argv[1]) : 3;
    unsigned long limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long total = 0;
    int failed = 0;

    for (size_t i = 0; i < COUNT(scenes); i++) {
        failed += !explore_shown(&scenes[i], preemptions, limit);
        total += explore.schedules;
    }
    printf("%lu schedules with at most %d preemptions: %d of %zu scenes went "
           "wrong\n",
           total, preemptions, failed, COUNT(scenes));
    return failed > 0;
}
