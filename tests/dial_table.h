/* SPDX-License-Identifier: MIT */

#ifndef TESTS_DIAL_TABLE_H
#define TESTS_DIAL_TABLE_H

/* What the dialer says to each answer, as a table in Markdown; see tables_doc. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback/dial.h>

static FILE *dial_table; /* NULL: none is wanted */

/* The only argument, if there is one, is the file. */
static inline void dial_table_begin(int argc, char **argv)
{
    if (argc < 2)
        return;
    dial_table = fopen(argv[1], "w");
    if (!dial_table)
        abort();
}

static inline int dial_table_end(int result)
{
    if (dial_table && fclose(dial_table) != 0)
        return 1;
    return result;
}

static inline void dial_table_head(const char *title)
{
    if (dial_table)
        fprintf(dial_table,
                "\n### %s\n\n| what came | code | text |\n|---|---|---|\n",
                title);
}

static inline const char *dial_table_code(int code)
{
    static const struct {
        int code;
        const char *name;
    } rows[] = {
#define DIAL_TABLE_ROW(name, code, text) { code, #name },
        WS_ERROR_MAP(DIAL_TABLE_ROW)
#undef DIAL_TABLE_ROW
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (rows[i].code == code)
            return rows[i].name;
    return "0";
}

static inline void dial_table_row(const char *what, const ws_error *err)
{
    if (!dial_table)
        return;
    fprintf(dial_table, "| %s | %s | ", what, dial_table_code(err->code));
    if (err->code == 0)
        fprintf(dial_table, "*connected* |\n");
    else
        fprintf(dial_table, "%s |\n", err->text);
}

#endif
