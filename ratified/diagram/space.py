"""What a model can do at a size, as numbered states and steps in flat arrays: what every picture of it is made from.

Guarantees: states are numbered level by level, the same on every run; all reachable states are there unless `stopped` says what
ran out, beyond violations too; values are computed only for the states, and from the variables, that are asked for.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ratified.explore.engines import SOON
from ratified.explore.native import look
from ratified.explore.native.codegen.numbering import Program
from ratified.explore.native.codegen.shapes import Unsupported
from ratified.explore.native.compile import CompilerFailed, CompilerMissing
from ratified.explore.native.driver import NativeExploration, RunOptions, Stop
from ratified.explore.native.library import NativeLibrary
from ratified.explore.native.look import Looked
from ratified.explore.native.preparing import made
from ratified.explore.reference import nothing_begins
from ratified.explore.search import Search
from ratified.explore.symmetry import Symmetry, symmetry_of
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.ir import Function, Kind
from ratified.language.machine import PythonMachine, Values
from ratified.language.model import Model
from ratified.language.query import Answers, Query, read_by
from ratified.language.uses import Uses
from ratified.results.background import Background
from ratified.results.counterexample import FailureExplainer
from ratified.results.limits import LimitWatch, Reached, resident
from ratified.results.result import Limits, Progress
from ratified.results.seen import Exploration as Seen

FEW = 500
"""So many different states the reference machine is asked about; a compiler takes as long as for some thousands."""

SAMPLE = 20_000
"""So many states are looked at before all are, where these may be enough."""

EXPLORING = 0.25
"""The native engine explores for this share of the time: after it, steps are written down and states put together."""

Progressing = Callable[[Progress], None] | None


@dataclass(frozen=True, slots=True)
class Adjacency:
    """The steps of all states: those of state i are at [offsets[i], offsets[i + 1]) of `targets` and `actions`.

    `actions` are numbers of the model's actions, in their order.
    """

    offsets: Sequence[int]
    targets: Sequence[int]
    actions: Sequence[int]


class StateStore(Protocol):
    """States by number, however they are kept."""

    def values(self, number: int) -> Values:
        """The state of a number."""

    def keys(self, variables: Iterable[str]) -> tuple[Sequence[Hashable], Callable[[Hashable], Values]]:
        """For each state what tells it apart by these variables alone, and the way from that to a state.

        Of the state that it leads to only these variables mean anything.
        """

    def first(self, count: int) -> StateStore:
        """The first states, or all if there are no more."""


@dataclass(frozen=True, slots=True)
class Space:
    """The states and steps of a model. `levels` are the numbers of each level's first state, and after them of all states.

    `symmetry` is how states were folded, if they were; `stopped` what ran out; `left_out` how often a constraint kept a step from
    being followed, and `bounds` how often a bound did.
    """

    model: Model
    machine: PythonMachine
    states: StateStore
    steps: Adjacency
    levels: tuple[int, ...]
    engine: str
    symmetry: Symmetry | None = None
    stopped: str | None = None
    left_out: int = 0
    bounds: int = 0
    notes: tuple[str, ...] = ()
    _memory: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def size(self) -> int:
        """The number of states."""
        return self.levels[-1]

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of the model's actions."""
        return tuple(a.name for a in self.machine.actions)

    def level_of(self) -> list[int]:
        """The level of each state, the initial ones being 0."""
        found: list[int] = []
        for level, (first, end) in enumerate(zip(self.levels, self.levels[1:], strict=False)):
            found += [level] * (end - first)
        return found

    def exceeds(self, query: Query, most: int) -> bool:
        """Whether a query has more than so many answers in the first states alone, which takes no time to speak of.

        Raises ModelError where the query has no answer in some state that was asked about.
        """
        keys, state_of = self.states.first(SAMPLE).keys(read_by(query))
        asking = Answers(self.model, query)
        met = set[tuple[Any, ...]]()
        for key in itertools.islice(dict.fromkeys(keys), FEW):
            met.add(asking(state_of(key)))
            if len(met) > most:
                return True
        return False

    def asked(self, query: Query) -> tuple[list[int], list[tuple[Any, ...]]]:
        """The answers of a query: for each state the number of its answer, and the answers in order of first appearance.

        Raises ModelError where the query has no answer in some state.
        """
        keys, by_key = self._answers(query)
        numbers: dict[tuple[Any, ...], int] = {}
        of = {key: numbers.setdefault(answer, len(numbers)) for key, answer in by_key.items()}
        return [of[key] for key in keys], list(numbers)

    def answers(self, query: Query) -> list[tuple[Any, ...]]:
        """The answers of a query, in order of first appearance. Raises as `asked`."""
        return list(dict.fromkeys(self._answers(query)[1].values()))

    def _answers(self, query: Query) -> tuple[Sequence[Hashable], dict[Hashable, tuple[Any, ...]]]:
        """For each state what tells its answer apart, and the answer by that."""
        keys, state_of = self.states.keys(read_by(query))
        different = dict.fromkeys(keys)
        if (
            len(different) > FEW
            and isinstance(self.states, PackedStates)
            and (looked := self.states.ask(self.model, query))
        ):
            keys = looked.keys()
            return keys, {key: looked.answer(key) for key in dict.fromkeys(keys)}
        asking = Answers(self.model, query)
        return keys, {key: asking(state_of(key)) for key in different}

    def violated(self) -> dict[str, set[int]]:
        """By invariant, the states in which it is false. An invariant without an answer somewhere counts as false there."""
        if "violated" not in self._memory:
            invariants = self.machine.module.of_kind(Kind.INVARIANT)
            found = (
                self.states.refuted(self.model, invariants) if isinstance(self.states, PackedStates) else None
            )
            if found is None:
                found = {f.name: self._refuting(f.name) for f in invariants}
            self._memory["violated"] = {name: numbers for name, numbers in found.items() if numbers}
        known: dict[str, set[int]] = self._memory["violated"]
        return known

    def _refuting(self, name: str) -> set[int]:
        machine = self.machine
        keys, state_of = self.states.keys(Uses(machine.module).reads(machine.module.functions[name]))
        bad: dict[Hashable, bool] = {}
        for key in dict.fromkeys(keys):
            try:
                bad[key] = machine.refuted_by(name, state_of(key)) is not None
            except ModelError:
                bad[key] = True
        if not any(bad.values()):
            return set()
        return {number for number, key in enumerate(keys) if bad[key]}

    def deadlocked(self) -> set[int]:
        """The states from which no step is possible; one that leads out of a bound or of what is explored is possible."""
        if "deadlocked" not in self._memory:
            offsets = self.steps.offsets
            expanded = self.levels[-2] if self.stopped and len(self.levels) > 1 else self.size
            still = {n for n in range(expanded) if offsets[n] == offsets[n + 1]}
            if self.left_out or self.bounds:
                still = {n for n in still if not self.machine.steps(self.states.values(n))}
            self._memory["deadlocked"] = still
        found: set[int] = self._memory["deadlocked"]
        return found


