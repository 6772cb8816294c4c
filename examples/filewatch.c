/* SPDX-License-Identifier: MIT */
/* A page that follows a file: filewatch file [addr]; http://localhost:8080/ */

#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <silverback.h>

#include "filewatch.html.h" /* made from filewatch.html by the build */

/* The folder is watched: a new file may be put into the place of the old. */
struct follower {
    ws_conn *c;
    const char *file; /* in the current folder */
    int inotify;
};

/* In pieces: nobody has to hold all of it. */
static void send_file(struct follower *w)
{
    char piece[4096];
    FILE *f = fopen(w->file, "re");
    if (!f)
        return; /* it may come */

    int error = ws_next_writer(w->c, WS_BINARY);
    while (error == 0 && !feof(f) && !ferror(f))
        error = ws_write(w->c, piece, fread(piece, 1, sizeof(piece), f));
    if (error == 0)
        error = ws_end_message(w->c);
    fclose(f);
}

static bool name_it(const char *events, ssize_t len, const char *file)
{
    for (const char *p = events; p < events + len;) {
        const struct inotify_event *e = (const void *)p;
        if (e->len > 0 && strcmp(e->name, file) == 0)
            return true;
        p += sizeof(*e) + e->len;
    }
    return false;
}

static void follow(void *arg)
{
    _Alignas(struct inotify_event) char events[4096];
    struct follower *w = arg;
    ssize_t n;

    send_file(w);
    while (ws_wait_fd(w->inotify, POLLIN, 0) > 0 &&
           (n = read(w->inotify, events, sizeof(events))) > 0 &&
           ws_conn_error(w->c)->code == 0)
        if (name_it(events, n, w->file))
            send_file(w);
}

/* The server has upgraded, and closes when this returns. */
static void watch(ws_conn *c, void *file)
{
    struct follower w = { c, file, inotify_init1(IN_CLOEXEC) };
    int folder = inotify_add_watch(w.inotify, ".", IN_MODIFY | IN_MOVED_TO);
    ws_fiber *f = folder >= 0 ? ws_go(follow, &w) : NULL;
    ws_message m;

    while (f && ws_read_message(c, &m) == 0)
        ;
    inotify_rm_watch(w.inotify, folder); /* is an event, too */
    ws_join(f);
    close(w.inotify);
}

static void home(ws_request *r, void *arg)
{
    (void)arg;
    ws_reply_html(r, 200, filewatch_html);
}

int main(int argc, char **argv)
{
    char *file = argc > 1 ? basename(argv[1]) : "";
    const ws_route routes[] = {
        { .path = "/watch", .socket = watch, .arg = file },
        { .path = "/", .handler = home },
        { 0 },
    };
    const char *addr = argc > 2 ? argv[2] : "localhost:8080";

    if (argc < 2 || chdir(dirname(argv[1])) != 0) {
        fprintf(stderr, "usage: %s file [addr]\n", argv[0]);
        return 1;
    }
    return ws_serve(&(ws_server){ .addr = addr, .routes = routes }) != 0;
}
