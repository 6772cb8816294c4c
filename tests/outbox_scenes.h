/* SPDX-License-Identifier: MIT */

#ifndef TESTS_OUTBOX_SCENES_H
#define TESTS_OUTBOX_SCENES_H

/*
 * What may happen to an outbox at once.  In each of these everybody comes to an
 * end, since the peer does, who waits for all that is to be sent: so whatever is
 * left, and nobody sends, leaves somebody waiting.
 */

#include "outbox_world.h"

static void blind(void)
{
    world_begin(false);
}

static void sees_edges(void)
{
    world_begin(true);
}

/* Who waits still, and for what? */
static const char *somebody_waits(void)
{
    static char text[200];
    int n = 0;

    if (world.mixed)
        return "a message went within one in pieces";
    if (explore.endless)
        return "somebody goes on for ever, and gets nowhere";
    if (!explore.stuck)
        return NULL;
    for (int i = 0; i < explore.n; i++)
        if (!explore.actors[i].done)
            n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s",
                          n > 0 ? ", " : "", explore.actors[i].name);
    snprintf(text + n, sizeof(text) - (size_t)n,
             " for ever; unsent %d, control due %d, %zu of %d bytes are free",
             world.conn.w.unsent, world.conn.w.due, socket_room(), ROOM);
    return text;
}

/* ---- Answers ------------------------------------------------------------ */

static void writes(void)
{
    world_write(MESSAGE);
}

/* Pings, and ends when the answer is there. */
static void pings_a_writer(void)
{
    peer_says_something();
    peer_takes(MESSAGE + ANSWER);
    peer_says_something();
}

static void reads_twice(void)
{
    world_read(2);
}

#define A_PONG_BEHIND_A_MESSAGE                                                \
    {                                                                          \
        { "the writer", writes }, { "the reader", reads_twice },               \
        {                                                                      \
            "the peer", pings_a_writer                                         \
        }                                                                      \
    }

/* The newest pong is enough, so two pings get one or two. */
static void pings_twice(void)
{
    peer_says_something();
    peer_says_something();
    peer_takes(2 * MESSAGE + ANSWER);
    peer_says_something();
}

static void reads_three(void)
{
    world_read(3);
}

static void says_goodbye(void)
{
    ws__outbox_goodbye(&world.conn, 1001, NULL);
}

static void hears_goodbye(void)
{
    peer_takes(MESSAGE + 2 * ANSWER); /* with its code */
    peer_says_something();
}

static void reads_once(void)
{
    world_read(1);
}

/* ---- Waiting on purpose ------------------------------------------------- */

/* What conn/coalesce and conn/write_frame do: the reader has promised to send it. */
static void coalesces_and_reads(void)
{
    ws_conn *c = &world.conn;

    ws__outbox_lock(c, 0);
    if (ws__write_error(c) == 0) {
        ws__sendbuf_borrow(c);
        ws__control_queue_append(c);
        c->w.sendbuf->buf.last += ANSWER;
        c->w.sendbuf->coalesced++;
    }
    ws__outbox_unlock(c);
    ws__outbox_flush_coalesced(c);
    world_read(1);
}

static void hears_what_waited(void)
{
    peer_takes(MESSAGE + ANSWER);
    peer_says_something();
}

/* ---- The end ------------------------------------------------------------ */

static int results[EXPLORE_ACTORS];
static bool came_out[2];

static bool both_out(void *arg)
{
    (void)arg;
    return came_out[0] && came_out[1];
}

/* The author of a message in pieces, that it ends when all others are out. */
static void is_the_author(void)
{
    ws_conn *c = &world.conn;

    if (ws__turn_take(c, 0) == 0) {
        explore_await(both_out, NULL);
        ws__turn_give(c);
    }
}

static void wants_a_turn(int i)
{
    ws_conn *c = &world.conn;

    came_out[i] = false;
    if (ws__turn_take(c, 0) == 0)
        ws__turn_give(c);
    came_out[i] = true;
}

static void wants_turn_0(void)
{
    wants_a_turn(0);
}

static void wants_turn_1(void)
{
    wants_a_turn(1);
}

static void shuts_down(void)
{
    ws__conn_end(&world.conn, WS__SHUT);
}

