/* SPDX-License-Identifier: MIT */

/*
 * How publications get from one node to clients of others over Redis, in all
 * orders: publishing with an answer that is lost and a second attempt, the log
 * and the channel, a replica that lags and takes over, a lost channel, a wake-up
 * that never comes, trimming, a node that dies and its client that resumes at
 * another.  hub_model.py runs it, and then with one fault after the other.
 *
 * What it is a model of: lib/hub/redis_scripts (publish, look; they are atomic),
 * lib/hub/redis_topics (what a node does about a topic), hub/join.  Times are not
 * in it: whatever may happen later may happen now.
 *
 * At the end, when nothing moves any more, each client has what the log has,
 * once and in order, since it joined or was last told that something was lost;
 * and what was acknowledged is in the log, or everybody was told.
 */

#ifndef PUBS
#define PUBS 3 /* publications */
#endif
#ifndef KEEP
#define KEEP 2 /* the log is trimmed to so many */
#endif
#ifndef NODES
#define NODES 2 /* each with a client; node 0 publishes */
#endif
#define MOST (PUBS + 2) /* entries, should one be there twice */
#define TERMS 5
#define ROOM 3 /* messages in the channel, before it is cut for being slow */

/* What happens, how often at most. */
#ifndef ANSWERS_LOST
#define ANSWERS_LOST 1
#endif
#ifndef CUTS
#define CUTS 1
#endif
#ifndef FAILOVERS
#define FAILOVERS 1
#endif
#ifndef TRIMS
#define TRIMS 1
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef WAKES_LOST
#define WAKES_LOST 0
#endif

/* A log, with the epochs that began after which offset.  r: which server wrote
 * last.  done: the highest number of the publishing node. */
typedef Log {
    byte last, first, terms, r, done;
    short gone; /* bits: epochs whose loss all were told of */
    byte epoch[TERMS];
    byte start[TERMS];
    byte id[MOST + 1]
}

Log master, replica;
byte server = 1;     /* which one is the master */
byte new_epoch = 2;  /* the next that nobody has seen */

/* The publishing node. */
byte asked[PUBS + 1];     /* so many requests are under way */
bool answered[PUBS + 1];  /* acknowledged */
bool given_up[PUBS + 1];
byte answers_lost = ANSWERS_LOST;
byte acked_epoch, acked_last; /* the newest place that was acknowledged, */
byte other_epoch, other_last; /* and one in another epoch, if any */

/* Nodes.  A node's place is where its topic stands; up: the channel is
 * subscribed; due: the log has to be looked at; heard: a message came while one
 * looked; lookup: a reply is under way, as it was when the script ran. */
typedef Node {
    byte epoch, last;
    bool up, due, heard, looking, fresh;
    Log seen;
    bool seen_on, seen_whole
}
Node node[NODES];

typedef Client {
    byte epoch, last; /* its place */
    byte from;        /* joined: what has no higher offset it has had */
    bool joined, asking;
    Log seen;
    bool seen_whole;
    byte begin;       /* the log's offset when it joined or was told */
    byte n;           /* what it has got since */
    byte got[MOST + 1];
    bool told
}
Client client[NODES];

/* epoch, offset, what it is: 0 says to look. */
chan wake0 = [ROOM] of { byte, byte, byte };
chan wake1 = [ROOM] of { byte, byte, byte };

inline copy(to_, from_)
{
    to_.last = from_.last;
    to_.first = from_.first;
    to_.terms = from_.terms;
    to_.r = from_.r;
    to_.done = from_.done;
    to_.gone = from_.gone;
    for (k : 0 .. TERMS - 1) {
        to_.epoch[k] = from_.epoch[k];
        to_.start[k] = from_.start[k]
    }
    for (k : 0 .. MOST) {
        to_.id[k] = from_.id[k]
    }
    k = 0
}

/* A server that is another than wrote last begins an epoch. */
inline open_log()
{
#ifndef FAULT_NO_NEW_EPOCH
    if
    :: master.r != server ->
        assert(master.terms < TERMS);
        master.epoch[master.terms] = new_epoch;
        master.start[master.terms] = master.last;
        new_epoch++;
        master.terms++;
        master.r = server
    :: else
    fi
#endif
    skip
}

/* Where the epoch e ends in the log; found: it is one of its epochs. */
inline find(log_, e_)
{
    found = false;
    begin = 0;
    end = 0;
    for (k : 0 .. TERMS - 1) {
        if
        :: k < log_.terms && log_.epoch[k] == e_ ->
            found = true;
            begin = log_.start[k];
            if
            :: k + 1 < log_.terms -> end = log_.start[k + 1]
            :: else -> end = log_.last
            fi
        :: else
        fi
    }
    k = 0
}

