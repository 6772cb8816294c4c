/* SPDX-License-Identifier: MIT */

#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <silverback/fiber.h>

#include "test.h"

/* Not what the watchdog of the workers opens for a moment, now and then; nor "."
 * and ".." of the list, which are no links. */
static inline bool descriptors_counts(int list, const char *name)
{
    char to[64]; /* the end of a longer one does not matter */
    ssize_t n = readlinkat(list, name, to, sizeof(to) - 1);

    to[n > 0 ? n : 0] = '\0';
    return n > 0 && !strstr(to, "/schedstat");
}

/* How many the process has. */
static inline int descriptors_open(void)
{
    DIR *list = opendir("/proc/self/fd");
    int n = -1; /* the list itself */

    assert_non_null(list);
    for (struct dirent *e; (e = readdir(list)) != NULL;)
        n += descriptors_counts(dirfd(list), e->d_name);
    closedir(list);
    return n;
}

/* Until there are no more than n. */
static inline void descriptors_await(int n)
{
    enum { LIMIT_MS = 20 * 1000 };

    for (int64_t limit = ws_after(LIMIT_MS); descriptors_open() > n;) {
        if (ws_now() > limit)
            fail_msg("%d descriptors are left", descriptors_open() - n);
        ws_sleep(1);
    }
}

/* In a child, of its parent. */
static inline bool descriptors_limit(bool none)
{
    struct rlimit r;

    if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &r) != 0)
        return false;
    r.rlim_cur = none ? 3 : r.rlim_max; /* poll(2) fails at 0 */
    return prlimit(getppid(), RLIMIT_NOFILE, &r, NULL) == 0;
}

/*
 * A limit that a program sets itself is not the kernel's under valgrind, which
 * closes what comes beyond it, and with it the connection that accept(2) should
 * have left in the queue.  A child that exits, valgrind would search for
 * leaks.
 */
static inline int descriptors_limit_from_outside(void *none)
{
    pid_t pid = fork();
    int status;

    if (pid == 0 && descriptors_limit(none != NULL))
        raise(SIGKILL);
    if (pid == 0)
        _exit(1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status)
               ? 0
               : -1;
}

static inline void descriptors_run_out(void)
{
    assert_int_equal(ws_blocking(descriptors_limit_from_outside, ""), 0);
}

static inline void descriptors_come_back(void)
{
    assert_int_equal(ws_blocking(descriptors_limit_from_outside, NULL), 0);
}

#endif