/* Without anybody who waits for the transport it stays whole. */
static void closes(void)
{
    ws__outbox_send(&world.conn);
    ws__conn_end(&world.conn, WS__CLOSED);
}

/* Nobody ends the connection, so all get theirs. */
static void takes_a_turn(void)
{
    ws_conn *c = &world.conn;

    if (ws__turn_take(c, 0) == 0) {
        explore_point();
        ws__turn_give(c);
    }
}

static void turns_begin(void)
{
    world_begin(false);
    came_out[0] = came_out[1] = false;
}

static void writes_twice(void)
{
    results[0] = world_write(MESSAGE);
    results[1] = world_write(MESSAGE);
}

static void writes_much(void)
{
    world_write(2 * MESSAGE);
}

/* What is left over goes with the one who closes: here at once, or as soon as
 * there is room. */
static void closes_and_sends_the_rest(void)
{
    closes();
    while (ws__outbox_send_rest(&world.conn) > 0 && !world.broken)
        explore_await(has_room, NULL);
    ws__stream_break(&world.conn.stream);
}

static bool there_is_more_or_the_end(void *arg)
{
    return world.broken || peer_can_take(arg);
}

static void takes_what_comes(void)
{
    while (!world.broken) {
        explore_await(there_is_more_or_the_end, NULL);
        peer_takes_all();
    }
}

/* ---- By reference ------------------------------------------------------- */

static void hands_over(void)
{
    world_hand_over();
}

static void hands_over_two(void)
{
    world_hand_over();
    world_hand_over();
}

static void hears_three_and_an_answer(void)
{
    peer_says_something();
    peer_takes(3 * MESSAGE + ANSWER);
    peer_says_something();
}

static void hears_three(void)
{
    peer_takes(3 * MESSAGE);
    peer_says_something();
}

/* What conn/write_pieces does: nothing may go between its frames. */
static void writes_in_two(size_t first, size_t second)
{
    ws_conn *c = &world.conn;

    if (ws__message_lock(c, 0) != 0)
        return;
    atomic_store(&world.extras.author, &world.parkers[explore.current]);
    world_write(first);
    size_t before = world.sent;
    world_write(second);
    if (world.sent > before + second + ANSWER) /* which may go anywhere */
        world.mixed = true;
    atomic_store(&world.extras.author, NULL);
    ws__message_unlock(c);
}

static void writes_in_pieces(void)
{
    writes_in_two(ANSWER, MESSAGE - ANSWER);
}

/* There is room for all, so nobody has to wait for it. */
static void small_begins(void)
{
    world_begin(false);
    world_message.plain->len = 1;
}

static void writes_in_small_pieces(void)
{
    writes_in_two(1, 1);
}

static void hears_small_ones(void)
{
    peer_takes(1 + 1 + ANSWER + 1);
}

/* A connection of a thread. */
static void cuts(void)
{
    struct ws__outqueue_counts n = { 0 };

    if (ws__outqueue_own(&world.conn))
        ws__enqueue_cut(&world.conn, NULL, &n);
}

static void hands_over_and_cuts(void)
{
    hands_over_two();
    cuts();
}

static void reads_and_closes(void)
{
    world_read(1);
    closes_and_sends_the_rest();
}

static const char *somebody_was_not_told(void)
{
    const char *wrong = somebody_waits();

    return wrong || world.sent > 0 ? wrong : "the peer was not told of the cut";
}

/* ---- All of them -------------------------------------------------------- */