inline epoch_of(log_, o_)
{
    e = 0;
    for (k : 0 .. TERMS - 1) {
        if
        :: k < log_.terms && (log_.start[k] < o_ || k == 0) ->
            e = log_.epoch[k]
        :: else
        fi
    }
    k = 0
}

inline tell_one(c_, i_)
{
    if
    :: node[i_].up && c_?? [0, 0, 0] -> skip /* it knows */
    :: node[i_].up && nfull(c_) -> c_!m_epoch, m_offset, m_id
    :: node[i_].up && full(c_) -> /* slow: it is cut, with all that waits */
        node[i_].up = false;
        do
        :: c_?_, _, _
        :: empty(c_) -> break
        od
    :: !node[i_].up -> skip
    fi
}

inline tell(e_, o_, i_)
{
    m_epoch = e_;
    m_offset = o_;
    m_id = i_;
    tell_one(wake0, 0);
#if NODES > 1
    tell_one(wake1, 1);
#endif
    m_epoch = 0;
    m_offset = 0;
    m_id = 0
}

/* The script that publishes p: a place, or found again, or neither. */
inline script_publish(p_)
{
    open_log();
    place = 0;
    if
    :: master.done >= p_ ->
#ifndef FAULT_BLIND_RETRY
        for (k : 1 .. MOST) {
            if
            :: k <= master.last && k >= master.first && master.id[k] == p_ ->
                place = k
            :: else
            fi
        }
        k = 0;
        if
        :: place == 0 && master.first > 1 -> place = 255 /* who knows */
        :: else
        fi
#else
        skip
#endif
    :: else
    fi;
    if
    :: place == 0 ->
        assert(master.last < MOST);
        master.last++;
        master.id[master.last] = p_;
        if
        :: p_ > master.done -> master.done = p_
        :: else
        fi;
        place = master.last;
        tell(master.epoch[master.terms - 1], master.last, p_)
    :: else
    fi
}

inline acknowledge(p_)
{
    if
    :: place == 255 -> given_up[p_] = true
    :: else ->
        answered[p_] = true;
        epoch_of(master, place);
        if
        :: acked_epoch == 0 || acked_epoch == e ->
            acked_epoch = e;
            acked_last = (place > acked_last -> place : acked_last)
        :: else ->
#ifndef FAULT_FORGETS_AN_EPOCH
            other_epoch = e;
            other_last = place;
            node[0].due = true
#else
            acked_epoch = e;
            acked_last = place
#endif
        fi;
        e = 0
    fi
}

/* Who has seen what the log does not have any more says so to all: an epoch that
 * goes back to none before it.  Once for each that was lost. */
inline disown(e_, o_)
{
    find(master, e_);
#ifdef FAULT_UNKNOWN_IS_NOT_LOST
    if
    :: !found -> master.gone = master.gone | (1 << e_)
    :: else
    fi;
#endif
#ifndef FAULT_KEEPS_IT_TO_ITSELF
    if
    :: (found && o_ > end) || (!found && ((master.gone >> e_) & 1) == 0) ->
        master.gone = master.gone | (1 << e_);
        for (k : 0 .. TERMS - 1) {
            if
            :: k < master.terms ->
                master.gone = master.gone | (1 << master.epoch[k])
            :: else
            fi;
            master.epoch[k] = 0;
            master.start[k] = 0
        }
        k = 0;
        master.terms = 1;
        master.epoch[0] = new_epoch;
        master.start[0] = master.last;
        new_epoch++;
        tell(master.epoch[0], master.last, 0)
    :: else
    fi;
#endif
    found = false;
    begin = 0;
    end = 0
}

proctype publisher()
{
    byte p;

    for (p : 1 .. PUBS) {
        asked[p] = 1;
        do
        :: answered[p] || given_up[p] -> break
        :: atomic { asked[p] == 0 && !answered[p] && !given_up[p] ->
               asked[p] = 1 } /* the answer was lost: ask again */
        :: atomic { answers_lost > 0 && asked[p] == 1 && !answered[p] ->
               answers_lost--; /* the connection: the first may come late */
               asked[p] = 2 }
        od
    }
}

/* Redis: each script is a step. */
proctype redis()
{
    byte k, p, place, e, begin, end, m_epoch, m_offset, m_id;
    bool found;

end_redis:
    do
    :: atomic {
        (asked[1] > 0 || (PUBS > 1 && asked[2] > 0) ||
         (PUBS > 2 && asked[3 % (PUBS + 1)] > 0)) ->
        if
        :: asked[1] > 0 -> p = 1
        :: PUBS > 1 && asked[2] > 0 -> p = 2
        :: PUBS > 2 && asked[3 % (PUBS + 1)] > 0 -> p = 3
        fi;
        script_publish(p);
        asked[p]--;
        if
        :: acknowledge(p)
        :: answers_lost > 0 -> answers_lost--
        fi;
        place = 0;
        p = 0
      }
    od
}

