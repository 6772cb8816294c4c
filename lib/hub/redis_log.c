/* SPDX-License-Identifier: MIT */

#include "hub/redis_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "fiber/seldom.h"
#include "hub/redis_scripts.h"
#include "io/random.h"

/* MAXLEN ~ keeps as many as this in any case. */
enum { KEEP_LEAST = 100 };

int ws__redis_log_init(struct ws__redis_log *log, struct ws__redis *client,
                       const ws_hub_options *o)
{
    uint64_t node;
    int r = ws__random(&node, sizeof(node));

    if (r != 0)
        return r;
    *log = (struct ws__redis_log){
        .client = client,
        .keep = o->history > KEEP_LEAST ? o->history : KEEP_LEAST,
        .keep_ms = o->history_ms,
    };
    snprintf(log->node, sizeof(log->node), "%016llx", (unsigned long long)node);
    r = ws__redis_script_init(&log->publish, ws__redis_publish_text);
    return r != 0 ? r : ws__redis_script_init(&log->look, ws__redis_look_text);
}

/* ---- Words -------------------------------------------------------------- */

enum { LOG_WORDS = 24, LOG_NUMBERS = 16, LOG_DIGITS = 24 };

/* The words of a script, with room for the numbers among them. */
struct log_words {
    struct ws__redis_command command;
    struct ws__str word[LOG_WORDS];
    int numbers;
    char number[LOG_NUMBERS][LOG_DIGITS];
};

static void words_add(struct log_words *w, struct ws__str word)
{
    w->word[w->command.n++] = word;
}

static void words_number(struct log_words *w, uint64_t n)
{
    char *p = w->number[w->numbers++];

    words_add(w, (struct ws__str){ p, (size_t)(ws__decimal(p, n) - p) });
}

/* The keys, and an epoch should one begin: nobody has had it before. */
static int words_begin(struct log_words *w, const struct ws__redis_names *names)
{
    uint64_t epoch;
    int r = ws__random(&epoch, sizeof(epoch));

    w->command =
        (struct ws__redis_command){ .words = w->word, .key = names->channel };
    w->numbers = 0;
    words_add(w, ws__str("2"));
    words_add(w, names->hash);
    words_add(w, names->stream);
    words_number(w, (epoch >> 11) | 1);
    return r;
}

static struct ws__str log_verb(const struct ws__redis_log *log)
{
    return ws__str(ws__redis_is_cluster(log->client) ? "SPUBLISH" : "PUBLISH");
}

int ws__redis_log_refused(struct ws__redis_log *log,
                          const struct ws__redis_reply *reply)
{
    struct ws__str why = ws__redis_reply_str(reply);

    if (ws__seldom(&log->said))
        ws__log(WS__LOG(WS_LOG_ERROR, "redis_refused"), "Redis refused: %.*s",
                (int)why.n, why.p);
    if (ws__redis_reply_is_error(reply, "NOPERM") ||
        ws__redis_reply_is_error(reply, "NOAUTH"))
        return -EACCES;
    return ws__redis_reply_is_error(reply, "OOM") ? -ENOMEM : -EIO;
}

/* ---- Publishing --------------------------------------------------------- */

static void publish_words(struct log_words *w, const struct ws__redis_log *log,
                          const struct ws__redis_asked *asked)
{
    words_add(w, ws__str(log->node));
    words_number(w, asked->number);
    words_number(w, asked->from);
    words_number(w, (uint64_t)log->keep);
    words_number(w, (uint64_t)log->keep_ms);
    words_number(w, 2 * (uint64_t)log->keep_ms);
    words_add(w, log_verb(log));
    words_add(w, asked->names->channel);
    words_add(w, asked->payload);
}

/* Until there is an answer.  *perhaps: it may have been done. */
static int publish_ask(const struct ws__redis_log *log,
                       const struct log_words *w, int64_t deadline,
                       struct ws__redis_reply **reply, bool *perhaps)
{
    for (;;) {
        bool done = false;
        int r = ws__redis_eval(log->client, &log->publish, &w->command,
                               deadline, reply, &done, NULL);

        *perhaps |= r != 0 && done;
        if (r != WS_ERR_DEAD)
            return r;
        if (deadline != 0 && ws_now() >= deadline)
            return WS_ERR_TIMEOUT;
    }
}

