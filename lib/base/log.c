/* SPDX-License-Identifier: MIT */

#include "base/log.h"

#include <stdio.h>

#include "base/line.h"

static ws_log_fn function;
static void *argument;

void ws_set_log(ws_log_fn fn, void *arg)
{
    function = fn;
    argument = arg;
}

void ws__log(const char *fmt, ...)
{
    char line[WS__LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    ws__line_format(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (function)
        function(line, argument);
    else
        fprintf(stderr, "silverback: %s\n", line);
}