/* A client gets publication i_, which stands at o_. */
inline give(c_, e_, o_, i_)
{
    if
    :: client[c_].joined && o_ > client[c_].from ->
        client[c_].n++;
        assert(client[c_].n <= MOST);
        client[c_].got[client[c_].n] = i_;
        client[c_].epoch = e_;
        client[c_].last = o_;
        client[c_].from = o_
    :: else
    fi
}

inline tell_lost(c_, e_, o_)
{
    client[c_].told = true;
    client[c_].n = 0;
    for (k : 0 .. MOST) {
        client[c_].got[k] = 0
    }
    k = 0;
    client[c_].begin = o_;
    client[c_].from = o_;
    client[c_].epoch = e_;
    client[c_].last = o_
}

/* The script that looks: what the log says about the place (e_, o_). */
inline script_look(to_, on_, whole_, e_, o_)
{
    open_log();
    find(master, e_);
    on_ = found && o_ >= begin && o_ <= end;
    whole_ = (o_ >= master.last || master.first <= o_ + 1);
    found = false;
    begin = 0;
    end = 0;
    copy(to_, master)
}

inline forget(i_)
{
    copy(node[i_].seen, none);
    node[i_].seen_on = false;
    node[i_].seen_whole = false;
    node[i_].looking = false
}

proctype run_node(byte i; chan wake)
{
    byte k, o, e, begin, end, id, m_epoch, m_offset, m_id;
    bool found, on;
    Log none;

end_node:
    do
    /* The channel is subscribed (again): what was before may be missing. */
    :: atomic { !node[i].up ->
        node[i].up = true;
#ifndef FAULT_NO_LOOK_AFTER_SUBSCRIBE
        node[i].due = true;
#else
        node[i].due = node[i].fresh;
#endif
        node[i].heard = true
      }

    :: atomic { node[i].up && node[i].due && !node[i].looking ->
        node[i].due = false;
        node[i].heard = false;
        node[i].looking = true;
        if
        :: !node[i].fresh ->
            open_log();
            disown(node[i].epoch, node[i].last)
        :: else
        fi;
        if
        :: i == 0 && acked_epoch != 0 ->
            open_log();
            disown(acked_epoch, acked_last);
            if
            :: other_epoch != 0 ->
                disown(other_epoch, other_last);
                acked_epoch = other_epoch;
                acked_last = other_last;
                other_epoch = 0;
                other_last = 0
            :: else
            fi
        :: else
        fi;
        script_look(node[i].seen, node[i].seen_on, node[i].seen_whole,
                    node[i].epoch, node[i].last)
      }

    :: atomic { node[i].looking ->
        if
        :: node[i].fresh ->
            node[i].fresh = false;
            node[i].last = node[i].seen.last;
            node[i].epoch = node[i].seen.epoch[node[i].seen.terms - 1]
        :: !node[i].fresh && node[i].seen_on && node[i].seen_whole ->
            for (o : 1 .. MOST) {
                if
                :: o > node[i].last && o <= node[i].seen.last ->
                    epoch_of(node[i].seen, o);
                    give(i, e, o, node[i].seen.id[o]);
                    e = 0
                :: else
                fi
            }
            o = 0;
            node[i].last = node[i].seen.last;
            node[i].epoch = node[i].seen.epoch[node[i].seen.terms - 1]
        :: else ->
            node[i].last = node[i].seen.last;
            node[i].epoch = node[i].seen.epoch[node[i].seen.terms - 1];
            if
            :: client[i].joined ->
                tell_lost(i, node[i].epoch, node[i].last)
            :: else
            fi
        fi;
        forget(i);
#ifndef FAULT_DEAF_WHILE_LOOKING
        if
        :: node[i].heard -> node[i].due = true
        :: else
        fi;
#endif
        node[i].heard = false
      }

    :: atomic { wake?m_epoch, m_offset, m_id ->
        if
        :: node[i].looking || node[i].due || node[i].fresh ->
            node[i].heard = true
        :: else ->
            if
            :: m_epoch == node[i].epoch && m_offset <= node[i].last
            :: m_epoch == node[i].epoch && m_offset == node[i].last + 1 ->
                node[i].last = m_offset;
                give(i, m_epoch, m_offset, m_id)
            :: else ->
#ifdef FAULT_TAKES_WHAT_COMES
                if
                :: m_id != 0 ->
                    node[i].last = m_offset;
                    node[i].epoch = m_epoch;
                    give(i, m_epoch, m_offset, m_id)
                :: else
                fi
#elif !defined(FAULT_GAPS_STAY)
                node[i].due = true
#else
                skip
#endif
            fi
        fi;
        m_epoch = 0;
        m_offset = 0;
        m_id = 0
      }

    /* The client comes (back) to this node: the log since its place is asked
     * for, and stitched to what the node goes on with. */
    :: atomic { !client[i].joined && !client[i].asking && !node[i].fresh ->
        client[i].asking = true;
        script_look(client[i].seen, on, client[i].seen_whole,
                    client[i].epoch, client[i].last);
        client[i].seen_whole = client[i].seen_whole && on;
        on = false
      }

    :: atomic { client[i].asking && !node[i].fresh ->
        client[i].asking = false;
        if
        :: !client[i].seen_whole ->
            client[i].joined = true;
            tell_lost(i, node[i].epoch, node[i].last)
#ifndef FAULT_NOT_STITCHED
        :: client[i].seen_whole &&
           (node[i].last > client[i].seen.last ||
            node[i].epoch !=
                client[i].seen.epoch[client[i].seen.terms - 1]) ->
            skip /* ask again: the node is elsewhere */
#endif
        :: else ->
            client[i].joined = true;
            for (o : 1 .. MOST) {
                if
                :: o > client[i].last && o <= client[i].seen.last ->
                    epoch_of(client[i].seen, o);
                    give(i, e, o, client[i].seen.id[o]);
                    e = 0
                :: else
                fi
            }
            o = 0
        fi;
        copy(client[i].seen, none);
        client[i].seen_whole = false
      }
    od
}

