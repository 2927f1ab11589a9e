"""Loading a generated model the way a user's file is loaded, and a plain breadth-first run of it on the reference machine."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ratified.language.ir import Kind
from ratified.language.machine import Machine, OutOfBounds, PythonMachine, StepError, Values
from ratified.language.model import Model
from tests.generate.models import GeneratedModel, random_model

STATES_MOST = 2_000


def load(generated: GeneratedModel, folder: Path) -> Model:
    """Write the file, import it and instantiate its model. Raises whatever the model's file raises.

    Sizes of sorts that the model does not use after all are left out, for those are refused.
    """
    name = f"generated_{hashlib.sha256(generated.text.encode()).hexdigest()[:16]}"
    path = folder / f"{name}.py"
    path.write_text(generated.text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        model: type[Model] = getattr(module, generated.name)
        used = {sort.sort.__name__ for sort in model.module.sorts}
        return model(
            **{sort: size for sort, size in generated.sizes.items() if sort in used}, **generated.parameters
        )
    finally:
        del sys.modules[name]


@cache
def _sources() -> tempfile.TemporaryDirectory[str]:
    """Where the files of `of_seed` are, until the process ends."""
    return tempfile.TemporaryDirectory()


@cache
def of_seed(seed: int) -> Model:
    """The model of a seed, loaded once in a process: for tests that read it and change nothing. Raises as `load` does."""
    return load(random_model(seed), Path(_sources().name))


@dataclass(slots=True)
class Run:
    """What a run found. `complete` if every reachable state was visited and none went wrong."""

    states: int = 0
    depth: int = 0
    transitions: int = 0
    left: int = 0
    error: StepError | None = None
    violated: set[str] = field(default_factory=set)
    fired: Counter[str] = field(default_factory=Counter)
    complete: bool = False


def run(model: Model, most: int = STATES_MOST) -> Run:
    """Visit up to `most` reachable states of a model. A state that a constraint leaves out is neither counted nor expanded."""
    machine = PythonMachine(model)
    found = Run()
    try:
        found.complete = _visit(machine, found, most)
    except StepError as error:
        found.error = error
    return found


def _visit(machine: Machine, found: Run, most: int) -> bool:
    seen: dict[Values, None] = {}
    level = [after for _, after in machine.initial() if not isinstance(after, OutOfBounds)]
    while level:
        fresh = [state for state in dict.fromkeys(level) if state not in seen and _allowed(machine, state)]
        found.depth += bool(fresh)
        level = []
        for state in fresh:
            seen[state] = None
            found.states = len(seen)
            if len(seen) > most:
                return False
            for invariant in machine.module.of_kind(Kind.INVARIANT):
                if machine.refuted_by(invariant.name, state) is not None:
                    found.violated.add(invariant.name)
            for index, _, after in machine.steps(state):
                found.transitions += 1
                found.fired[machine.actions[index].name] += 1
                if isinstance(after, OutOfBounds):
                    found.left += 1
                    continue
                level.append(after)
                for claim in machine.module.of_kind(Kind.STEP_INVARIANT):
                    if not machine.step_holds(claim.name, state, after):
                        found.violated.add(claim.name)
    return True


def _allowed(machine: Machine, state: Values) -> bool:
    return all(machine.refuted_by(one.name, state) is None for one in machine.module.of_kind(Kind.CONSTRAINT))