# --- exploring ------------------------------------------------------------------------------------------------------------


def explore(
    model: Model,
    *,
    fold: bool = False,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    engine: str = "auto",
    progress: Progressing = None,
) -> Space:
    """Every state and step of a model, with one state for each orbit under renaming if `fold`.

    `engine` is auto, reference or native, as for `check`: auto begins with the reference engine.

    Raises:
        EvaluationError: the model has no answer in a state that it reaches; with the run to it.
        ModelError: it has no initial state, or can tell symmetric values apart where they are to be folded.
        RatifiedError: there is no such engine, or the native one cannot be used.
    """
    quiet = model.claiming(
        ()
    )  # nothing that is claimed ends the search: pictures show what lies beyond a violation
    symmetry = symmetry_of(model) if fold else None
    notes: tuple[str, ...] = ()
    if symmetry is not None and symmetry.trivial:
        symmetry, notes = None, ("there are no interchangeable values to fold",)
    if engine == "native":
        found = _native(model, quiet, symmetry, LimitWatch(limits), progress)
    elif engine == "reference":
        found = _reference(model, quiet, symmetry, limits, progress)
    elif engine == "auto":
        found = _auto(model, quiet, symmetry, limits, progress)
    else:
        raise RatifiedError(f"there is no engine {engine!r}", remedy="choose one of auto, reference, native")
    return replace(found, notes=(*notes, *found.notes))