inline cut(c_, i_)
{
    node[i_].up = false;
    do
    :: c_?_, _, _
    :: empty(c_) -> break
    od
}

/* What goes wrong. */
proctype chaos()
{
    byte k, cuts = CUTS, failovers = FAILOVERS, trims = TRIMS, deaths = DEATHS;
    byte wakes = WAKES_LOST;
    Log none;

    do
    /* The replica is as far as the master, now. */
    :: atomic { failovers > 0 && replica.last != master.last ->
           copy(replica, master) }
    /* It takes over; all connections are lost. */
    :: atomic { failovers > 0 ->
           failovers--;
           copy(master, replica);
           server++;
           cut(wake0, 0);
#if NODES > 1
           cut(wake1, 1)
#endif
       }
    :: atomic { cuts > 0 -> cuts--; cut(wake0, 0) }
#if NODES > 1
    :: atomic { cuts > 0 -> cuts--; cut(wake1, 1) }
#endif
    :: atomic { trims > 0 && master.last >= KEEP &&
                master.first + KEEP <= master.last ->
           trims--;
           master.first = master.last - KEEP + 1 }
#if DEATHS > 0 && NODES > 1
    /* Node 1 dies: its client keeps its place, and comes to the next. */
    :: atomic { deaths > 0 && !node[1].fresh ->
           deaths--;
           cut(wake1, 1);
           forget(1);
           node[1].fresh = true;
           node[1].due = false;
           node[1].heard = false;
           node[1].epoch = 0;
           node[1].last = 0;
           client[1].joined = false;
           client[1].asking = false;
           client[1].from = client[1].last }
#endif
#if WAKES_LOST > 0
    /* A wake-up does not come; the next time that all is looked at is later. */
    :: atomic { wakes > 0 && nempty(wake0) ->
           wakes--;
           wake0?_, _, _;
#ifndef FAULT_NEVER_LOOKS_UNASKED
           node[0].heard = true;
           node[0].due = true
#endif
       }
#endif
    :: break
    od;

    /* Nothing moves any more. */
    timeout;
    atomic {
        byte i, o;
        for (i : 0 .. NODES - 1) {
            assert(client[i].joined);
            assert(client[i].begin + client[i].n == master.last);
            for (o : 1 .. MOST) {
                if
                :: o <= client[i].n ->
                    assert(client[i].got[o] ==
                           master.id[client[i].begin + o])
                :: else
                fi
            }
        }
        /* What was acknowledged is there, once, or all were told; and what is
         * there is there once. */
        byte p, there;
        for (p : 1 .. PUBS) {
            there = 0;
            for (o : 1 .. MOST) {
                if
                :: o <= master.last && master.id[o] == p -> there++
                :: else
                fi
            }
            assert(there <= 1);
            if
            :: answered[p] && there == 0 ->
                for (i : 0 .. NODES - 1) {
                    assert(client[i].told)
                }
            :: else
            fi
        }
    }
}

init
{
    atomic {
        byte i;

        master.first = 1;
        master.terms = 1;
        master.epoch[0] = 1;
        master.r = 1;
        replica.first = 1;
        replica.terms = 1;
        replica.epoch[0] = 1;
        replica.r = 1;
        for (i : 0 .. NODES - 1) {
            node[i].epoch = 1;
            node[i].up = true;
            client[i].epoch = 1;
            client[i].joined = true
        }
        run publisher();
        run redis();
        run run_node(0, wake0);
#if NODES > 1
        run run_node(1, wake1);
#endif
        run chaos()
    }
}
