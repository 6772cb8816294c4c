/* SPDX-License-Identifier: MIT */

#include "io/tls_stamp.h"

#include <string.h>
#include <sys/stat.h>

int ws__tls_look_ms = 1000;

enum { CONTENT_S = 3, CHANGE_S = 5 }; /* seconds, in a stamp */

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

int64_t ws__tls_stamp_changed(const struct ws__tls_stamp *s)
{
    return s->of[CONTENT_S] > s->of[CHANGE_S] ? s->of[CONTENT_S]
                                              : s->of[CHANGE_S];
}

bool ws__tls_stamp_renew(struct ws__tls_stamp *s, const char *file)
{
    struct ws__tls_stamp now = ws__tls_stamp(file);
    bool changed = memcmp(&now, s, sizeof(now)) != 0;

    *s = now;
    return changed;
}
