/* SPDX-License-Identifier: MIT */

#ifndef WS_REDIS_SCRIPT_H
#define WS_REDIS_SCRIPT_H

/* A script, which servers know by its SHA-1 once they have run it. */
struct ws__redis_script {
    const char *text;
    char sha1[41]; /* hexadecimal */
};

/* text stays the caller's.  Returns 0 or -ENOMEM. */
int ws__redis_script_init(struct ws__redis_script *s, const char *text);

#endif
