/* SPDX-License-Identifier: MIT */

#include "io/proxy.h"

#include <stdbool.h>
#include <stdlib.h>

#include "proto/no_proxy.h"

/* Of the two spellings the first that is set; NULL: none is.  Whoever starts a
 * program with rights that he lacks does not choose its proxy. */
static const char *either(const char *upper, const char *lower)
{
    const char *value = secure_getenv(upper);

    if (!value || !*value)
        value = secure_getenv(lower);
    return value && *value ? value : NULL;
}

static const char *of_environment(const struct ws__url *to)
{
    const char *method = secure_getenv("REQUEST_METHOD");
    bool cgi = method && *method;
    const char *url;

    if (ws__no_proxy(either("NO_PROXY", "no_proxy"), to->name, to->port))
        return NULL;
    if (to->tls)
        url = either("HTTPS_PROXY", "https_proxy");
    else
        url = either(cgi ? "http_proxy" : "HTTP_PROXY", "http_proxy");
    return url ? url : either("ALL_PROXY", "all_proxy");
}

int ws__proxy_find(struct ws__url *proxy, const char *given,
                   const struct ws__url *to, ws_error *err)
{
    const char *url = given ? given : of_environment(to);

    if (!url || !*url)
        return 0;
    int r = ws__url_parse_proxy(proxy, url, err);
    return r == 0 ? 1 : r;
}
