/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/spool.h"

static char bytes[3 * 65536];

/* ---- A file system that has no files without a name ---------------------- */

static int no_unnamed; /* an errno; 0: they are had */

int __real_open(const char *path, int flags, ...);
int __real_open64(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_open64(const char *path, int flags, mode_t mode);

static bool is_refused(int flags)
{
    errno = no_unnamed;
    return no_unnamed && (flags & O_TMPFILE) == O_TMPFILE;
}

int __wrap_open(const char *path, int flags, mode_t mode)
{
    return is_refused(flags) ? -1 : __real_open(path, flags, mode);
}

int __wrap_open64(const char *path, int flags, mode_t mode)
{
    return is_refused(flags) ? -1 : __real_open64(path, flags, mode);
}

/* ------------------------------------------------------------------------- */

/* Also of a size that fills its last page. */
static void what_is_appended_is_mapped_with_a_nul(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 65536 };

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 % 251);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct ws__spool s;
        struct stat st;

        assert_int_equal(ws__spool_begin(&s, NULL), 0);
        for (size_t at = 0; at < 3; at++)
            assert_int_equal(
                ws__spool_append(&s, bytes + at * sizes[i], sizes[i]), 0);
        assert_int_equal(s.size, 3 * sizes[i]);
        assert_int_equal(ws__spool_map(&s), 0);
        assert_memory_equal(s.map, bytes, 3 * sizes[i]);
        assert_int_equal(s.map[3 * sizes[i]], '\0');
        assert_int_equal(fstat(s.fd, &st), 0);
        assert_int_equal(st.st_size, 3 * sizes[i]);
        assert_int_equal(st.st_nlink, 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(lseek(s.fd, 0, SEEK_CUR), 0);
        assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
        ws__spool_end(&s);
    }
}

static void the_folder_is_the_callers_or_the_environments(void **state)
{
    (void)state;
    struct ws__spool s;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;

    assert_int_equal(ws__spool_begin(&s, "/none-such"), -ENOENT);
    ws__spool_end(&s);
    setenv("TMPDIR", "/none-such", 1);
    assert_int_equal(ws__spool_begin(&s, NULL), -ENOENT);
    ws__spool_end(&s);
    setenv("TMPDIR", "", 1);
    assert_int_equal(ws__spool_begin(&s, NULL), 0);
    ws__spool_end(&s);
    assert_int_equal(ws__spool_begin(&s, "/dev/null"), -ENOTDIR);
    ws__spool_end(&s);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
}

static void where_files_have_names_it_has_one_for_a_moment(void **state)
{
    (void)state;
    static const int none[] = { EOPNOTSUPP, EISDIR };
    char folder[] = "/tmp/silverback_spool.XXXXXX", deep[5000];
    struct ws__spool s;
    struct stat st;

    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < COUNT(none); i++) {
        no_unnamed = none[i];
        assert_int_equal(ws__spool_begin(&s, folder), 0);
        assert_int_equal(ws__spool_append(&s, "abc", 3), 0);
        assert_int_equal(ws__spool_map(&s), 0);
        assert_string_equal(s.map, "abc");
        assert_int_equal(fstat(s.fd, &st), 0);
        assert_int_equal(st.st_nlink, 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
        ws__spool_end(&s);
    }
    assert_int_equal(ws__spool_begin(&s, "/none-such"), -ENOENT);
    ws__spool_end(&s);
    memset(deep, 'x', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(ws__spool_begin(&s, deep), -ENAMETOOLONG);
    ws__spool_end(&s);
    no_unnamed = EACCES;
    assert_int_equal(ws__spool_begin(&s, folder), -EACCES);
    ws__spool_end(&s);
    no_unnamed = 0;
    assert_int_equal(rmdir(folder), 0);
}

static void what_cannot_be_kept_or_mapped_is_told(void **state)
{
    (void)state;
    struct ws__spool full = { .fd = open("/dev/full", O_WRONLY) };
    struct ws__spool endless = { .fd = -1, .size = UINT64_MAX };
    struct ws__spool vast = { .fd = -1, .size = UINT64_MAX >> 2 };
    struct ws__spool gone = { .fd = -1, .size = 1 };

    assert_int_equal(ws__spool_append(&full, "abc", 3), -ENOSPC);
    assert_int_equal(full.size, 0);
    ws__spool_end(&full);
    assert_int_equal(ws__spool_append(&gone, "abc", 3), -EBADF);
    assert_int_equal(ws__spool_map(&endless), -ENOMEM);
    assert_null(endless.map);
    ws__spool_end(&endless);
    assert_int_equal(ws__spool_map(&vast), -ENOMEM);
    assert_null(vast.map);
    ws__spool_end(&vast);
    assert_int_equal(ws__spool_map(&gone), -ENOMEM);
    ws__spool_end(&gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_is_mapped_with_a_nul),
        cmocka_unit_test(the_folder_is_the_callers_or_the_environments),
        cmocka_unit_test(where_files_have_names_it_has_one_for_a_moment),
        cmocka_unit_test(what_cannot_be_kept_or_mapped_is_told),
    };

    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
