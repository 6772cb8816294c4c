/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mode.h"
#include "server/turned_away.h"

enum { FOREVER = INT32_MAX };

static struct ws__turned_away t;

/* The peer of one that was turned away. */
static int turn_away(void)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    ws__turn_away(&t, fds[0]);
    return fds[1];
}

/* What has no other end any more cannot be written to. */
static bool is_held(int peer)
{
    return send(peer, "", 1, MSG_NOSIGNAL) == 1;
}

static void the_end_is_said_at_once(void **state)
{
    (void)state;
    char c;
    int peer = turn_away();

    assert_int_equal(recv(peer, &c, 1, 0), 0);
    ws__turned_away_close(&t, ws_after(FOREVER));
    close(peer);
}

static void only_the_latest_few_are_held(void **state)
{
    (void)state;
    enum { ALL = 3 * WS__TURNED_AWAY + 1 };
    int peers[ALL];

    for (int i = 0; i < ALL; i++)
        peers[i] = turn_away();
    for (int i = 0; i < ALL; i++)
        assert_int_equal(is_held(peers[i]), i >= ALL - WS__TURNED_AWAY);
    ws__turned_away_close(&t, ws_after(FOREVER));
    for (int i = 0; i < ALL; i++) {
        assert_false(is_held(peers[i]));
        close(peers[i]);
    }
}

static void each_is_held_for_a_while(void **state)
{
    (void)state;
    assert_int_equal(ws__turned_away_due(&t), 0);
    int64_t before = ws_now();
    int peer = turn_away();
    int64_t due = ws__turned_away_due(&t);

    assert_true(due > before);
    ws__turned_away_close(&t, due - 1);
    assert_true(is_held(peer));
    assert_int_equal(ws__turned_away_due(&t), due);
    ws__turned_away_close(&t, due);
    assert_false(is_held(peer));
    assert_int_equal(ws__turned_away_due(&t), 0);
    close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_said_at_once),
        cmocka_unit_test(only_the_latest_few_are_held),
        cmocka_unit_test(each_is_held_for_a_while),
    };

    return run_in_mode("turned_away", tests, NULL, NULL);
}
