"""A reduced exploration of a model held to a full one: verdicts claim by claim, deadlocks, what is possible, and bounds left.

`python -m tests.generate.reducing --models 3000 --seed 0` compares that many generated models and plants each fault of `FAULTS`;
it exits with status 1 if anything differs without a fault.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ratified.explore.reduction import Reducing
from ratified.explore.search import Search
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Kind as FunctionKind
from ratified.language.machine import PythonMachine, StepError
from ratified.language.model import Model
from ratified.results.result import Limits
from ratified.results.seen import Exploration
from tests.generate.concurrent import concurrent_model
from tests.generate.models import GeneratedModel, random_model
from tests.generate.planting import Kind, planted
from tests.generate.running import load

STATES = Limits(states=600)

_R = "ratified.explore.reduction."

FAULTS = (
    Kind(
        "what a step depends on is not needed (C1)",
        f"{_R}choosing",
        "relations.needed[at] if enabled & bit else",
        "0 if enabled & bit else",
    ),
    Kind(
        "what makes a guard true is not needed (C1)",
        f"{_R}choosing",
        "relations.enabling[at][refusing(at)]",
        "0",
    ),
    Kind(
        "visible steps are steps like others (C2)", f"{_R}relations", "needed[i] |= visible", "needed[i] |= 0"
    ),
    Kind("steps may be put off for ever (C3)", f"{_R}choosing", "if fresh(some):", "if some:"),
    Kind("guards read nothing", f"{_R}footprints", "self._condition(part, env, found)", "pass"),
    Kind(
        "asking for an element reads nothing",
        f"{_R}footprints",
        "found.add(Location(at[0].variable, (*at[0].path, self._known(item, env))), how)",
        "pass",
    ),
    Kind(
        "additions and removals commute",
        f"{_R}locations",
        "(one, other) not in _HARMLESS",
        "(one, other) not in _HARMLESS and {one, other} != {How.ADD, How.SET}",
    ),
    Kind(
        "additions cannot make any guard false",
        f"{_R}locations",
        "(one, other) not in _HARMLESS",
        "(one, other) not in _HARMLESS and {one, other} != {How.ADD, How.READ}",
    ),
    Kind(
        "different values are at different places, though nothing is known of one",
        f"{_R}locations",
        "if one is None or other is None:\n        return True",
        "if one is None or other is None:\n        return one is other",
    ),
    Kind(
        "a constraint reads nothing",
        f"{_R}relations",
        "own |= {(r, How.READ) for r in part}",
        "own |= set()",
    ),
    Kind(
        "what a name stands for was not read",
        f"{_R}footprints",
        "                found.accesses |= behind.get(name, set())",
        "                pass",
    ),
    Kind(
        "all choices of a parameter are possible as soon as one is",
        f"{_R}relations",
        "needed[i] |= whole",
        "needed[i] |= 0",
    ),
)
"""Mistakes in a reduction: each condition of ample sets left out, and ways to think steps independent."""


@dataclass(slots=True)
class Compared:
    """What came of comparing: how many explorations, of these smaller ones, and what differed."""

    explored: int = 0
    smaller: int = 0
    differ: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Full:
    """A model and its full exploration, with what it comes to: each claim, and whether it is violated."""

    model: Model
    bare: Model
    seen: Exploration
    violated: dict[str, bool]


def explored(model: Model) -> Full | None:
    """Explore a model in full; None where there are too many states, or it has no answer somewhere."""
    bare = model.claiming([])
    seen = Search(PythonMachine(bare), limits=STATES, keep_edges=True).run()
    if seen.stopped or seen.failure is not None:
        return None
    try:
        return Full(model, bare, seen, dict(_expected(model, seen)))
    except StepError:
        return None


def compared(full: Full) -> Compared:
    """Compare a full exploration with reduced ones, for each claim by itself."""
    found = Compared()
    for claim in (None, *full.violated):
        _compare(full, claim, found)
    return found


def _expected(model: Model, full: Exploration) -> Iterator[tuple[str, bool]]:
    """Each claim, and whether it is violated, by looking at every state and step."""
    machine = PythonMachine(model)
    for claim in model.module.of_kind(FunctionKind.INVARIANT):
        yield claim.name, any(machine.refuted_by(claim.name, s) is not None for s in full.states)
    assert full.edges is not None
    for claim in model.module.of_kind(FunctionKind.STEP_INVARIANT):
        yield (
            claim.name,
            any(
                not machine.step_holds(claim.name, full.states[e.source], full.states[e.target])
                for e in full.edges
            ),
        )
    possible = {e.source for e in (*full.edges, *full.cut)}
    yield "deadlock", len(possible) < len(full.states)


def _compare(full: Full, claim: str | None, found: Compared) -> None:
    model = full.bare if claim in (None, "deadlock") else full.model.claiming([claim])
    machine = PythonMachine(model)
    try:
        reduced = Search(machine, reduction=Reducing(machine), deadlock=claim == "deadlock").run()
    except ModelError:
        return  # a step that changes nothing violates the claim
    found.explored += 1
    found.smaller += len(reduced.states) < len(full.seen.states)
    if claim is not None and (reduced.failure is not None) != full.violated[claim]:
        found.differ.append(f"{claim}: violated is {full.violated[claim]}")
    if reduced.failure is None:
        if list(map(bool, reduced.fired)) != list(map(bool, full.seen.fired)):
            found.differ.append(f"{claim}: another action is possible")
        if set(reduced.bounds) != set(full.seen.bounds):
            found.differ.append(f"{claim}: another bound is left")


def generated(seed: int) -> GeneratedModel:
    """The model of a seed: seven in eight are of processes."""
    return concurrent_model(seed) if seed % 8 else random_model(seed)


def of_seed(seed: int, folder: Path) -> Full | None:
    """The model of a seed, explored in full."""
    try:
        return explored(load(generated(seed), folder))
    except RatifiedError:
        return None


def finds(full: Full | None) -> bool:
    """Whether a model tells a reduction that is wrong."""
    return full is not None and bool(compared(full).differ)


def told(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Compare many models, and look for what finds each fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=int, default=0, help="so many models are tried for each fault")
    asked = parser.parse_args()
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        several: list[tuple[int, Full]] = []
        for seed in range(asked.seed, asked.seed + asked.models):
            full = of_seed(seed, folder)
            totals["models" if full is not None else "left out"] += 1
            if full is None:
                continue
            found = compared(full)
            totals.update(explored=found.explored, smaller=found.smaller, differ=len(found.differ))
            for what in found.differ:
                told(f"seed {seed}: {what}")
            if len(several) < asked.faults:
                several.append((seed, full))
        told(", ".join(f"{n:,} {what}" for what, n in sorted(totals.items())))
        several.sort(key=lambda one: len(one[1].seen.states))  # small ones take no time
        for fault in FAULTS if asked.faults else ():
            with planted(fault):
                first = next((seed for seed, full in several if finds(full)), None)
            told(f"{fault.says}: {first}")
    return 1 if totals["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
