/* SPDX-License-Identifier: MIT */

#ifndef TESTS_HUB_SCENES_H
#define TESTS_HUB_SCENES_H

/* Who publishes, joins, leaves and ends, at once. */

#include "hub_world.h"

static struct {
    ws_joined joined[CONNS];
    int error[CONNS];
    uint64_t before; /* published when the scene began */
    uint64_t after;  /* and when it ended */
    uint64_t begun;  /* to be published */
} scene;

static const ws_place everything = { 0, 0 };

static void scene_publish(void)
{
    ws_place at;

    scene.begun++;
    if (ws_hub_publish(world.hub, "t", WS_TEXT, "", 0, &at) == 0)
        scene.after++;
}

static void scene_begin(long history, uint64_t published, int actors)
{
    memset(&scene, 0, sizeof(scene));
    world_begin(history, actors);
    while (scene.before < published) {
        scene_publish();
        scene.before++;
    }
}

static void scene_join(int i, const ws_place *since)
{
    scene.error[i] =
        ws_hub_join(world.hub, &world.conns[i].conn, "t",
                    &(ws_join_options){ .since = since }, &scene.joined[i]);
}

/* ---- What is to hold ---------------------------------------------------- */

static const char *heard_in_order(int i, uint64_t first)
{
    for (size_t n = 0; n < world.conns[i].n; n++)
        if (world.conns[i].heard[n] != first + n)
            return world.conns[i].heard[n] < first + n ? "a duplicate"
                                                       : "a gap";
    return NULL;
}

/* From where its join says, up to the last. */
static const char *heard_all(int i)
{
    const ws_joined *j = &scene.joined[i];
    uint64_t first = j->place.offset - j->replayed + 1;
    const char *wrong = heard_in_order(i, first);

    if (scene.error[i] != 0)
        return "a join that failed";
    if (!wrong && first + world.conns[i].n != scene.after + 1)
        wrong = "an end that did not come";
    return wrong;
}

static const char *scene_end(const char *wrong)
{
    if (explore.stuck || explore.endless)
        return "somebody waits for ever";
    world_run_rest();
    ws_hub_free(world.hub);
    world_run_rest();
    return wrong ? wrong : alloc_live() != 0 ? "a leak" : NULL;
}

/* ---- Join and publish --------------------------------------------------- */

static void publisher(void)
{
    scene_publish();
    scene_publish();
    world_done();
}

static void one_publisher(void)
{
    scene_publish();
    world_done();
}

static void joiner_of_a_worker(void)
{
    scene_join(0, &everything);
    world_done();
}

static void joiner_of_a_thread(void)
{
    scene_join(1, &everything);
    world_done();
}

static void two_actors(void)
{
    scene_begin(0, 1, 2);
}

static void three_actors(void)
{
    scene_begin(0, 1, 3);
}

static const char *all_at_worker(void)
{
    world_run_rest();
    return scene_end(heard_all(0));
}

static const char *all_at_thread(void)
{
    world_run_rest();
    return scene_end(heard_all(1));
}

static const char *all_at_both(void)
{
    const char *wrong;

    world_run_rest();
    wrong = heard_all(0);
    return scene_end(wrong ? wrong : heard_all(1));
}

/* What it is to hear lies there, ahead of who joins. */
static void one_is_in(void)
{
    scene_begin(0, 1, 2);
    scene_join(2, NULL);
}

static const char *all_at_two(void)
{
    const char *wrong;

    world_run_rest();
    wrong = heard_all(0);
    return scene_end(wrong ? wrong : heard_all(2));
}

/* ---- While the log is trimmed ------------------------------------------- */

static void trimmed(void)
{
    scene_begin(2, 3, 2);
}

/* It has the first one, and the log has two more: until one is published. */
static void joiner_since_one(void)
{
    ws_place since = { 0, 1 };

    scene_join(0, &since);
    world_done();
}

static const char *recovered_or_not(void)
{
    const ws_joined *j = &scene.joined[0];

    world_run_rest();
    const char *wrong = heard_all(0);
    if (!wrong && j->recovered && j->place.offset - j->replayed != 1)
        wrong = "recovered, but for a gap";
    return scene_end(wrong);
}

/* ---- To leave, and to come back ----------------------------------------- */

static void returns(void)
{
    const ws_conn *c = &world.conns[0].conn;
    ws_place since;

    scene_join(0, &everything);
    ws_hub_leave(world.hub, (ws_conn *)c, "t");
    since = (ws_place){ scene.joined[0].place.epoch, world.conns[0].n };
    scene_join(0, &since);
    scene.joined[0].replayed = scene.joined[0].place.offset;
    world_done();
}

/* ---- Between two turns of a worker -------------------------------------- */

static void three_are_in(void)
{
    scene_begin(0, 1, 2);
    scene_join(0, NULL);
    scene_join(2, NULL);
    scene_join(3, NULL);
}

static void two_are_in(void)
{
    scene_begin(0, 1, 2);
    scene_join(2, NULL);
    scene_join(3, NULL);
}

static void fiber_that_leaves(void)
{
    world_fiber_begin();
    ws_hub_leave(world.hub, &world.conns[0].conn, "t");
    world_fiber_end();
    world_done();
}

