/* SPDX-License-Identifier: MIT */

/* Each cell of the table: what is called, by whom, and when.  With a file as
 * argument the table is printed there; see tables_doc. */

#include "lifetime_world.h"

#include "descriptors.h"

struct row {
    enum call call;
    enum caller caller;
    char name[64];
};

static struct row rows[CALLS * CALLERS];

static void play_cell(const struct row *r, enum state state)
{
    const struct cell *want = &cells[r->call][r->caller][state];
    struct life l = { .call = r->call, .caller = r->caller, .state = state };

    if (!want->heard)
        return;
    life_play(&l);
    if (l.returned != want->returns || strcmp(l.heard, want->heard) != 0 ||
        l.read != want->read || l.written != want->written)
        fail_msg("%s: it returns %d, the peer hears \"%s\", the read returns "
                 "%d, the write %d",
                 state_names[state], l.returned, l.heard, l.read, l.written);
}

static void is_as_the_table_says(void **state)
{
    const struct row *r = *state;
    int open = descriptors_open();

    for (enum state when = IDLE; when < STATES; when++)
        play_cell(r, when);
    descriptors_await(open);
}

/* What is kept for later is there then. */
static int warm_up(void **state)
{
    (void)state;
    play_cell(&(struct row){ .call = WRITE, .caller = THREAD }, IDLE);
    play_cell(&(struct row){ .call = WRITE, .caller = FUNCTION }, BLOCKED);
    return 0;
}

/* ---- The table ---------------------------------------------------------- */

static const char *code_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
#define LIFETIME_NAME(name, code, text) { code, "`" #name "`" },
        WS_ERROR_MAP(LIFETIME_NAME)
#undef LIFETIME_NAME
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i].code == code)
            return names[i].name;
    return code == REFUSED ? "refused" : "0";
}

static void print_cell(FILE *f, enum call call, enum caller caller,
                       enum state state)
{
    const struct cell *c = &cells[call][caller][state];
    bool writes = state == WITHIN || state == BLOCKED;
    bool is_void = call == CLOSE || call == SHUTDOWN;

    if (!c->heard)
        return;
    fprintf(f, "| %s | %s | %s | %s | %s | %s |\n", caller_names[caller],
            state_names[state],
            is_void && c->returns == 0 ? "" : code_name(c->returns), c->heard,
            code_name(c->read), writes ? code_name(c->written) : "");
}

static int print_table(const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f)
        return 1;
    for (enum call call = CLOSE; call < CALLS; call++) {
        fprintf(f,
                "\n### %s\n\n| by | when | returns | the peer gets | the read "
                "| the write |\n|---|---|---|---|---|---|\n",
                call_names[call]);
        for (enum caller caller = READER; caller < CALLERS; caller++)
            for (enum state state = IDLE; state < STATES; state++)
                print_cell(f, call, caller, state);
    }
    return fclose(f) != 0;
}

/* ------------------------------------------------------------------------- */

static void name_row(struct row *r)
{
    snprintf(r->name, sizeof(r->name), "%s_by_%s", call_names[r->call],
             caller_names[r->caller]);
    for (char *p = r->name; *p; p++)
        if (*p == ' ')
            *p = '_';
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[CALLS * CALLERS];

    if (argc > 1)
        return print_table(argv[1]);
    for (size_t i = 0; i < COUNT(rows); i++) {
        rows[i].call = (enum call)(i / CALLERS);
        rows[i].caller = (enum caller)(i % CALLERS);
        name_row(&rows[i]);
        tests[i] = (struct CMUnitTest){ rows[i].name, is_as_the_table_says,
                                        NULL, NULL, &rows[i] };
    }
    ws__linger_quiet_ms = PATIENCE_MS;
    ws_set_log_records(life_log, NULL);
    alloc_fail_install();
    return run_in_mode("lifetime", tests, warm_up, NULL);
}