def _auto(
    model: Model, quiet: Model, symmetry: Symmetry | None, limits: Limits, progress: Progressing
) -> Space:
    if limits.states is not None and limits.states <= SOON:
        return _reference(model, quiet, symmetry, limits, progress)
    watch = LimitWatch(limits)
    first = _reference(model, quiet, symmetry, replace(limits, states=SOON), None)
    if first.size < SOON:
        return first
    try:
        return _native(model, quiet, symmetry, watch, progress, first)
    except (Unsupported, CompilerMissing, CompilerFailed) as reason:
        found = _reference(model, quiet, symmetry, limits, progress)
        return replace(found, notes=(f"the native engine was not used: {reason.message}",))


# --- with the reference engine ---


@dataclass(frozen=True, slots=True)
class _Listed:
    """States as the reference search keeps them."""

    names: tuple[str, ...]
    listed: list[Values]

    def values(self, number: int) -> Values:
        return self.listed[number]

    def keys(self, variables: Iterable[str]) -> tuple[Sequence[Hashable], Callable[[Hashable], Values]]:
        places = [k for k, name in enumerate(self.names) if name in set(variables)]
        keys = [tuple([state[k] for k in places]) for state in self.listed]
        whole = dict(zip(reversed(keys), reversed(self.listed), strict=True))
        return keys, lambda key: whole[key]

    def first(self, count: int) -> _Listed:
        return _Listed(self.names, self.listed[:count])


def _reference(
    model: Model, quiet: Model, symmetry: Symmetry | None, limits: Limits, progress: Progressing
) -> Space:
    search = Search(
        PythonMachine(quiet), limits=limits, symmetry=symmetry, progress=progress, keep_edges=True
    )
    machine = PythonMachine(model)
    found = search.run()
    if found.failure is not None:
        raise FailureExplainer(machine, found, symmetry.canonical if symmetry else None).error(
            found.failure
        ) from None
    if not found.states:
        raise nothing_begins(PythonMachine(quiet), found)
    return Space(
        model,
        machine,
        _Listed(tuple(d.name for d in machine.module.variables), found.states),
        _listed_steps(found),
        (*found.levels, len(found.states)),
        "reference",
        symmetry,
        found.stopped,
        sum(found.left_out),
        sum(found.bounds.values()),
    )


def _listed_steps(found: Seen) -> Adjacency:
    offsets = [0] * (len(found.states) + 1)
    edges = found.edges or []
    for edge in edges:
        offsets[edge.source + 1] += 1
    for number in range(len(found.states)):
        offsets[number + 1] += offsets[number]
    return Adjacency(offsets, [e.target for e in edges], [e.action for e in edges])


# --- with the native engine ---


