/* SPDX-License-Identifier: MIT */

/* outbox [PREEMPTIONS [LIMIT]]: plays each scene of tests/outbox_scenes.h in all
 * orders with at most so many preemptions (3), at most LIMIT (0: all) of each.
 * Ends with 1 when somebody waits for ever in one. */

#include "outbox_scenes.h"

int main(int argc, char **argv)
{
    return explore_every(scenes, COUNT(scenes), 3, argc, argv);
}
