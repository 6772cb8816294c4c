/* SPDX-License-Identifier: MIT */

#ifndef WS_HUB_REDIS_SCRIPTS_H
#define WS_HUB_REDIS_SCRIPTS_H

/*
 * What Redis does for a topic, in one step each.  Its keys (hub/redis_names):
 *
 *   m, a hash    o  the offset of the last publication
 *                l  the epochs of the log, oldest first: "EPOCH:START ...", each
 *                   from behind the offset START on (hub/lineage)
 *                x  epochs that are over, and all were told: " EPOCH EPOCH "
 *                r  master_replid of the server that wrote last
 *                n:NODE  "NUMBER:OFFSET" of that node's newest publication
 *   s, a stream  the newest publications, each with its offset as the id
 *                (OFFSET-0): i, its "NODE:NUMBER", and p, its payload
 *                (hub/redis_message)
 *
 * A server that restarts, or takes over, may have lost the end of the log, and
 * would give the same offsets away again: so whoever comes to a server that is
 * another than r begins an epoch.  What was before it is still known, and where
 * it ended: who was not further than that has lost nothing.
 *
 * Who was further, or knows an epoch that the log does not, has seen what no log
 * has any more.  Others may have missed it without knowing: so a node that looks
 * says what it has witnessed, and if some of it was lost the log forgets what was
 * before, and all are told; once for each epoch.
 */

/*
 * KEYS m s
 * ARGV 1 an epoch, if one begins   2 NODE   3 NUMBER   4 the topic's offset when
 *      this was first asked for; 0: not known   5 how many to keep   6 the ms that
 *      the stream, 7 and the hash stay   8 PUBLISH or SPUBLISH   9 the channel
 *      10 the payload
 *
 * Returns l and the offset; -1 when it was asked for before, and it cannot be
 * told any more whether it was done.
 */
extern const char ws__redis_publish_text[];

/*
 * KEYS m s
 * ARGV 1 an epoch   2 entries behind this offset are wanted   3 at most so many;
 *      0: none   4 the ms that the hash stays   5 PUBLISH or SPUBLISH   6 the
 *      channel   7 8, 9 10, ... an epoch and an offset that were witnessed
 *
 * Returns l, the last offset, that of the first entry that is kept (0: none), and
 * the entries, as XRANGE does.
 */
extern const char ws__redis_look_text[];

/* KEYS the nodes, by when they are dead   ARGV 1 NODE, or "" 2 the ms that it has
 * to live.  Returns those that live. */
extern const char ws__redis_alive_text[];

/* KEYS the topics that there are, by when they may be forgotten: also the channel
 * that says which are new   ARGV 1 a topic   2 the ms that it stays   3 PUBLISH or
 * SPUBLISH */
extern const char ws__redis_announce_text[];

#endif
