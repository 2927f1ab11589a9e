"""A deterministic simulator of clusters: one seed in, the same run out, with everything going wrong that can.

    from ratified.impl.raft import raft_system
    from ratified.simulator import simulate

    run = simulate(raft_system(), nodes=5, steps=400, seed=7)
    run.violation                      # None, or what went wrong
    print(run.transcript())            # line by line
    print(run.shrink().transcript())   # the same with fewer steps

A run has two halves. First chaos: a scheduler seeded by `seed` decides what happens next, in virtual time, and every decision is
recorded as a *step* of a schedule. Then calm: faults end, all nodes run, clients ask again, and everything must come to rest.
A schedule alone repeats the first half, with or without some of its steps; that is what shrinking does. Steps are also the words
of scenario scripts.
"""

from __future__ import annotations

from ratified.impl.system import BrokenPromise, Inspector, NoInspector, System
from ratified.simulator.chaos import EVERY_FAULT, NO_FAULTS, Faults
from ratified.simulator.history import ClientHistory, ClientOperation
from ratified.simulator.run import SimulatedRun, read_schedule, replay, simulate
from ratified.simulator.steps import ScheduleError, parse_step
from ratified.simulator.transcript import Transcript
from ratified.simulator.world import World

__all__ = [
    "EVERY_FAULT",
    "NO_FAULTS",
    "BrokenPromise",
    "ClientHistory",
    "ClientOperation",
    "Faults",
    "Inspector",
    "NoInspector",
    "ScheduleError",
    "SimulatedRun",
    "System",
    "Transcript",
    "World",
    "parse_step",
    "read_schedule",
    "replay",
    "simulate",
]