static const struct explore_scene scenes[] = {
    { "a pong behind a message, in threads",
      { blind, somebody_waits, A_PONG_BEHIND_A_MESSAGE } },
    { "a pong behind a message, in fibers",
      { sees_edges, somebody_waits, A_PONG_BEHIND_A_MESSAGE } },
    { "two writers and two pings, in threads",
      { blind,
        somebody_waits,
        { { "a writer", writes },
          { "another", writes },
          { "the reader", reads_three },
          { "the peer", pings_twice } } } },
    { "two writers and two pings, in fibers",
      { sees_edges,
        somebody_waits,
        { { "a writer", writes },
          { "another", writes },
          { "the reader", reads_three },
          { "the peer", pings_twice } } } },
    { "a goodbye, in threads",
      { blind,
        somebody_waits,
        { { "the writer", writes },
          { "the reader", reads_once },
          { "the listener", says_goodbye },
          { "the peer", hears_goodbye } } } },
    { "a goodbye, in fibers",
      { sees_edges,
        somebody_waits,
        { { "the writer", writes },
          { "the reader", reads_once },
          { "the listener", says_goodbye },
          { "the peer", hears_goodbye } } } },
    { "an answer held back, in threads",
      { blind,
        somebody_waits,
        { { "the writer", writes },
          { "the reader", coalesces_and_reads },
          { "the peer", hears_what_waited } } } },
    { "an answer held back, in fibers",
      { sees_edges,
        somebody_waits,
        { { "the writer", writes },
          { "the reader", coalesces_and_reads },
          { "the peer", hears_what_waited } } } },
    { "turns",
      { turns_begin,
        somebody_waits,
        { { "a writer", takes_a_turn },
          { "another", takes_a_turn },
          { "a third", takes_a_turn } } } },
    { "a shutdown, and who waits for a turn",
      { turns_begin,
        somebody_waits,
        { { "the author", is_the_author },
          { "a writer", wants_turn_0 },
          { "another", wants_turn_1 },
          { "who shuts down", shuts_down } } } },
    { "a close, and who waits for a turn",
      { turns_begin,
        somebody_waits,
        { { "the author", is_the_author },
          { "a writer", wants_turn_0 },
          { "another", wants_turn_1 },
          { "who closes", closes } } } },
    { "a shutdown, and who waits for the socket, in threads",
      { blind,
        somebody_waits,
        { { "a writer", writes_much },
          { "another", writes_twice },
          { "the reader", reads_once },
          { "who shuts down", shuts_down } } } },
    { "a close, and who waits for input",
      { blind,
        somebody_waits,
        { { "the reader", reads_once }, { "who closes", closes } } } },
    { "a close, and who waits for room",
      { blind,
        somebody_waits,
        { { "a writer", writes_much },
          { "another", writes },
          { "who closes", closes } } } },
    { "a close, and what is left, in fibers",
      { sees_edges,
        somebody_waits,
        { { "a writer", writes_much },
          { "the reader", reads_once },
          { "who closes", closes_and_sends_the_rest },
          { "the peer", takes_what_comes } } } },
    { "messages by reference and a ping, in threads",
      { blind,
        somebody_waits,
        { { "a writer", writes },
          { "who hands over", hands_over_two },
          { "the reader", reads_twice },
          { "the peer", hears_three_and_an_answer } } } },
    { "messages by reference and a ping, in fibers",
      { sees_edges,
        somebody_waits,
        { { "a writer", writes },
          { "who hands over", hands_over_two },
          { "the reader", reads_twice },
          { "the peer", hears_three_and_an_answer } } } },
    { "messages by reference of two, in fibers",
      { sees_edges,
        somebody_waits,
        { { "who hands over", hands_over },
          { "another", hands_over_two },
          { "the reader", reads_once },
          { "the peer", hears_three } } } },
    { "messages by reference beside one in pieces, in threads",
      { blind,
        somebody_waits,
        { { "the author", writes_in_pieces },
          { "who hands over", hands_over_two },
          { "the reader", reads_once },
          { "the peer", hears_three } } } },
    { "messages by reference beside one in pieces, in fibers",
      { sees_edges,
        somebody_waits,
        { { "the author", writes_in_pieces },
          { "who hands over", hands_over_two },
          { "the reader", reads_once },
          { "the peer", hears_three } } } },
    { "a small one by reference beside one in pieces",
      { small_begins,
        somebody_waits,
        { { "the author", writes_in_small_pieces },
          { "who hands over", hands_over },
          { "the peer", hears_small_ones } } } },
    { "a cut, and who waits for input, in threads",
      { blind,
        somebody_waits,
        { { "the reader", reads_once },
          { "who cuts", hands_over_and_cuts },
          { "another", cuts } } } },
    { "a cut, and a reader that closes then",
      { blind,
        somebody_was_not_told,
        { { "the reader", reads_and_closes },
          { "who cuts", cuts },
          { "the peer", takes_what_comes } } } },
    { "a close, and what waits by reference, in fibers",
      { sees_edges,
        somebody_waits,
        { { "who hands over", hands_over_two },
          { "the reader", reads_once },
          { "who closes", closes_and_sends_the_rest },
          { "the peer", takes_what_comes } } } },
};

#endif
