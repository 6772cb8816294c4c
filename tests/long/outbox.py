#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""outbox.py [PREEMPTIONS [LIMIT]] | --check

Plays the scenes of tests/outbox_scenes.h in all orders with at most so many
preemptions (2), at most LIMIT of each (300000; 0: all), and prints how many
there were: somebody who waits for ever in one is a fault of lib/conn.

Then does the same with a fault put into it, one after the other, among them the
two that once were there: each has to be found, and the line says where, and by
how many orders.  Needs a C compiler and cmocka, and no build of the tree.

--check tells only whether that can still be done."""

import sys

sys.dont_write_bytecode = True
from planted import Scenes  # noqa: E402

SOURCES = ["base/buf.c", "base/pool.c", "base/str.c", "base/utf8.c",
           "proto/close.c"]

# Name, file, what goes, what comes.
FAULTS = [
    ("once: a reader that polls for input alone sleeps on", "outbox.c", """\
    if (atomic_load(&c->w.unsent) && atomic_load(&c->r.waiting))
        ws__lot_wake(&c->w.unsent, NULL, true);
""", "    (void)c;\n"),
    ("once: an end does not wake who waits for a turn", "end.c", """\
    ws__lot_wake(&c->end, NULL, true);
""", ""),
    ("who lets go does not look at answers", "outbox.c", """\
    if (atomic_load(&c->w.due) || atomic_load(&c->w.unsent) ||
        atomic_load(&c->w.wanted))
""", """\
    if (atomic_load(&c->w.unsent))
"""),
    ("who lets go looks before", "outbox.c", """\
    note_unsent(c, false);
    ws__unlock(&c->w.lock);
    if (atomic_load(&c->w.due) || atomic_load(&c->w.unsent) ||
        atomic_load(&c->w.wanted))
""", """\
    note_unsent(c, false);
    bool more = atomic_load(&c->w.due) ||
                atomic_load(&c->w.unsent) || atomic_load(&c->w.wanted);
    ws__unlock(&c->w.lock);
    if (more)
"""),
    ("no word for the holder", "outbox.c", """\
    atomic_store(&c->w.wanted, true);
    return ws__trylock(&c->w.lock);
""", "    return false;\n"),
    ("no try after the word", "outbox.c", """\
    atomic_store(&c->w.wanted, true);
    return ws__trylock(&c->w.lock);
""", """\
    atomic_store(&c->w.wanted, true);
    return false;
"""),
    ("the word is forgotten after the work", "outbox.c", """\
        atomic_store(&c->w.wanted, false);
        push_out_twice(c);
""", """\
        push_out_twice(c);
        atomic_store(&c->w.wanted, false);
"""),
    ("the word is not looked for again", "outbox.c", """\
    } while (atomic_load(&c->w.wanted) ||
             (atomic_load(&c->w.due) && !atomic_load(&c->w.unsent)));
""", """\
    } while (atomic_load(&c->w.due) && !atomic_load(&c->w.unsent));
"""),
    ("no second try for room", "outbox.c", """\
    if (!before && atomic_load(&c->w.unsent))
        push_out(c);
""", "    (void)before;\n"),
    ("what waits on purpose counts as unsent", "outbox.c", """\
(!empty && c->w.sendbuf->coalesced == 0);
""", "(!empty && c->w.sendbuf->coalesced == 9);\n"),
    ("what a queue finds no room for counts as sent", "outbox.c", """\
    note_unsent(c, stuck);
""", "    note_unsent(c, false);\n"),
    ("once: and as sent for a moment", "outbox.c", """\
    note_unsent(c, stuck);
""", """\
    note_unsent(c, false);
    if (stuck)
        atomic_store(&c->w.unsent, true);
"""),
    ("who ends a message in pieces does not look at the queue",
     "message_lock.c", """\
    if (atomic_load(&x->queue_held) && atomic_exchange(&x->queue_held, false)) {
""", "    if (false) {\n"),
    ("the queue is held by who does not look again", "drain.c", """\
    if (must_hold(c, own))
        return true;
""", "    return true;\n"),
    ("the queue is due no more after it was held", "drain.c", """\
    atomic_store(&ws__extras_own(c)->queue_held, true);
    if (must_hold(c, own))
        return true;
""", """\
    atomic_store(&ws__extras_own(c)->queue_held, true);
    if (must_hold(c, own)) {
        atomic_fetch_and(&c->w.due, (unsigned char)~WS__DUE_MESSAGES);
        return true;
    }
"""),
    ("a queue goes within a message in pieces", "drain.c", """\
    return ws__message_has_author(c) || (own && !ws__turn_try(c));
""", "    return own && !ws__turn_try(c);\n"),
    ("a message by reference is not said", "outqueue.c", """\
    if (error == 0)
        atomic_fetch_or(&c->w.due, WS__DUE_MESSAGES);
""", ""),
    ("once: a cut is heard of before its close frame is there", "enqueue.c",
     """\
    if (!ws__conn_ended(c))
        ws__control_queue_close(c, code, reason);
    bool was_open = ws__conn_cut(c);
""", """\
    bool was_open = ws__conn_cut(c);
    if (was_open)
        ws__control_queue_close(c, code, reason);
"""),
    ("a reader that waits to send does not look whether it is cut",
     "outbox.c", """\
    return !has_something(c) && !ws__conn_ended(c);
""", "    return !has_something(c);\n"),
    ("the reader waits for room that is another's", "outbox.c", """\
    return atomic_load(&c->w.unsent) && !ws__lock_is_taken(&c->w.lock);
""", "    return atomic_load(&c->w.unsent);\n"),
    ("the reader does not send what is left", "outbox.c", """\
    if (got > 0 && (got & c->stream.write_events) && atomic_load(&c->w.unsent))
        ws__outbox_send(c);
""", ""),
    ("waiting goes up after the look at the end", "end.h", """\
    atomic_store(waiting, true);
    return !ws__conn_ended(c);
""", """\
    bool open = !ws__conn_ended(c);
    atomic_store(waiting, true);
    return open;
"""),
    ("a close does not look for who waits", "end.c", """\
    bool whole = was < WS__SHUT && !atomic_load(&c->r.waiting) &&
                 !atomic_load(&c->r.inside) && !atomic_load(&c->w.waiting);
""", "    bool whole = was < WS__SHUT;\n"),
    ("a close looks for a reader alone", "end.c", """\
    bool whole = was < WS__SHUT && !atomic_load(&c->r.waiting) &&
                 !atomic_load(&c->r.inside) && !atomic_load(&c->w.waiting);
""", "    bool whole = was < WS__SHUT && !atomic_load(&c->r.waiting);\n"),
    ("who waits for a turn looks at the end before it is queued", "turn.c",
     """\
    return !ws__conn_ended(c) && ws__lock_is_contended(&ws__extras(c)->turn);
""", "    return ws__lock_is_contended(&ws__extras(c)->turn);\n"),
    ("a turn is given to nobody", "turn.c", """\
    if (ws__lock_let_go(turn_of(c)))
        ws__lot_wake(&c->end, NULL, false);
""", "    ws__lock_let_go(turn_of(c));\n"),
    ("a full slot is not said", "control_queue.c", """\
        atomic_fetch_or(&c->w.due, WS__DUE_CONTROL);
""", "        ;\n"),
]


if __name__ == "__main__":
    sys.exit(Scenes("outbox", SOURCES, "conn", FAULTS).main("2", "300000"))
