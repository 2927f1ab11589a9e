"""Liveness on what was explored natively: the graph, what claims say of states, and where fair runs can stay, are found in C.

Guarantees: as `ratified/explore/liveness.py`. What the graph does not know is refused before anything is said: with which of the
values that a guard gives a parameter a step was taken. States are put in order only where something fails, so that the same run
is told always.
"""

from __future__ import annotations

import copy
import ctypes
import itertools
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, cast, overload

from ratified.explore.lasso import FAR, ComponentParts, FairLoop, FairnessDemand, Goal, Loops, Ways
from ratified.explore.liveness import UNTOLD, ClaimInstance, Labels, LivenessCheck, liveness_claims, no_answer
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.numbering import GoalNumbers, Program
from ratified.explore.native.codegen.shapes import FULL, Full, Unsupported
from ratified.explore.native.driver import ExplorationCounts, NativeExploration, Stop, in_background
from ratified.explore.native.library import NativeError, NativeLibrary
from ratified.explore.symmetry import interchangeable, renamed_alike
from ratified.language.ir import Function, Kind
from ratified.language.machine import Machine, StepError, Values
from ratified.language.model import Model
from ratified.language.sorts import Sort
from ratified.results.seen import Exploration as Seen

_ALL = 0xFFFFFFFF
_NO_FAULT = 2**64 - 1
_DEGREE_BITS = 24
_NO_MEMORY = "the state graph does not fit into memory"
_REMEDY = "give a larger memory budget, or a smaller size"


def refuse_what_is_not_told(model: Model, program: Program) -> None:
    """Raise Unsupported where fairness is for each value of a parameter that the explorer does not number."""
    if not liveness_claims(model.module):
        return
    for instances in program.instances:
        action = instances.action
        given = [a.name for a in action.arguments if a.domain is not None]
        untold = [name for name in (action.fair.each if action.fair else ()) if name in given]
        if untold:
            raise Unsupported(
                f"`{action.name}` is fair for each `{untold[0]}`, whose values come from a guard: "
                "they are too many for the native explorer to distinguish",
                remedy="explore with engine='reference'",
            )


def check_of(
    machine: Machine,
    program: Program,
    exploration: NativeExploration,
    outcome: ExplorationCounts,
    tick: Callable[[], None],
    memory: int | None = None,
) -> LivenessCheck:
    """The check of a model's liveness claims; the graph may have so many bytes of `memory`.

    Its `violation` raises NativeError where the graph does not fit into memory, and whatever `tick` raises.
    """
    states = cast("list[Values]", Unpacked(program.layout, exploration, outcome.distinct))
    evidence = NativeEvidence(machine, program, exploration, outcome, tick, memory)
    before = cast("array[int]", _Before(evidence, outcome.distinct))
    evidence.found = Seen((), states=states, predecessor=before)
    return LivenessCheck(machine, evidence.found, tick, evidence)


def _labels(program: Program) -> Iterator[tuple[int, Values]]:
    for index, instances in enumerate(program.instances):
        for values in itertools.product(*instances.values):
            static = iter(values)
            yield (
                index,
                tuple(next(static) if a.domain is None else UNTOLD for a in instances.action.arguments),
            )


_MODES = {Kind.EVENTUALLY: 0, Kind.LEADS_TO: 1, Kind.EVENTUALLY_ALWAYS: 2}
"""`rx_mode`: how a goal is to be reached."""


@dataclass(frozen=True, slots=True)
class NumberedGoal(Goal):
    """A goal that the explorer has a number for, and a mode."""

    number: int = 0
    mode: int = 0


@dataclass(frozen=True, slots=True)
class _Arrays:
    """What the explorer found, where it found it: numbers of states are -1 where there is none."""

    place: memoryview[int]
    targets: memoryview[int]
    instances: memoryview[int]
    enabled: memoryview[int]
    said: memoryview[int]
    loop_of: memoryview[int]
    loops: memoryview[int]


@dataclass(frozen=True, slots=True)
class NativeGraph:
    """See `graph.Steps`."""

    size: int
    targets: Sequence[int]
    instances: Sequence[int]
    initial: Sequence[int]
    expanded: int
    place: memoryview[int]

    def edges(self, state: int) -> range:
        """The numbers of a state's steps."""
        begin, degree = divmod(self.place[state], 1 << _DEGREE_BITS)
        return range(begin, begin + degree)


