/* SPDX-License-Identifier: MIT */

#include "scenes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 100 * 1000, MIDDLE = 5000, PIECE = 1500 };

/* ---- Messages ----------------------------------------------------------- */

static char text[LARGE];

/* That repeats itself neither much nor never. */
static void make_text(void)
{
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + (i * i / 7 + i / 300) % 26);
}

static int expect(ws_conn *c, const char *what, size_t n)
{
    ws_message m;
    int r = ws_read_message(c, &m);

    if (r != 0)
        return r;
    if (m.type != WS_TEXT || m.len != n || memcmp(m.data, what, n) != 0)
        world_wrong("expected %zu bytes of text, got %zu others", n, m.len);
    return 0;
}

static int echo(ws_conn *c, size_t n)
{
    int r = ws_write_message(c, WS_TEXT, text, n);

    return r != 0 ? r : expect(c, text, n);
}

static int echo_fragmented(ws_conn *c)
{
    int r = ws_next_writer(c, WS_TEXT);

    for (size_t at = 0; r == 0 && at < 3 * PIECE; at += PIECE) {
        r = ws_write(c, text + at, PIECE);
        if (r == 0)
            r = ws_flush(c);
    }
    if (r == 0)
        r = ws_end_message(c);
    return r != 0 ? r : expect(c, text, (size_t)3 * PIECE);
}

static int read_pieces(ws_conn *c)
{
    char buf[PIECE];
    size_t n = 0;
    ptrdiff_t got = 1;
    ws_type type;
    int r = ws_write_message(c, WS_TEXT, text, MIDDLE);

    if (r == 0)
        r = ws_next_reader(c, &type);
    while (r == 0 && got > 0) {
        got = ws_read(c, buf, sizeof(buf));
        if (got > 0 && (n + (size_t)got > MIDDLE ||
                        memcmp(buf, text + n, (size_t)got) != 0))
            world_wrong("a message read in pieces is another one");
        n += got > 0 ? (size_t)got : 0;
    }
    r = r != 0 ? r : (int)got;
    if (r == 0 && n != MIDDLE)
        world_wrong("of %d bytes in pieces there were %zu", MIDDLE, n);
    return r;
}

static int heard_pong(ws_conn *c, const char *data, size_t n, void *arg)
{
    (void)c;
    if (n != 4 || memcmp(data, "ping", 4) != 0)
        world_wrong("a pong with %zu other bytes", n);
    *(bool *)arg = true;
    return 0;
}

static int ping(ws_conn *c)
{
    bool heard = false;

    ws_set_pong_handler(c, heard_pong, &heard);
    int r = ws_write_control(c, WS_PING, "ping", 4, 0);
    if (r == 0)
        r = echo(c, 5);
    ws_set_pong_handler(c, NULL, NULL);
    return r == 0 && !heard ? -ENODATA : r;
}

/* Returns r, or what went wrong at the end. */
static int goodbye(ws_conn *c, int r)
{
    if (r == 0)
        r = ws_finish(c, WS_CLOSE_NORMAL, "done", 0);
    if (r == 0 && ws_close_code(c) != WS_CLOSE_NORMAL)
        world_wrong("closed with %d", ws_close_code(c));
    ws_close(c);
    return r;
}

/* ---- Scenes ------------------------------------------------------------- */

static int greet(const struct way *way)
{
    int r;
    ws_conn *c = world_dial(way, &r);

    return c ? goodbye(c, echo(c, 5)) : r;
}

static int talk(const struct way *way)
{
    static int (*const parts[])(ws_conn * c) = { ping, echo_fragmented,
                                                 read_pieces, echo_fragmented };
    static const size_t sizes[] = { 5, MIDDLE, LARGE };
    int r;
    ws_conn *c = world_dial(way, &r);

    if (!c)
        return r;
    for (size_t i = 0; r == 0 && i < 3; i++)
        r = echo(c, sizes[i]);
    for (size_t i = 0; r == 0 && i < 4; i++) {
        if (i == 3)
            ws_enable_write_compression(c, false);
        r = parts[i](c);
    }
    return goodbye(c, r == 0 ? echo(c, LARGE) : r);
}

static int marshal(const void *value, ws_type *type, char **data, size_t *n)
{
    *type = WS_TEXT;
    *n = *(const size_t *)value;
    *data = malloc(*n);
    if (!*data)
        return -ENOMEM;
    memcpy(*data, text, *n);
    return 0;
}

static int unmarshal(const ws_message *m, void *value)
{
    if (memcmp(m->data, text, m->len) != 0)
        return WS_ERR_CODEC;
    *(size_t *)value = m->len;
    return 0;
}

