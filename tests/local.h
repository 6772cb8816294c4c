/* SPDX-License-Identifier: MIT */

#ifndef TESTS_LOCAL_H
#define TESTS_LOCAL_H

/* A place for a local socket, in a folder of its own. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char local_folder[] = "/tmp/local.XXXXXX";
static char local_path[32];    /* in it */
static char local_address[40]; /* "unix:" and that */

static inline int local_make(void **state)
{
    (void)state;
    if (!mkdtemp(local_folder))
        return -1;
    snprintf(local_path, sizeof(local_path), "%s/s", local_folder);
    snprintf(local_address, sizeof(local_address), "unix:%s", local_path);
    return 0;
}

/* Fails if somebody has left something else there. */
static inline int local_remove(void **state)
{
    (void)state;
    unlink(local_path);
    return rmdir(local_folder);
}

#endif
