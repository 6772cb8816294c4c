/* SPDX-License-Identifier: MIT */

/*
 * hub_node ADDRESS REDIS_URL [HISTORY [PRESENCE_TTL_MS]]: a node of a hub.  Its
 * clients say what they want, a line a message, and hear what comes of it:
 *
 *   join TOPIC [EPOCH OFFSET]   joined EPOCH OFFSET RECOVERED REPLAYED
 *                               pub EPOCH OFFSET DATA, for each publication
 *                               lost EPOCH OFFSET, when some cannot be had
 *   as MEMBER TOPIC             the same, as a member
 *   watch PREFIX                the same, of all topics that begin so
 *   leave TOPIC                 left
 *   unwatch PREFIX              left
 *   publish TOPIC DATA          published EPOCH OFFSET
 *   publish_by MS TOPIC DATA    the same, within that time
 *   who TOPIC                   present CONNECTIONS MEMBER...
 *   stats                       stats CONNECTED REPAIRED RECONNECTS
 *
 * or "failed CODE".  Prints the address that it listens on.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <silverback.h>
#include <silverback/hub.h>

enum { LINE = 1024, PUBLISH_MS = 5000 };

static ws_hub *hub;

static void say(ws_conn *c, const char *line)
{
    ws_write_message(c, WS_TEXT, line, strlen(line));
}

static ws_prepared *frame(const ws_publication *p, void *arg)
{
    char line[LINE];

    (void)arg;
    int n = snprintf(line, sizeof(line), "pub %" PRIu64 " %" PRIu64 " %.*s",
                     p->place.epoch, p->place.offset, (int)p->len,
                     (const char *)p->data);
    return ws_prepare(WS_TEXT, line, (size_t)n);
}

static ws_prepared *lost(const char *topic, const ws_place *now, void *arg)
{
    char line[LINE];

    (void)topic;
    (void)arg;
    int n = snprintf(line, sizeof(line), "lost %" PRIu64 " %" PRIu64,
                     now->epoch, now->offset);
    return ws_prepare(WS_TEXT, line, (size_t)n);
}

static int say_joined(ws_conn *c, const char *topic, const ws_join_options *how)
{
    ws_joined joined;
    char line[LINE];
    int r = ws_hub_join(hub, c, topic, how, &joined);

    if (r != 0)
        return r;
    snprintf(line, sizeof(line), "joined %" PRIu64 " %" PRIu64 " %d %zu",
             joined.place.epoch, joined.place.offset, joined.recovered,
             joined.replayed);
    say(c, line);
    return 0;
}

static int join(ws_conn *c, char *rest)
{
    char topic[256];
    ws_place since;
    int n = sscanf(rest, "%255s %" SCNu64 " %" SCNu64, topic, &since.epoch,
                   &since.offset);

    return say_joined(c, topic,
                      &(ws_join_options){ .since = n == 3 ? &since : NULL });
}

static int join_as(ws_conn *c, char *rest)
{
    char member[256], topic[256];

    sscanf(rest, "%255s %255s", member, topic);
    return say_joined(c, topic, &(ws_join_options){ .member = member });
}

static int watch(ws_conn *c, char *rest)
{
    return say_joined(c, rest, &(ws_join_options){ .prefix = true });
}

static int unwatch(ws_conn *c, char *rest)
{
    int r = ws_hub_leave_prefix(hub, c, rest);

    if (r == 0)
        say(c, "left");
    return r;
}

static int leave(ws_conn *c, char *rest)
{
    int r = ws_hub_leave(hub, c, rest);

    if (r == 0)
        say(c, "left");
    return r;
}

static int publish_within(ws_conn *c, char *rest, int ms)
{
    char *data = strchr(rest, ' '), line[LINE];
    ws_place place;

    *data++ = '\0';
    int r = ws_hub_publish_by(
        hub,
        &(ws_publication){
            .topic = rest, .type = WS_TEXT, .data = data, .len = strlen(data) },
        ws_after(ms), &place);
    if (r != 0)
        return r;
    snprintf(line, sizeof(line), "published %" PRIu64 " %" PRIu64, place.epoch,
             place.offset);
    say(c, line);
    return 0;
}

static int publish(ws_conn *c, char *rest)
{
    return publish_within(c, rest, PUBLISH_MS);
}

static int publish_by(ws_conn *c, char *rest)
{
    char *topic;
    long ms = strtol(rest, &topic, 10);

    return publish_within(c, topic + 1, (int)ms);
}

static int who(ws_conn *c, char *rest)
{
    char line[LINE];
    ws_presence *p;
    int r = ws_hub_presence(hub, rest, &p);

    if (r != 0)
        return r;
    int n = snprintf(line, sizeof(line), "present %zu", p->connections);
    for (size_t i = 0; i < p->n && n < LINE; i++)
        n += snprintf(line + n, (size_t)(LINE - n), " %s", p->members[i]);
    ws_free(p);
    say(c, line);
    return 0;
}

static int stats(ws_conn *c, char *rest)
{
    char line[LINE];
    ws_hub_stats s;

    (void)rest;
    ws_hub_stats_get(hub, &s);
    snprintf(line, sizeof(line), "stats %d %" PRIu64 " %" PRIu64, s.connected,
             s.repaired, s.reconnects);
    say(c, line);
    return 0;
}

static int obey(ws_conn *c, char *line)
{
    static const struct {
        const char *word;
        int (*fn)(ws_conn *c, char *rest);
    } commands[] = {
        { "join ", join },
        { "as ", join_as },
        { "leave ", leave },
        { "publish ", publish },
        { "who ", who },
        { "stats", stats },
        { "watch ", watch },
        { "unwatch ", unwatch },
        { "publish_by ", publish_by },
    };

    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        size_t n = strlen(commands[i].word);

        if (strncmp(line, commands[i].word, n) == 0)
            return commands[i].fn(c, line + n);
    }
    return WS_ERR_INVALID;
}

static void talk(ws_conn *c, void *arg)
{
    ws_message m;
    char line[LINE];

    (void)arg;
    while (ws_read_message(c, &m) == 0) {
        snprintf(line, sizeof(line), "%s", (const char *)m.data);
        int r = obey(c, line);
        if (r == 0)
            continue;
        snprintf(line, sizeof(line), "failed %s", ws_strerror(r));
        say(c, line);
    }
}

int main(int argc, char **argv)
{
    static const ws_upgrader any = { .check_origin = ws_any_origin };
    static const ws_route routes[] = {
        { .path = "/", .socket = talk, .upgrader = &any },
        { 0 },
    };
    ws_error err;

    if (argc < 3)
        return 2;
    hub = ws_hub_new(
        &(ws_hub_options){
            .redis = argv[2],
            .history = argc > 3 ? atol(argv[3]) : 0,
            .presence_ttl_ms = argc > 4 ? atoi(argv[4]) : 0,
            .frame = frame,
            .lost = lost,
            .queue = { .max_messages = 100000, .max_bytes = 16 << 20 },
        },
        &err);
    if (!hub) {
        fprintf(stderr, "hub_node: %s\n", err.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    int r = ws_serve(&(ws_server){ .addr = argv[1], .routes = routes });
    ws_hub_free(hub);
    return r != 0;
}