class NativeParts:
    """The parts of a search for lassos (lasso.py) that are found in C."""

    def __init__(
        self, evidence: NativeEvidence, graph: NativeGraph, arrays: _Arrays, fails: set[int]
    ) -> None:
        self.graph = graph
        self._evidence = evidence
        self._arrays = arrays
        self._fails = fails
        self._left: tuple[Goal, int] | None = None

    def leaving(self, goal: Goal, number: int) -> NativeParts:
        """See `ListedParts`."""
        made = copy.copy(self)
        made._left = goal, number
        return made

    def enabled(self, state: int) -> int:
        """The bits of the demands that have a possible instance in a state."""
        bits = self._evidence.bits(self._arrays.enabled, state)
        return bits if self._left is None else bits | self._left[0].reached[state] << self._left[1]

    def served(self, instance: int) -> int:
        """The bits of the demands that an instance serves."""
        return self._evidence.bits(self._evidence.demands, instance)

    def fails(self, goal: Goal) -> bool:
        """Whether there is a fair run on which a goal is wanted and never reached from then on."""
        return _numbered(self._goal(goal)).number in self._fails

    def _goal(self, goal: Goal) -> Goal:
        return goal if self._left is None else self._left[0]

    def shortest(self) -> Ways:
        """Ways from initial states to all that can be reached."""
        return self._shortest[0]

    @cached_property
    def _shortest(self) -> tuple[Ways, _Ways]:
        return self._evidence.ways(_ALL, None)

    def pending(self, goal: Goal) -> Ways:
        """Ways to where the goal is wanted and was not reached since."""
        if self._left is not None:
            return self.shortest()
        return self._evidence.ways(
            _numbered(goal).number, None if goal.wanted is None else self._shortest[1]
        )[0]

    def loops(self, goal: Goal) -> Loops:
        """The components in which a fair run can stay while the goal is pending."""
        loops = self._evidence.loops(_numbered(self._goal(goal)))
        if self._left is None:
            return loops
        reached, number = self._left[0].reached, self._left[1]
        ever = {of for state, of in enumerate(loops.of) if of != FAR and reached[state]}
        found = [
            FairLoop(loop.weak | (k in ever) << number, loop.strong) for k, loop in enumerate(loops.found)
        ]
        return Loops(loops.of, found)


def _numbered(goal: Goal) -> NumberedGoal:
    assert isinstance(goal, NumberedGoal)
    return goal


