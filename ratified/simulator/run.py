"""Runs: chaos and then calm, from a seed; repeated from a schedule; shrunk to what is needed to break the same promise.

Guarantees: a run is a function of (system, nodes, seed, steps, faults), or of (system, nodes, seed, schedule).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ratified.impl.contract import NodeId
from ratified.impl.system import BrokenPromise, System
from ratified.simulator.chaos import EVERY_FAULT, Chaos, Faults
from ratified.simulator.history import ClientHistory
from ratified.simulator.shrinking import leave_out
from ratified.simulator.steps import ScheduleStep, parse_step
from ratified.simulator.transcript import Transcript
from ratified.simulator.world import World

Nodes = int | tuple[NodeId, ...]


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """What came of a run. `schedule` is its first half; the second, calm, follows from it."""

    system: System
    nodes: Nodes
    seed: int
    schedule: tuple[ScheduleStep, ...]
    violation: BrokenPromise | None
    inputs: int  # steps that cores have taken
    applied: int  # entries applied
    history: ClientHistory

    def transcript(self) -> str:
        """Repeat the run and write it down; the last line says what went wrong."""
        transcript = Transcript()
        world = World(self.system, self.nodes, self.seed, transcript)
        transcript.attach(world)
        verdict = "everything holds"
        try:
            for step in self.schedule:
                world.perform(step)
            transcript.write("      -- calm: faults end, all nodes run, clients ask again")
            world.calm()
        except BrokenPromise as violation:
            verdict = f"VIOLATION: {violation}"
        transcript.write(verdict)
        heading = f"{self.system.name}, {len(world.nodes)} nodes, seed {self.seed}"
        return f"{heading}, {len(self.schedule)} steps and calm\n{transcript.text()}"

    def shrink(self, attempts: int = 2_000) -> SimulatedRun:
        """Return a run with fewer steps that breaks the same promise; itself, if it breaks none."""
        if self.violation is None:
            return self
        shortest = shrink(self, list(self.schedule), attempts)
        return replay(self.system, self.nodes, self.seed, shortest)

    def script(self) -> str:
        """Return the schedule as text that `read_schedule` reads back."""
        return "".join(f"{step}\n" for step in self.schedule)


def simulate(
    system: System,
    nodes: Nodes = 3,
    steps: int = 400,
    seed: int = 0,
    faults: Faults = EVERY_FAULT,
    clients: int = 3,
) -> SimulatedRun:
    """Run a cluster through chaos and calm.

    `nodes` are names, or how many; `steps` those of chaos. How bad things are is drawn for each seed below EVERY_FAULT; other
    `faults` are taken as they are.
    """
    world = World(system, nodes, seed)
    chaos = Chaos(world, faults, clients)
    violation: BrokenPromise | None = None
    try:
        chaos.run(steps)
        world.calm()
    except BrokenPromise as broken:
        violation = broken
    return _run(world, nodes, chaos.schedule, violation)


def replay(system: System, nodes: Nodes, seed: int, schedule: Iterable[ScheduleStep]) -> SimulatedRun:
    """Perform a schedule, then calm."""
    schedule = list(schedule)
    world = World(system, nodes, seed)
    violation: BrokenPromise | None = None
    try:
        for step in schedule:
            world.perform(step)
        world.calm()
    except BrokenPromise as broken:
        violation = broken
    return _run(world, nodes, schedule, violation)


def _run(
    world: World, nodes: Nodes, schedule: Sequence[ScheduleStep], violation: BrokenPromise | None
) -> SimulatedRun:
    checks = world.checks
    return SimulatedRun(
        world.system,
        nodes,
        world.seed,
        tuple(schedule),
        violation,
        world.inputs,
        checks.length,
        checks.history,
    )


def read_schedule(text: str, system: System) -> tuple[ScheduleStep, ...]:
    """Read steps, one a line; blank lines and what follows a # are left out.

    Raises:
        ScheduleError: a line is no step.
    """
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(parse_step(line, system.controls) for line in lines if line)


def shrink(run: SimulatedRun, schedule: list[ScheduleStep], attempts: int) -> list[ScheduleStep]:
    """Leave out steps while the promise stays broken."""
    assert run.violation is not None
    promise = run.violation.promise

    def fails(steps: Sequence[ScheduleStep]) -> bool:
        violation = replay(run.system, run.nodes, run.seed, steps).violation
        return violation is not None and violation.promise == promise

    return list(leave_out(schedule, fails, attempts))