static void fiber_that_joins(void)
{
    world_fiber_begin();
    scene_join(0, &everything);
    world_fiber_end();
    world_done();
}

static const char *all_at_others(void)
{
    const char *wrong = heard_all(2);

    return wrong ? wrong : heard_all(3);
}

static const char *nobody_else_misses_any(void)
{
    world_run_rest();
    const char *wrong = heard_in_order(0, 2);
    return scene_end(wrong ? wrong : all_at_others());
}

static const char *all_at_three(void)
{
    world_run_rest();
    const char *wrong = heard_all(0);
    return scene_end(wrong ? wrong : all_at_others());
}

/* ---- The end of a connection, and of a hub ------------------------------ */

static void ender_of_a_worker(void)
{
    world_end(0);
    world_done();
}

static void ender_of_a_thread(void)
{
    world_end(1);
    world_done();
}

static const char *nobody_is_left(void)
{
    ws_hub_stats s;

    world_run_rest();
    ws_hub_stats_get(world.hub, &s);
    return scene_end(s.subscriptions == 0 && s.subscribers == 0
                         ? NULL
                         : "somebody who has ended is left");
}

static void both_are_in(void)
{
    scene_begin(0, 1, 2);
    scene_join(0, NULL);
    scene_join(1, NULL);
}

static void hub_ender(void)
{
    ws_hub_free(world.hub);
    world.hub = NULL;
    world_done();
}

static const char *all_is_free(void)
{
    world_run_rest();
    return scene_end(NULL);
}

/* ---- Prefixes ----------------------------------------------------------- */

static void no_topic_yet(void)
{
    scene_begin(0, 0, 2);
}

static void prefix_joiner(void)
{
    const ws_join_options how = { .prefix = true };

    scene.error[0] =
        ws_hub_join(world.hub, &world.conns[0].conn, "t", &how, NULL);
    scene.joined[0].place.offset = scene.begun; /* the last that it may miss */
    world_done();
}

/* It hears some of those that came while it joined, and all that followed. */
static const char *the_last_ones(void)
{
    const char *wrong = NULL;

    world_run_rest();
    if (world.conns[0].n > 0)
        wrong = heard_in_order(0, world.conns[0].heard[0]);
    if (!wrong && scene.after - world.conns[0].n > scene.joined[0].place.offset)
        wrong = "a gap behind the join";
    if (!wrong && world.conns[0].n > 0 &&
        world.conns[0].heard[world.conns[0].n - 1] != scene.after)
        wrong = "an end that did not come";
    return scene_end(wrong);
}

static const struct explore_scene scenes[] = {
    { "join and publish",
      { two_actors,
        all_at_worker,
        { { "worker", world_work },
          { "publisher", publisher },
          { "joiner", joiner_of_a_worker } } } },
    { "join where one is, and publish",
      { one_is_in,
        all_at_two,
        { { "worker", world_work },
          { "publisher", publisher },
          { "joiner", joiner_of_a_worker } } } },
    { "join and publish, in threads",
      { two_actors,
        all_at_thread,
        { { "worker", world_work },
          { "publisher", publisher },
          { "joiner", joiner_of_a_thread } } } },
    { "two publishers",
      { three_actors,
        all_at_worker,
        { { "worker", world_work },
          { "one", one_publisher },
          { "other", one_publisher },
          { "joiner", joiner_of_a_worker } } } },
    { "two joiners",
      { three_actors,
        all_at_both,
        { { "worker", world_work },
          { "publisher", publisher },
          { "joiner", joiner_of_a_worker },
          { "other", joiner_of_a_thread } } } },
    { "a log that is trimmed",
      { trimmed,
        recovered_or_not,
        { { "worker", world_work },
          { "publisher", publisher },
          { "joiner", joiner_since_one } } } },
    { "leave and return",
      { two_actors,
        all_at_worker,
        { { "worker", world_work },
          { "publisher", publisher },
          { "joiner", returns } } } },
    { "leave between two turns",
      { three_are_in,
        nobody_else_misses_any,
        { { "worker", world_work },
          { "publisher", publisher },
          { "fiber", fiber_that_leaves } } } },
    { "join between two turns",
      { two_are_in,
        all_at_three,
        { { "worker", world_work },
          { "publisher", publisher },
          { "fiber", fiber_that_joins } } } },
    { "an end while it joins",
      { three_actors,
        nobody_is_left,
        { { "worker", world_work },
          { "publisher", one_publisher },
          { "joiner", joiner_of_a_worker },
          { "ender", ender_of_a_worker } } } },
    { "an end while it joins, in threads",
      { three_actors,
        nobody_is_left,
        { { "worker", world_work },
          { "publisher", one_publisher },
          { "joiner", joiner_of_a_thread },
          { "ender", ender_of_a_thread } } } },
    { "the end of a hub",
      { both_are_in,
        all_is_free,
        { { "worker", world_work },
          { "hub", hub_ender },
          { "ender", ender_of_a_thread } } } },
    { "a prefix and the first of its topics",
      { no_topic_yet,
        the_last_ones,
        { { "worker", world_work },
          { "publisher", publisher },
          { "joiner", prefix_joiner } } } },
};

#endif
