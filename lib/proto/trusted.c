/* SPDX-License-Identifier: MIT */

#include "proto/trusted.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/line.h"

static size_t trusted_count(const char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

static bool trusted_add(struct ws__trusted *t, const char *entry)
{
    if (strcmp(entry, "unix") == 0) {
        t->local = true;
        return true;
    }
    if (!ws__cidr_parse(&t->nets[t->n], ws__str(entry)))
        return false;
    t->n++;
    return true;
}

int ws__trusted_new(struct ws__trusted **out, const char *const *list,
                    ws_error *err)
{
    char quoted[WS__QUOTED];
    size_t n = trusted_count(list);

    *out = NULL;
    if (n == 0)
        return 0;
    struct ws__trusted *t = ws__zalloc(sizeof(*t) + n * sizeof(*t->nets));
    if (!t)
        return ws__fail(err, -ENOMEM, "trusted_proxies: out of memory");
    for (; *list; list++)
        if (!trusted_add(t, *list)) {
            ws_free(t);
            return ws__fail(err, WS_ERR_INVALID,
                            "trusted_proxies: expected an address, a network "
                            "(10.0.0.0/8, fd00::/8) or \"unix\", got \"%s\"",
                            ws__quote(quoted, ws__str(*list)));
        }
    *out = t;
    return 0;
}

bool ws__trusted_has(const struct ws__trusted *t, const struct ws__ip *ip)
{
    for (size_t i = 0; t && i < t->n; i++)
        if (ws__cidr_has(&t->nets[i], ip))
            return true;
    return false;
}
