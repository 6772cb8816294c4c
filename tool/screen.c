/* SPDX-License-Identifier: MIT */

#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static struct {
    ws_mutex turn; /* held by who writes */
    ws_mutex lock; /* of what follows */
    bool editing;
    bool waiting; /* somebody does, with this to be written */
    const void *data;
    size_t n;
    int fd;
    int result;
    ws_event wanted;
    ws_event shown;
} screen;

static int screen_write_now(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, data, n);

        if (written >= 0) {
            data += written;
            n -= (size_t)written;
        } else if (errno == EAGAIN) {
            poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Returns whether the editor has been asked to write it. */
static bool screen_ask_editor(int fd, const void *data, size_t n)
{
    ws_mutex_lock(&screen.lock);
    bool asked = screen.editing && isatty(fd);
    if (asked) {
        screen.fd = fd;
        screen.data = data;
        screen.n = n;
        screen.waiting = true;
        ws_event_clear(&screen.shown);
        ws_event_set(&screen.wanted);
    }
    ws_mutex_unlock(&screen.lock);
    return asked;
}

int screen_write(int fd, const void *data, size_t n)
{
    int result;

    ws_mutex_lock(&screen.turn);
    if (screen_ask_editor(fd, data, n)) {
        ws_event_wait(&screen.shown, 0);
        result = screen.result;
    } else {
        result = screen_write_now(fd, data, n);
    }
    ws_mutex_unlock(&screen.turn);
    return result;
}

ws_event *screen_wanted(void)
{
    return &screen.wanted;
}

static void screen_show_locked(void)
{
    if (!screen.waiting)
        return;
    screen.result = screen_write_now(screen.fd, screen.data, screen.n);
    screen.waiting = false;
    ws_event_set(&screen.shown);
}

void screen_show(void)
{
    ws_mutex_lock(&screen.lock);
    screen_show_locked();
    ws_mutex_unlock(&screen.lock);
}

bool screen_has_something(void)
{
    ws_mutex_lock(&screen.lock);
    bool waiting = screen.waiting;
    ws_mutex_unlock(&screen.lock);
    return waiting;
}

void screen_edit(bool editing)
{
    ws_mutex_lock(&screen.lock);
    screen.editing = editing;
    screen_show_locked();
    ws_mutex_unlock(&screen.lock);
}