class _Ways(ctypes.Structure):
    """`rx_ways`."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("order", "depth", "before", "edge")),
        ("count", ctypes.c_uint64),
    )


class NativeEvidence:
    """See `liveness.Evidence`."""

    found: Seen

    def __init__(
        self,
        machine: Machine,
        program: Program,
        exploration: NativeExploration,
        outcome: ExplorationCounts,
        tick: Callable[[], None],
        memory: int | None,
    ) -> None:
        self.labels = Labels(tuple(_labels(program)))
        self._machine = machine
        self._goals = program.goals
        self._may_be_full = any(message == FULL for message, _ in program.written.errors)
        self._exploration = exploration
        self._outcome = outcome
        self._tick = tick
        self._memory = memory
        self._library: NativeLibrary = exploration.program
        self._width = (2 * self._library.goals + 63) // 64  # words of what is said of a state
        self._words = 1  # of demands
        self.demands = memoryview(b"")

    def parts(self, demands: Sequence[FairnessDemand]) -> ComponentParts:
        """The graph, and which goals fail. Raises NativeError, EvaluationError."""
        self._number_demands(demands)
        self._open(ordered=False)
        fails = {number for goals in self._goals for number in self._failing(goals)}
        if fails or self._unanswered():
            self._open(ordered=True)
        for claim, state in self._unanswered():
            self._refuse(claim, state)
        self._arrays = self._view()
        graph = NativeGraph(
            self._outcome.distinct,
            self._arrays.targets,
            self._arrays.instances,
            range(self._initial),
            self._expanded,
            self._arrays.place,
        )
        return NativeParts(self, graph, self._arrays, fails)

    def ask(self, claim: Function) -> list[ClaimInstance]:
        """What a claim says in every state, for each choice of its arguments."""
        goals = next(g for g in self._goals if g.claim.name == claim.name)
        mode = _MODES[claim.kind]
        asked = []
        for number, arguments in enumerate(itertools.product(*goals.values), goals.first):
            bits = [_Said(self._arrays.said, self._width, 2 * number + k) for k in (0, 1)]
            goal = NumberedGoal(bits[0], bits[1] if claim.kind is Kind.LEADS_TO else None, number, mode)
            asked.append(ClaimInstance(arguments, goal, bool(self._call("rx_live_tested", number, mode))))
        return asked

    def bits(self, words: memoryview[int], index: int) -> int:
        """Some words as one number, the lowest first."""
        if self._words == 1:
            return words[index]
        return int.from_bytes(words[index * self._words : (index + 1) * self._words].tobytes(), "little")

    def ways(self, goal: int, shortest: _Ways | None) -> tuple[Ways, _Ways]:
        """Shortest ways, see `rx_live_ways`."""
        size = self._outcome.distinct
        cells = [(ctypes.c_uint32 * (size + 1))() for _ in range(3)]
        edge = (ctypes.c_uint64 * (size + 1))()
        out = _Ways(*map(ctypes.addressof, cells), ctypes.addressof(edge), 0)
        pointer = None if shortest is None else ctypes.byref(shortest)
        self._run(lambda: self._call("rx_live_ways", goal, pointer, ctypes.byref(out)))
        order, depth, before = (_signed(c) for c in cells)
        return Ways(order[: out.count], depth, before, memoryview(edge).cast("B").cast("q")), out

    def loops(self, goal: NumberedGoal) -> Loops:
        """Where a fair run can stay, see `rx_live_loops`."""
        count = self._run(lambda: self._call("rx_live_loops", goal.number, goal.mode))
        if count < 0:
            raise NativeError(_NO_MEMORY, remedy=_REMEDY)
        words, arrays = self._words, self._view(loops=count)
        found = [
            FairLoop(self.bits(arrays.loops, 2 * k), self.bits(arrays.loops, 2 * k + 1)) for k in range(count)
        ]
        assert len(arrays.loops) == 2 * words * count
        return Loops(arrays.loop_of, found)

    def before(self) -> Sequence[int]:
        """By state, the smallest from which there is a step to it; -1 for the initial ones."""
        out = (ctypes.c_uint32 * (self._outcome.distinct + 1))()
        self._run(lambda: self._call("rx_live_before", out))
        return _signed(out)

    # --- the explorer ---

    @cached_property
    def _levels(self) -> list[int]:
        levels = (ctypes.c_uint64 * (self._outcome.depth + 1))()
        self._call("rx_read_levels", levels)
        return list(levels)

    @property
    def _initial(self) -> int:
        return self._levels[1] if len(self._levels) > 1 else 0

    @property
    def _expanded(self) -> int:
        """The last level was not expanded if a limit of depth struck, nor was the one before, whole, if another did."""
        back = {None: 0, Stop.DEPTH: 1}.get(self._outcome.stopped, 2)
        return self._levels[max(0, len(self._levels) - 1 - back)]

    def _number_demands(self, demands: Sequence[FairnessDemand]) -> None:
        self._words = words = max(1, (len(demands) + 63) // 64)
        weak = sum(1 << k for k, demand in enumerate(demands) if not demand.strong)
        strong = sum(1 << k for k, demand in enumerate(demands) if demand.strong)
        served = [0] * self._library.instances
        for k, demand in enumerate(demands):
            for instance in demand.instances:
                served[instance] |= 1 << k
        flat = b"".join(bits.to_bytes(8 * words, "little") for bits in (*served, weak, strong))
        self._demands = ctypes.create_string_buffer(flat, len(flat))
        self.demands = memoryview(self._demands).cast("B").cast("Q")

    def _open(self, *, ordered: bool) -> None:
        needed = self._call("rx_live_bytes", self._words)
        if self._outcome.distinct >= 2**31 or (self._memory is not None and needed > self._memory):
            raise NativeError(f"{_NO_MEMORY}, of which it needs {needed:,} bytes", remedy=_REMEDY)
        failed = self._run(
            lambda: self._call("rx_live_open", self._expanded, self._words, self._demands, ordered)
        )
        if failed:
            raise NativeError(_NO_MEMORY, remedy=_REMEDY)

    def _failing(self, goals: GoalNumbers) -> list[int]:
        """The numbers of a claim's goals that fail. Of those that renamings turn into each other either all do or none."""
        types = [a.type for a in goals.claim.arguments]
        holding: set[tuple[object, ...]] = set()
        fails: list[int] = []
        for number, choice in enumerate(itertools.product(*goals.values), goals.first):
            alike = renamed_alike(types, choice, self._sorts if goals.count > 1 else ())
            if alike in holding:
                continue
            found = self._run(partial(self._call, "rx_live_fails", number, _MODES[goals.claim.kind]))
            if found < 0:
                raise NativeError(_NO_MEMORY, remedy=_REMEDY)
            if found:
                fails.append(number)
            else:
                holding.add(alike)
        return fails

    @cached_property
    def _sorts(self) -> frozenset[type[Sort]]:
        return interchangeable(self._machine.model)

    def _unanswered(self) -> list[tuple[Function, int]]:
        """Claims that have no answer in a state, and the first state of that kind."""
        faults = ((goals.claim, self._call("rx_live_fault", k)) for k, goals in enumerate(self._goals))
        return [(claim, state) for claim, state in faults if state != _NO_FAULT]

    def _refuse(self, claim: Function, state: int) -> None:
        """Raise what the reference machine says; if it has an answer, Full or Unsupported."""
        try:
            self._machine.answers(claim.name, self.found.states[state])
        except StepError as problem:
            raise no_answer(self._machine, self.found, claim, state, problem) from None
        if self._may_be_full:
            raise Full
        raise Unsupported(
            f"`{claim.name}` computes a number of more than 64 bits",
            span=claim.span,
            remedy="explore with engine='reference'",
        )

    def _call(self, name: str, *arguments: Any) -> Any:
        return getattr(self._library.library, name)(self._exploration.handle, *arguments)

    def _run(self, work: Callable[[], Any]) -> Any:
        """What `work` returns: it runs without the GIL, and `tick` meanwhile, which may end it."""
        found: list[Any] = []
        self._tick()
        in_background(
            lambda: found.append(work()),
            lambda: self._call("rx_ask_to_stop"),
            lambda _: self._tick(),
        )
        if not found:
            raise KeyboardInterrupt
        return found[0]

    def _view(self, loops: int = 0) -> _Arrays:
        pointers = (ctypes.c_void_p * 8)()
        self._call("rx_live_view", pointers)
        size, edges = self._outcome.distinct, pointers[7] or 0
        return _Arrays(
            _at(pointers[0], size, "Q"),
            _at(pointers[1], edges, "i"),
            _at(pointers[2], edges, "I"),
            _at(pointers[3], size * self._words, "Q"),
            _at(pointers[4], size * self._width, "Q"),
            _at(pointers[5], size, "i"),
            _at(pointers[6], 2 * self._words * loops, "Q"),
        )


