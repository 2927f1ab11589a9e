"""What an exploration found: frozen values that every engine fills in and every report reads.

Guarantees: a `Result` is `HOLDS` only if the whole reachable state space (within the model's own constraints) was visited and
no declared bound was left; whatever ran out makes it `UNDECIDED`. An answer is neither true nor false, so that
`assert check(model)` fails whatever came out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NoReturn, TypeVar

from ratified.language.claims import Unchecked
from ratified.language.errors import RatifiedError, Span
from ratified.results import pictures

if TYPE_CHECKING:
    from ratified.language.model import Model


Self = TypeVar("Self", bound="Decided")

BEYOND_BOUNDS = "some steps would exceed a declared bound and were not taken; nothing is known beyond it"
"""Why nothing is decided where a bound was left."""


class Verdict(Enum):
    """The three verdicts, with the exit status of each."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNDECIDED = "undecided"

    @property
    def exit_status(self) -> int:
        """0 holds, 1 violated, 3 undecided (2 is for usage errors)."""
        return {"holds": 0, "violated": 1, "undecided": 3}[self.value]


_OTHER_NAMES = {"states": "distinct"}


class Unexpected(AssertionError):
    """A result other than the expected one; the text includes the counterexample."""


class Decided:
    """An answer with a verdict."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        """Raise TypeError: an answer that was violated would be as true as one that holds."""
        raise TypeError(
            f"a {type(self).__name__} is neither true nor false: write .holds, or .expect(Verdict.HOLDS, ...), "
            "which shows the counterexample"
        )

    @property
    def holds(self) -> bool:
        """Whether everything that was asked holds: not violated, and not undecided either."""
        return self._verdict() is Verdict.HOLDS

    def expect(self: Self, verdict: Verdict = Verdict.HOLDS, /, **facts: object) -> Self:
        """Return this answer if it is as expected. `facts` are its fields by name, as in `states=185_369, depth=25`.

        `claim` is the name of the property that is violated. Raises Unexpected, with the counterexample; TypeError for a fact
        that this answer does not have.
        """
        problems = [] if self._verdict() is verdict else [f"{self._verdict().value}, not {verdict.value}"]
        for name, wanted in facts.items():
            found = self._fact(name)
            if found != wanted:
                problems.append(f"{name} is {_shown(found)}, not {_shown(wanted)}")
        if problems:
            raise Unexpected(f"{'; '.join(problems)}\n\n{pictures.text(self)}")
        return self

    def _verdict(self) -> Verdict:
        verdict: Verdict = self.verdict  # type: ignore[attr-defined]  # a field of some, a property of others
        return verdict

    def _fact(self, name: str) -> object:
        if name == "claim":
            violation = getattr(self, "violation", None)
            return None if violation is None else violation.name
        known = _OTHER_NAMES.get(name, name)
        if known.startswith("_") or not hasattr(self, known):
            raise TypeError(f"a {type(self).__name__} has no {name!r} to expect")
        return getattr(self, known)


def _shown(value: object) -> str:
    return f"{value:,}" if type(value) is int else repr(value)


State = Mapping[str, object]
"""A state as people see it: every variable's name with its value, in the order of declaration."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trace: the action, its arguments by name, and the state after it.

    `told` is the first sentence of the action's docstring, with these arguments.
    """

    action: str
    arguments: tuple[tuple[str, object], ...]
    state: State
    told: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Trace:
    """A run from an initial state. `loop` is the index of the state to which a lasso returns, or None."""

    initial: State
    steps: tuple[Step, ...]
    loop: int | None = None

    @property
    def states(self) -> tuple[State, ...]:
        """All states, the initial one first."""
        return (self.initial, *(step.state for step in self.steps))

    def __len__(self) -> int:
        """The number of states (one more than the number of steps)."""
        return 1 + len(self.steps)


class PropertyKind(Enum):
    """The kind of a claim."""

    INVARIANT = "invariant"
    STEP_INVARIANT = "step invariant"
    DEADLOCK = "deadlock"
    REFINEMENT = "refinement"
    LIVENESS = "liveness"


@dataclass(frozen=True, slots=True)
class Violation:
    """A claim that failed, and a shortest run that shows it. `detail` says in a sentence what failed."""

    kind: PropertyKind
    name: str
    trace: Trace
    detail: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ActionReport:
    """How often an action was enabled (`fired`), and how many states it reached first (`new`).

    `switched_off` if it can never fire, because its guard is false because of the model's parameters and sizes alone.
    """

    name: str
    fired: int
    new: int
    switched_off: bool = False


@dataclass(frozen=True, slots=True)
class PropertyReport:
    """A claim that was checked. `vacuous` if it holds only because it was never tested in any state visited.

    `verdict` is its own, whatever other claims are violated or undecided.
    """

    kind: PropertyKind
    name: str
    vacuous: bool
    span: Span | None = None
    verdict: Verdict = Verdict.UNDECIDED


@dataclass(frozen=True, slots=True)
class BoundReport:
    """A declared bound that steps would have exceeded: which, where, in which action, how often."""

    what: str
    action: str
    times: int
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ConstraintReport:
    """How many generated states (duplicates included) a constraint excluded."""

    name: str
    times: int


@dataclass(frozen=True, slots=True)
class Ranks:
    """Several processes that explored together: how many, on how many machines, with how many threads in all.

    `imbalance` is the largest number of states of a rank divided by the mean, `sent` the bytes sent between ranks.
    """

    ranks: int
    machines: int
    threads: int
    imbalance: float
    sent: int


@dataclass(frozen=True, slots=True)
class Result(Decided):
    """The result of an exploration.

    `distinct` states satisfy every constraint; `generated` counts initial states and every successor, duplicates included;
    `depth` counts breadth-first levels, the initial states being level 1. `stopped` says what ran out, or is None.
    `reduction` says that of steps that come to the same in any order one order was explored; a `violation` is a run of the model
    then as well, though perhaps no shortest one. `unchecked` are claims of a kind that the engine does not check. `subject` is
    the model at the size explored, for pictures of it. `seconds` is wall time; `memory` the process's peak in bytes (of several
    `ranks`, the largest).
    """

    model: str
    sizes: Mapping[str, int]
    parameters: Mapping[str, object]
    engine: str
    verdict: Verdict
    distinct: int
    generated: int
    depth: int
    actions: tuple[ActionReport, ...]
    properties: tuple[PropertyReport, ...]
    bounds: tuple[BoundReport, ...] = ()
    constraints: tuple[ConstraintReport, ...] = ()
    symmetry: tuple[str, ...] = ()
    reduction: bool = False
    stopped: str | None = None
    violation: Violation | None = None
    seconds: float = 0.0
    memory: int = 0
    out_degree: tuple[int, float, int] = (0, 0.0, 0)
    notes: tuple[str, ...] = field(default=())
    unchecked: tuple[Unchecked, ...] = ()
    ranks: Ranks | None = None
    subject: Model | None = field(default=None, repr=False, compare=False)

    def _repr_html_(self) -> str:
        """What a notebook shows: the counterexample, or the states, as a picture."""
        return pictures.html(self)

    @property
    def never_fired(self) -> tuple[str, ...]:
        """Actions enabled in no state visited, except those that are switched off."""
        return tuple(a.name for a in self.actions if a.fired == 0 and not a.switched_off)

    @property
    def switched_off(self) -> tuple[str, ...]:
        """Actions whose guards are false because of parameters and sizes alone."""
        return tuple(a.name for a in self.actions if a.switched_off)

    @property
    def vacuous(self) -> tuple[str, ...]:
        """Claims that hold only because they were never tested."""
        return tuple(p.name for p in self.properties if p.vacuous)


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a running exploration, passed to a `progress` callback a few times a second.

    `doing` says what is done instead of exploring states, such as compiling the model. Of several ranks, `imbalance` is the
    largest share of states divided by the mean, and `sent` the bytes sent to other ranks for each state.
    """

    distinct: int
    generated: int
    depth: int
    queue: int
    seconds: float
    doing: str | None = None
    imbalance: float | None = None
    sent: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """When an engine stops, undecided. None means no limit, except for memory (a share of what the machine has), and for proofs.

    `depth` is in breadth-first levels, of which the initial states are the first, `states` in distinct states, `seconds` is
    wall time of the whole call, `memory` is in bytes. An engine refuses a limit that it cannot apply.

    Raises:
        RatifiedError: an invalid limit.
    """

    depth: int | None = None
    states: int | None = None
    seconds: float | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no limit."""
        for name, least in (("depth", 1), ("states", 1), ("seconds", 0), ("memory", 1)):
            value = getattr(self, name)
            if value is not None and not value >= least:  # NaN is refused too
                first = " (the initial states are level 1)" if name == "depth" else ""
                raise RatifiedError(f"the limit {name} must be at least {least}{first}, and is {value}")

    def only(self, engine: str, *names: str) -> None:
        """Refuse limits that an engine has no use for; `names` are those that it heeds. Raises RatifiedError."""
        for name in ("depth", "states", "seconds", "memory"):
            if getattr(self, name) is not None and name not in names:
                heeded = ", ".join(names)
                raise RatifiedError(f"{engine} has no limit {name}", remedy=f"its limits are {heeded}")