static int code(const struct way *way)
{
    static const ws_codec codec = { .marshal = marshal,
                                    .unmarshal = unmarshal };
    const size_t sent = MIDDLE;
    size_t got = 0;
    int r;
    ws_conn *c = world_dial(way, &r);

    if (!c)
        return r;
    r = ws_send(c, &codec, &sent);
    if (r == 0)
        r = ws_receive(c, &codec, &got);
    if (r == 0 && got != sent)
        world_wrong("a codec got %zu of %zu bytes", got, sent);
    return goodbye(c, r);
}

/* Two connections; what fails of one is not to harm the other's messages. */
static int prepare(const struct way *way)
{
    int r[2] = { 0, 0 };
    ws_conn *c[2] = { world_dial(way, &r[0]), world_dial(way, &r[1]) };
    ws_prepared *p = ws_prepare(WS_TEXT, text, MIDDLE);

    for (int i = 0; i < 2; i++) {
        if (!c[i])
            continue;
        r[i] = p ? ws_write_prepared(c[i], p) : -ENOMEM;
        if (r[i] == 0)
            r[i] = expect(c[i], text, MIDDLE);
        r[i] = goodbye(c[i], r[i]);
    }
    ws_prepared_free(p);
    return r[0] != 0 ? r[0] : r[1];
}

static int look_around(ws_conn *c)
{
    ws_presence *p = NULL;
    ws_joined joined;
    int r = ws_hub_join(
        world_hub(), c, "ours",
        &(ws_join_options){ .since = &(ws_place){ 0 }, .member = "me" },
        &joined);

    if (r == 0)
        r = ws_hub_presence(world_hub(), "ours", &p);
    if (r == 0 && (p->connections != 1 || strcmp(p->members[0], "me") != 0))
        world_wrong("%zu connections are present", p->connections);
    ws_free(p);
    return r != 0 ? r : ws_hub_leave(world_hub(), c, "ours");
}

/* Each says something, and hears of it before the other does: if that ends,
 * nothing comes to the other. */
static int cast(const struct way *way)
{
    int r[2] = { 0, 0 };
    ws_conn *c[2] = { world_dial(way, &r[0]), world_dial(way, &r[1]) };

    if (c[0] && c[1])
        r[0] = look_around(c[0]);
    for (size_t i = 0; i < 2; i++) {
        size_t n = i == 0 ? 5 : MIDDLE;
        if (c[0] && c[1] && r[0] == 0)
            r[0] = ws_write_message(c[i], WS_TEXT, text, n);
        for (size_t k = 0; c[0] && c[1] && r[0] == 0 && k < 2; k++)
            r[0] = expect(c[(i + k) % 2], text, n);
    }
    for (int i = 0; i < 2; i++)
        r[i] = c[i] ? goodbye(c[i], r[0]) : r[i];
    return r[0] != 0 ? r[0] : r[1];
}

const struct scene scenes[] = {
    { "talk", talk, { .path = "/echo" } },
    { "talk with takeover", talk, { .path = "/kept", .bits = 12 } },
    { "talk to a function", talk, { .path = "/called" } },
    { "talk over TLS", talk, { .path = "/echo", .tls = true } },
    { "dial", greet, { .path = "/echo", .tcp = true } },
    { "dial by name", greet, { .path = "/echo", .name = true } },
    { "dial by TLS", greet, { .path = "/echo", .tcp = true, .tls = true } },
    { "dial by TLS again",
      greet,
      { .path = "/echo", .tls = true, .resumed = true } },
    { "dial by a proxy",
      greet,
      { .path = "/echo", .proxy = "http://me:secret@proxy.test:3128" } },
    { "dial by a proxy and TLS",
      greet,
      { .path = "/echo", .proxy = "http://proxy.test:3128", .tls = true } },
    { "dial by SOCKS",
      greet,
      { .path = "/echo", .proxy = "socks5://proxy.test" } },
    { "codec", code, { .path = "/echo" } },
    { "prepared messages", prepare, { .path = "/echo" } },
    { "hub", cast, { .path = "/cast" } },
    { "begin", greet, { .path = "/echo", .name = true, .begin = true } },
};
const size_t scenes_n = sizeof(scenes) / sizeof(*scenes);

static int play(void *scene)
{
    const struct scene *s = scene;

    return s->play(&s->way);
}

int scene_play(const struct scene *s)
{
    return world_run(play, (void *)s);
}

int scene_warm(const struct scene *s)
{
    const struct scene greeting = { s->name, greet, s->way };

    make_text();
    return s->way.tls ? scene_play(&greeting) : 0;
}

int scene_after(void)
{
    static const struct scene greeting = { "after",
                                           greet,
                                           { .path = "/echo", .tcp = true } };

    return scene_play(&greeting);
}
