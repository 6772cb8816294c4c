#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hub_model.py [WORD ...]

Has spin go through all states of hub.pml, for several ways in which things go
wrong together, and prints how many there were.  Then does so with one fault
after the other in the protocol: each has to be found.  With words only what has
one of them in its name.  Needs spin and a C compiler, and 3 GiB of memory."""

import pathlib
import re
import subprocess
import sys
import tempfile

MODEL = pathlib.Path(__file__).with_name("hub.pml")

# What happens at most so often; the rest is as in the model.
SCENES = {
    "a failover, a cut, a lost answer, a trim": {"PUBS": 2},
    "a failover, a trim, and a node dies":
        {"PUBS": 2, "DEATHS": 1, "CUTS": 0, "ANSWERS_LOST": 0},
    "two failovers":
        {"PUBS": 2, "FAILOVERS": 2, "CUTS": 0, "TRIMS": 0, "ANSWERS_LOST": 0},
    "a log of one, a cut, and a node dies":
        {"FAILOVERS": 0, "DEATHS": 1, "KEEP": 1, "ANSWERS_LOST": 0},
    "a wake-up is lost, a cut":
        {"PUBS": 2, "WAKES_LOST": 1, "FAILOVERS": 0, "TRIMS": 0},
    "two lost answers": {"ANSWERS_LOST": 2, "FAILOVERS": 0, "CUTS": 0,
                         "NODES": 1},
}

FAULTS = {
    "another server goes on with the epoch": {"FAULT_NO_NEW_EPOCH": 1},
    "what is asked for again is published again": {"FAULT_BLIND_RETRY": 1},
    "who saw what was lost tells nobody": {"FAULT_KEEPS_IT_TO_ITSELF": 1},
    "an acknowledged place in another epoch takes the place of the first":
        {"FAULT_FORGETS_AN_EPOCH": 1, "PUBS": 2},
    "an epoch that the log never had is no loss":
        {"FAULT_UNKNOWN_IS_NOT_LOST": 1, "PUBS": 2, "FAILOVERS": 2, "CUTS": 0,
         "TRIMS": 0, "ANSWERS_LOST": 0},
    "no look at the log when the channel is back":
        {"FAULT_NO_LOOK_AFTER_SUBSCRIBE": 1},
    "what comes while one looks is not heard":
        {"FAULT_DEAF_WHILE_LOOKING": 1, "FAILOVERS": 0},
    "what comes is taken": {"FAULT_TAKES_WHAT_COMES": 1},
    "a gap stays": {"FAULT_GAPS_STAY": 1},
    "a client is not stitched to where its node is":
        {"FAULT_NOT_STITCHED": 1, "DEATHS": 1, "FAILOVERS": 0,
         "ANSWERS_LOST": 0},
    "the log is looked at only when something comes":
        {"FAULT_NEVER_LOOKS_UNASKED": 1, "WAKES_LOST": 1, "PUBS": 2},
}


def check(defines, where):
    """Returns whether all was well, and how many states that took."""
    run = lambda *command: subprocess.run(
        command, cwd=where, check=True, capture_output=True, text=True).stdout
    words = [f"-D{name}={value}" for name, value in defines.items()]
    run("spin", "-a", *words, str(MODEL))
    run("cc", "-O2", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=3000", "-w",
        "-o", "pan", "pan.c")
    out = run("./pan", "-m400000")
    if "Search not completed" in out and "errors: 0" in out:
        raise SystemExit(f"hub_model: not all of it was seen:\n{out}")
    states = re.search(r"(\S+) states, stored", out).group(1)
    return "errors: 0" in out, int(float(states))


def main():
    wanted = lambda name: (len(sys.argv) == 1 or
                           any(word in name for word in sys.argv[1:]))
    failed = 0
    with tempfile.TemporaryDirectory() as where:
        for scenes, well in (SCENES, True), (FAULTS, False):
            for name in filter(wanted, scenes):
                ok, states = check(scenes[name], where)
                failed += ok != well
                print(f"{'ok ' if ok == well else 'NOT OK '}{name}: "
                      f"{'nothing' if ok else 'a fault'} found in "
                      f"{states:,} states", flush=True)
    return failed != 0


sys.exit(main())