def _signed(cells: ctypes.Array[Any]) -> memoryview[int]:
    """Numbers of states; -1 where there is none."""
    return memoryview(cells).cast("B").cast("i")


def _at(pointer: int | None, count: int, code: Literal["i", "I", "Q"]) -> memoryview[int]:
    """The numbers at an address."""
    if not pointer or not count:
        return memoryview(b"").cast(code)
    there = (ctypes.c_char * (count * array(code).itemsize)).from_address(pointer)
    return memoryview(there).cast("B").cast(code)


class _Said(Sequence[int]):
    """One bit of what is said of each state."""

    def __init__(self, said: memoryview[int], width: int, bit: int) -> None:
        self._said, self._width, self._bit = said, width, bit

    def __len__(self) -> int:
        return len(self._said) // self._width

    @overload
    def __getitem__(self, state: int) -> int: ...
    @overload
    def __getitem__(self, state: slice) -> Sequence[int]: ...
    def __getitem__(self, state: Any) -> Any:
        if isinstance(state, slice):
            return [self[n] for n in range(*state.indices(len(self)))]
        return self._said[state * self._width + self._bit // 64] >> self._bit % 64 & 1


class _Before(Sequence[int]):
    """The predecessors of states, found when they are first asked for."""

    def __init__(self, evidence: NativeEvidence, size: int) -> None:
        self._evidence, self._size = evidence, size

    @cached_property
    def _found(self) -> Sequence[int]:
        return self._evidence.before()

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> int: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[int]: ...
    def __getitem__(self, number: Any) -> Any:
        return self._found[number]


class Unpacked(Sequence[Values]):
    """The states of an exploration by number, each made when it is asked for."""

    def __init__(self, layout: Layout, exploration: NativeExploration, size: int) -> None:
        self._layout = layout
        self._exploration = exploration
        self._size = size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, number: int) -> Values: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Values]: ...
    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(self._size))]
        if not 0 <= number < self._size:
            raise IndexError(number)
        return self._layout.unpack(self._exploration.state(number))