@dataclass(frozen=True, slots=True)
class PackedStates:
    """States as the native engine packs them, one after another in `words`."""

    program: Program
    words: Any  # a memoryview of 64-bit words

    def values(self, number: int) -> Values:
        """See StateStore."""
        width = self.program.layout.words
        return self.program.layout.unpack(self.words[number * width : (number + 1) * width])

    def keys(self, variables: Iterable[str]) -> tuple[Sequence[Hashable], Callable[[Hashable], Values]]:
        """See StateStore."""
        layout = self.program.layout
        masks = [0] * layout.words
        for name in variables:
            for place in layout.places[name]:
                masks[place.word] |= (1 << place.width) - 1 << place.shift
        used = [k for k, mask in enumerate(masks) if mask]
        columns = [self._column(k, masks[k]) for k in used]
        keys: Sequence[Hashable]
        if len(columns) == 1:
            keys = columns[0]
        else:
            keys = list(zip(*columns, strict=True)) if columns else [()] * (len(self.words) // layout.words)

        # What was not looked at is as in the first state: 0 need not be a state at all.
        first = [int(w) & ~mask for w, mask in zip(self.words[: layout.words], masks, strict=True)]

        def state_of(key: Any) -> Values:
            words = list(first)
            for k, word in zip(used, (key,) if len(used) == 1 else key, strict=True):
                words[k] |= word
            return layout.unpack(words)

        return keys, state_of

    def first(self, count: int) -> PackedStates:
        """See StateStore."""
        return PackedStates(self.program, self.words[: count * self.program.layout.words])

    def _column(self, word: int, mask: int) -> list[int]:
        column = self.words[word :: self.program.layout.words].tolist()
        return column if mask == (1 << 64) - 1 else [w & mask for w in column]

    def ask(self, model: Model, query: Query) -> Looked | None:
        """The answers of a query in all states; None where the reference machine has to be asked."""
        try:
            return look.ask(model, query, self.words)
        except (look.NoAnswer, Unsupported, CompilerMissing, CompilerFailed):
            return None

    def refuted(self, model: Model, invariants: Sequence[Function]) -> dict[str, set[int]] | None:
        """By invariant, the states in which it is false; None where the reference machine has to be asked."""
        if not invariants:
            return {}
        try:
            found = look.refuted(model, invariants[:64], self.words)
        except (Unsupported, CompilerMissing, CompilerFailed):
            return None
        if len(invariants) > 64:
            return None
        if not any(found):
            return {}
        return {
            f.name: {i for i, bits in enumerate(found) if bits >> k & 1} for k, f in enumerate(invariants)
        }


_WHAT_STOPPED: Mapping[Stop, str] = {
    Stop.DEPTH: "the depth limit",
    Stop.STATES: "the limit on states",
    Stop.SECONDS: "the time limit",
    Stop.MEMORY: "the memory limit",
    Stop.INTERRUPTED: "interrupted",
    Stop.CAPACITY: "more states than the explorer can number",
    Stop.DISK: "the disk failed",
}


def _made(
    quiet: Model, symmetry: Symmetry | None, watch: LimitWatch, progress: Progressing
) -> tuple[Program, NativeLibrary]:
    """The compiled program. Raises Reached if a limit is reached before it is there."""

    def make() -> tuple[Program, NativeLibrary]:
        program, library, _ = made(quiet, symmetry)
        return program, library

    def look() -> None:
        watch.tick()
        if progress:
            progress(Progress(0, 0, 0, 0, watch.seconds, "compiling C"))

    making = Background(make)
    making.attend(look)
    return making.result()


def _native(
    model: Model,
    quiet: Model,
    symmetry: Symmetry | None,
    watch: LimitWatch,
    progress: Progressing,
    first: Space | None = None,
) -> Space:
    """`first` is what the reference engine has seen before, if it was asked: a picture of that is better than none."""
    limits = watch.limits
    try:
        program, library = _made(quiet, symmetry, watch, progress)
    except Reached as stop:
        soon = replace(limits, seconds=None, states=SOON)
        return replace(first or _reference(model, quiet, symmetry, soon, None), stopped=str(stop))
    left = watch.left
    limits = replace(
        limits,
        seconds=None if left is None else left * EXPLORING,
        memory=limits.memory or watch.memory - resident(),
    )
    with NativeExploration(library, RunOptions(limits=limits)) as exploration:
        outcome = exploration.run(progress)
        if outcome.finding is not None or not outcome.distinct:
            # An evaluation error, or no beginning: the reference engine says it better.
            return _reference(model, quiet, symmetry, limits, progress)
        graph = exploration.graph()
        pointer = library.library.rx_state(exploration._handle, 0)
        count = outcome.distinct * library.words
        copied = (ctypes.c_uint64 * count)()
        ctypes.memmove(copied, pointer, 8 * count)
    action_of = [k for k, i in enumerate(program.instances) for _ in range(i.count)]
    return Space(
        model,
        PythonMachine(model),
        PackedStates(program, memoryview(copied).cast("B").cast("Q")),
        Adjacency(graph.offsets, graph.targets, [action_of[i] for i in graph.instances]),
        tuple(graph.levels),
        "native",
        symmetry,
        _WHAT_STOPPED[outcome.stopped] if outcome.stopped else None,
        sum(outcome.constrained),
        sum(outcome.left),
    )