/* The lineage of an array's first elements. */
static bool log_lineage(struct ws__lineage *l,
                        const struct ws__redis_reply *reply)
{
    long long last = ws__redis_reply_number(ws__redis_reply_at(reply, 1));

    return last >= 0 &&
           ws__lineage_parse(l,
                             ws__redis_reply_str(ws__redis_reply_at(reply, 0)),
                             (uint64_t)last);
}

static int publish_place(struct ws__redis_log *log,
                         const struct ws__redis_reply *reply, ws_place *place)
{
    struct ws__lineage l;

    if (reply->type == WS__REDIS_ERROR)
        return ws__redis_log_refused(log, reply);
    if (ws__redis_reply_number(ws__redis_reply_at(reply, 1)) == -1)
        return WS_ERR_DEAD;
    if (!log_lineage(&l, reply))
        return -EPROTO;
    *place = ws__lineage_place(&l, l.last);
    return 0;
}

int ws__redis_log_publish(struct ws__redis_log *log,
                          const struct ws__redis_asked *asked, int64_t deadline,
                          ws_place *place)
{
    struct ws__redis_reply *reply = NULL;
    struct log_words w;
    bool perhaps = false;
    int r = words_begin(&w, asked->names);

    if (r != 0)
        return r;
    publish_words(&w, log, asked);
    r = publish_ask(log, &w, deadline, &reply, &perhaps);
    if (r == WS_ERR_TIMEOUT && perhaps)
        return WS_ERR_DEAD;
    if (r != 0)
        return r;
    r = publish_place(log, reply, place);
    ws__redis_reply_free(reply);
    return r;
}

/* ---- Looking ------------------------------------------------------------ */

static void look_words(struct log_words *w, const struct ws__redis_log *log,
                       const struct ws__redis_names *names,
                       const struct ws__redis_look *look)
{
    words_number(w, look->from);
    words_number(w, (uint64_t)look->most);
    words_number(w, 2 * (uint64_t)log->keep_ms);
    words_add(w, log_verb(log));
    words_add(w, names->channel);
    for (int i = 0; i < look->n; i++) {
        words_number(w, look->seen[i].epoch);
        words_number(w, look->seen[i].offset);
    }
}

static int look_read(struct ws__redis_log *log, struct ws__redis_look *look)
{
    const struct ws__redis_reply *reply = look->reply;
    const struct ws__redis_reply *entries = ws__redis_reply_at(reply, 3);
    long long first = ws__redis_reply_number(ws__redis_reply_at(reply, 2));

    if (reply->type == WS__REDIS_ERROR)
        return ws__redis_log_refused(log, reply);
    if (!entries || first < 0 || !log_lineage(&look->lineage, reply))
        return -EPROTO;
    look->first = (uint64_t)first;
    look->entries = entries->elements;
    return 0;
}

int ws__redis_log_look(struct ws__redis_log *log,
                       const struct ws__redis_names *names,
                       struct ws__redis_look *look, int64_t deadline)
{
    struct log_words w;
    int r = words_begin(&w, names);

    if (r != 0)
        return r;
    look_words(&w, log, names, look);
    r = ws__redis_eval(log->client, &log->look, &w.command, deadline,
                       &look->reply, NULL, NULL);
    if (r != 0)
        return r;
    r = look_read(log, look);
    if (r != 0)
        ws__redis_reply_free(look->reply);
    return r;
}

/* Its id is "OFFSET-0". */
static bool entry_offset(const struct ws__redis_reply *entry, uint64_t *offset)
{
    struct ws__str id = ws__redis_reply_str(ws__redis_reply_at(entry, 0));
    unsigned long long n;

    if (id.n < 3 || memcmp(id.p + id.n - 2, "-0", 2) != 0 ||
        !ws__str_number((struct ws__str){ id.p, id.n - 2 }, 1ULL << 53, &n))
        return false;
    *offset = n;
    return true;
}

bool ws__redis_look_entry(const struct ws__redis_look *look, size_t i,
                          ws_publication *p, struct ws__redis_key *key)
{
    const struct ws__redis_reply *entry =
        ws__redis_reply_at(ws__redis_reply_at(look->reply, 3), i);
    const struct ws__redis_reply *fields = ws__redis_reply_at(entry, 1);
    uint64_t offset;

    if (!entry_offset(entry, &offset) ||
        !ws__redis_payload_read(
            p, ws__redis_reply_str(ws__redis_reply_at(fields, 3)), key))
        return false;
    p->place = ws__lineage_place(&look->lineage, offset);
    return true;
}
