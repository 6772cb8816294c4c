/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <limits.h>
#include <sched.h>

#include "fiber/cores.h"
#include "groups.h"

static void only_allowed_processors_count(void **state)
{
    (void)state;
    cpu_set_t all, one;

    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    assert_in_range(ws__cores(), 1, CPU_COUNT(&all));
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &all)) {
            CPU_ZERO(&one);
            CPU_SET(i, &one);
            assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
            assert_int_equal(ws__cores(), 1);
        }
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

/* Files of a mocked system; NULL: there is none. */
static const struct {
    const char *groups;
    const char *of_root, *of_a, *of_b;
    int cores;
} quotas[] = {
    { "0::/a/b\n", NULL, NULL, "max 100000\n", 0 },
    { "0::/a/b\n", NULL, NULL, "200000 100000\n", 2 },
    { "0::/a/b\n", NULL, NULL, "200001 100000\n", 3 }, /* rounded up */
    { "0::/a/b\n", NULL, NULL, "1000 100000\n", 1 },
    { "0::/a/b\n", NULL, "max 100000\n", "400000 50000\n", 8 },
    { "0::/a/b\n", NULL, "150000 50000\n", "400000 50000\n", 3 },
    { "0::/a/b\n", NULL, "500000 50000\n", "400000 50000\n", 8 },
    { "0::/a/b\n", "20000 20000\n", "80000 20000\n", "max 100000\n", 1 },
    { "0::/a\n", NULL, "80000 20000\n", "20000 20000\n", 4 },
    { "0::/\n", "70000 20000\n", "20000 20000\n", NULL, 4 }, /* a container */
    { "0::/\n", NULL, NULL, NULL, 0 },
    { "0::/gone/b\n", "70000 20000\n", NULL, NULL, 4 },
    { "9:name=systemd:/\n1:cpu:/a\n0::/a/b", NULL, NULL, "9 2\n", 5 },
    { "1:cpu:/a\n", "20000 20000\n", "20000 20000\n", NULL, 0 },
    { "", "20000 20000\n", NULL, NULL, 0 },
    { NULL, "20000 20000\n", NULL, NULL, 0 },
    { "0::/a/b\n", NULL, NULL, "", 0 },
    { "0::/a/b\n", NULL, NULL, "nonsense\n", 0 },
    { "0::/a/b\n", NULL, NULL, "5\n", 0 },
    { "0::/a/b\n", NULL, NULL, "0 0\n", 0 },
    { "0::/a/b\n", NULL, NULL, "-5 100\n", 0 },
    { "0::/a/b\n", NULL, NULL, "9223372036854775807 2\n", INT_MAX },
    { "0::/a/b\n", NULL, NULL, "99999999999999999999 2\n", INT_MAX },
};

static void the_quota_is_the_least_of_all_groups_above(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(quotas); i++) {
        write_to("groups", quotas[i].groups);
        write_to("root/cpu.max", quotas[i].of_root);
        write_to("root/a/cpu.max", quotas[i].of_a);
        write_to("root/a/b/cpu.max", quotas[i].of_b);
        int cores = ws__cores_quota(groups, root);
        if (cores != quotas[i].cores)
            fail_msg("row %zu: %d, not %d", i, cores, quotas[i].cores);
    }
}

/* The same of version 1. */
static const struct {
    const char *groups;
    const char *of_root, *of_a, *period;
    int cores;
} quotas_v1[] = {
    { "3:cpu,cpuacct:/a/b\n", "-1\n", "200001\n", "100000\n", 3 },
    { "4:memory:/\n3:cpuacct,cpu:/a\n0::/\n", "100000\n", "200000\n",
      "100000\n", 1 },
    { "3:cpu:/docker/of/the/host\n", "150000\n", NULL, "100000\n", 2 },
    { "3:cpu:/a\n", "-1\n", "-1\n", "100000\n", 0 },
    { "3:cpu:/a\n", "200000\n", NULL, NULL, 0 },
    { "3:cpuacct,cpuset:/a\n", "200000\n", "200000\n", "100000\n", 0 },
    { "3:cpu:a\n", "200000\n", "200000\n", "100000\n", 0 },
    { "3:cpu\n", "200000\n", "200000\n", "100000\n", 0 },
};

static void groups_of_version_1_have_quotas_too(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT(quotas_v1); i++) {
        write_to("groups", quotas_v1[i].groups);
        write_to("root/cpu/cpu.cfs_quota_us", quotas_v1[i].of_root);
        write_to("root/cpu/cpu.cfs_period_us", quotas_v1[i].period);
        write_to("root/cpu/a/cpu.cfs_quota_us", quotas_v1[i].of_a);
        write_to("root/cpu/a/cpu.cfs_period_us", quotas_v1[i].period);
        int cores = ws__cores_quota(groups, root);
        if (cores != quotas_v1[i].cores)
            fail_msg("row %zu: %d, not %d", i, cores, quotas_v1[i].cores);
    }
}

static void a_group_with_a_long_name_does_no_harm(void **state)
{
    (void)state;
    char line[3000] = "0::/";

    memset(line + 4, 'x', sizeof(line) - 5);
    write_to("root/cpu.max", "70000 20000\n");
    write_to("groups", line);
    assert_int_equal(ws__cores_quota(groups, root), 4);

    /* Of a longer line, the rest is no line. */
    memcpy(line, "1:c:/", 5);
    memcpy(line + 511, "0::/", 4);
    write_to("groups", line);
    assert_int_equal(ws__cores_quota(groups, root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_allowed_processors_count),
        cmocka_unit_test(the_quota_is_the_least_of_all_groups_above),
        cmocka_unit_test(groups_of_version_1_have_quotas_too),
        cmocka_unit_test(a_group_with_a_long_name_does_no_harm),
    };

    return cmocka_run_group_tests_name("cores", tests, make_folders,
                                       remove_folders);
}
