/* SPDX-License-Identifier: MIT */

#include "io/tls_stamp.h"

#include <string.h>
#include <sys/stat.h>

struct ws__tls_stamp ws__tls_stamp(const char *file)
{
    struct stat st;

    if (!file || stat(file, &st) != 0)
        return (struct ws__tls_stamp){ { 0 } };
    return (struct ws__tls_stamp){ {
        (int64_t)st.st_dev,
        (int64_t)st.st_ino,
        st.st_size,
        st.st_mtim.tv_sec,
        st.st_mtim.tv_nsec,
        st.st_ctim.tv_sec,
        st.st_ctim.tv_nsec,
    } };
}

bool ws__tls_stamp_renew(struct ws__tls_stamp *s, const char *file)
{
    struct ws__tls_stamp now = ws__tls_stamp(file);
    bool changed = memcmp(&now, s, sizeof(now)) != 0;

    *s = now;
    return changed;
}
