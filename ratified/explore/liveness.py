"""What a model claims will happen (`@eventually`, `@eventually_always`, `@leads_to`), on what a search has kept.

Guarantees: a violation is a run of the model that is fair also where a constraint or a bound cut steps off, since these count as
possible; it is a shortest one, or near that where looking for a shortest is too much (lasso.py); of several claims and several
choices of their parameters the shortest run is told, then the first. No violation means something only if the search is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ratified.explore.graph import Graph
from ratified.explore.lasso import ComponentParts, FairnessDemand, Goal, Lasso, LassoSearch, ListedParts
from ratified.language.claims import LIVENESS
from ratified.language.errors import RatifiedError
from ratified.language.ir import Function, Kind, Module
from ratified.language.machine import Machine, StepError, Values
from ratified.language.values import show
from ratified.results.counterexample import FailureExplainer
from ratified.results.result import PropertyKind, PropertyReport, Verdict, Violation
from ratified.results.seen import NOWHERE, Exploration, Failure, Property

_BETWEEN_TICKS = 256

UNTOLD = object()
"""In place of an argument that an engine's instances do not tell apart."""

_MOST_TOLD = 6
"""So many demands of fairness are told one by one; how many more there are is a number."""


def liveness_claims(module: Module) -> tuple[Function, ...]:
    """A model's liveness claims, in order of definition."""
    return tuple(f for f in module.functions.values() if f.kind in LIVENESS and f.key == f.name)


@dataclass(frozen=True, slots=True)
class Labels:
    """What the numbers of a graph's instances stand for: the index of an action, and its arguments (or UNTOLD)."""

    instances: tuple[tuple[int, Values], ...]


@dataclass(frozen=True, slots=True)
class Fair:
    """A demand of fairness in the model's words: an action, and values for those of its parameters that are told apart."""

    action: Function
    values: tuple[tuple[str, object], ...]

    def __str__(self) -> str:
        values = ", ".join(f"{name}={show(value)}" for name, value in self.values)
        name = (self.action.fair and self.action.fair.group) or self.action.name
        return f"{name}({values})" if values else name


def graph_of(found: Exploration) -> tuple[Graph, Labels]:
    """The graph of a search that kept its edges and used no symmetry."""
    assert found.edges is not None
    expanded = found.degrees[0]
    numbers: dict[tuple[int, Values], int] = {}
    offsets = [0]
    targets: list[int] = []
    instances: list[int] = []
    cut: dict[int, set[int]] = {}
    for edge in found.edges:
        if edge.source >= expanded:
            break  # of a state that was left half way
        while len(offsets) <= edge.source:
            offsets.append(len(targets))
        targets.append(edge.target)
        instances.append(numbers.setdefault((edge.action, edge.arguments), len(numbers)))
    while len(offsets) <= len(found.states):
        offsets.append(len(targets))
    for edge in found.cut:
        instance = numbers.setdefault((edge.action, edge.arguments), len(numbers))
        cut.setdefault(edge.source, set()).add(instance)
    initial = [n for n, before in enumerate(found.predecessor) if before == NOWHERE]
    return Graph(offsets, targets, instances, initial, expanded, cut), Labels(tuple(numbers))


def _first_of_group(actions: Sequence[Function], index: int) -> int:
    """The first of the actions that are fair together with one."""
    fair = actions[index].fair
    if fair is None or fair.group is None:
        return index
    return next(i for i, a in enumerate(actions) if a.fair is not None and a.fair.group == fair.group)


def _each(action: Function) -> tuple[str, ...]:
    """The parameters for whose values a fair action, and all of its group, is fair one by one."""
    return () if action.fair is None else action.fair.each


def demands_of(actions: Sequence[Function], labels: Labels) -> tuple[list[FairnessDemand], list[Fair]]:
    """What the fairness of a model's actions demands, one demand for each choice of the parameters in `each` that came up."""
    served: dict[tuple[int, Values], set[int]] = {}
    for number, (index, arguments) in enumerate(labels.instances):
        action = actions[index]
        if action.fair is not None:
            first = _first_of_group(actions, index)
            by_name = {a.name: v for a, v in zip(action.arguments, arguments, strict=True)}
            told = tuple(by_name[name] for name in _each(actions[first]))
            served.setdefault((first, told), set()).add(number)
    demands, fair = [], []
    for (index, told), numbers in sorted(served.items(), key=lambda item: (item[0][0], min(item[1]))):
        action = actions[index]
        assert action.fair is not None
        demands.append(FairnessDemand(action.fair.strong, frozenset(numbers)))
        fair.append(Fair(action, tuple(zip(action.fair.each, told, strict=True))))
    return demands, fair


@dataclass(frozen=True, slots=True)
class ClaimInstance:
    """A claim with one choice of its arguments, what it says in each state, and whether that puts it to the test.

    That is where what it speaks of is wanted: in some state, or because it is not there from the beginning.
    """

    arguments: Values
    goal: Goal
    tested: bool


class Evidence(Protocol):
    """What was found, as liveness needs it. `ask` raises EvaluationError where a claim has no answer."""

    @property
    def labels(self) -> Labels:
        """What the numbers of instances stand for."""

    def ask(self, claim: Function) -> list[ClaimInstance]:
        """What a claim says in every state, for each choice of its arguments."""

    def parts(self, demands: Sequence[FairnessDemand]) -> ComponentParts:
        """The graph of the steps, for a search."""


class ListedEvidence:
    """The evidence of a search that kept its edges. `tick` as in `LassoSearch`."""

    def __init__(self, machine: Machine, found: Exploration, tick: Callable[[], None]) -> None:
        self._machine = machine
        self._found = found
        self._tick = tick
        self._graph, self.labels = graph_of(found)

    def parts(self, demands: Sequence[FairnessDemand]) -> ComponentParts:
        """The graph of the steps."""
        return ListedParts(self._graph, demands, self._tick)

    def ask(self, claim: Function) -> list[ClaimInstance]:
        """What a claim says in every state, for each choice of its arguments. Raises EvaluationError."""
        size, leads = len(self._found.states), claim.kind is Kind.LEADS_TO
        asked: list[tuple[Values, bytearray, bytearray]] = []
        for number, state in enumerate(self._found.states):
            if number % _BETWEEN_TICKS == 0:
                self._tick()
            try:
                answers = self._machine.answers(claim.name, state)
            except StepError as problem:
                raise no_answer(self._machine, self._found, claim, number, problem) from None
            if not asked:
                asked = [(arguments, bytearray(size), bytearray(size)) for arguments, _ in answers]
            for (_, reached, wanted), (_, answer) in zip(asked, answers, strict=True):
                if leads:
                    wanted[number], reached[number] = bool(answer[0]), bool(answer[1])
                else:
                    reached[number] = bool(answer)
        return [
            ClaimInstance(
                arguments,
                Goal(reached, wanted if leads else None),
                any(wanted)
                if leads
                else not all(reached)
                if claim.kind is Kind.EVENTUALLY_ALWAYS
                else not all(reached[state] for state in self._graph.initial),
            )
            for arguments, reached, wanted in asked
        ]


def no_answer(
    machine: Machine, found: Exploration, claim: Function, number: int, problem: StepError
) -> RatifiedError:
    """The error of a claim that has no answer in a state."""
    told = Property(PropertyKind.LIVENESS, claim.name, claim.span)
    return FailureExplainer(machine, found, None).error(Failure(0, 0, 0, told, number, problem=problem))


class LivenessCheck:
    """Checks the liveness claims of a machine's model on what a search has found. `tick` as in `LassoSearch`.

    Of `found` the states and predecessors count; the evidence is made of its edges, if it is not given.
    """

    def __init__(
        self,
        machine: Machine,
        found: Exploration,
        tick: Callable[[], None],
        evidence: Evidence | None = None,
    ) -> None:
        self._machine = machine
        self._found = found
        self._tick = tick
        self._evidence = evidence
        self._claims = liveness_claims(machine.module)
        self._telling = FailureExplainer(machine, found, None)
        self.untested: set[str] = set()
        """The claims that were never put to the test; complete once `violation` was called."""
        self._verdicts: dict[str, Verdict] = {}

    def violation(self) -> Violation | None:
        """A claim that fails, with a fair run on which what it claims never happens. Raises EvaluationError."""
        evidence = self._evidence or ListedEvidence(self._machine, self._found, self._tick)
        self._labels = evidence.labels
        demands, self._fair = demands_of(self._machine.actions, self._labels)
        parts = evidence.parts(demands)
        search = LassoSearch(parts, len(demands), self._tick)
        best: tuple[Lasso, Function, ClaimInstance] | None = None
        for claim in self._claims:
            choices = evidence.ask(claim)
            if not any(asked.tested for asked in choices):
                self.untested.add(claim.name)
            verdict = Verdict.HOLDS
            for asked in choices:
                goal, looking = asked.goal, search
                if claim.kind is Kind.EVENTUALLY_ALWAYS:
                    # What fails is a run that leaves the goal again and again, as if of something that is weakly fair.
                    looking = LassoSearch(parts.leaving(goal, len(demands)), len(demands) + 1, self._tick)
                    goal = Goal(bytearray(len(goal.reached)))
                if not looking.parts.fails(goal):
                    continue
                # Once a run is found only shorter ones are looked for: a claim without one of its own is not told.
                lasso = looking.find(goal, None if best is None else len(best[0]))
                if lasso is not None:
                    best = lasso, claim, asked
                    verdict = Verdict.VIOLATED
                elif verdict is Verdict.HOLDS:
                    verdict = Verdict.UNDECIDED
            self._verdicts[claim.name] = verdict
        if best is None:
            return None
        lasso, claim, asked = best
        graph = parts.graph
        states = [self._found.states[number] for number in lasso.states]
        labels = [self._labels.instances[graph.instances[edge]] for edge in lasso.edges]
        steps = [self._step(*step) for step in zip(states[:-1], labels, states[1:], strict=True)]
        trace = self._telling.trace(states[0], steps, lasso.loop)
        detail = f"{_what_never_happens(claim, asked, lasso)}; {self._why_fair(parts, demands, lasso)}"
        return Violation(PropertyKind.LIVENESS, claim.name, trace, detail, claim.span)

    def _step(self, state: Values, label: tuple[int, Values], target: Values) -> tuple[int, Values, Values]:
        """A step of the model as a label says it: of those that differ in what the label does not tell, the first."""
        if UNTOLD not in label[1]:
            return (*label, target)
        for action, arguments, after in self._machine.steps(state):
            told = zip(label[1], arguments, strict=True) if action == label[0] else ()
            if action == label[0] and after == target and all(t is UNTOLD or t == a for t, a in told):
                return action, arguments, target
        raise AssertionError(label)

    def reports(self, *, complete: bool) -> tuple[PropertyReport, ...]:
        """The claims, for the result; only if the search was `complete` does one hold."""
        verdicts = {n: v for n, v in self._verdicts.items() if complete or v is Verdict.VIOLATED}
        return tuple(
            PropertyReport(
                PropertyKind.LIVENESS,
                c.name,
                c.name in self.untested,
                c.span,
                verdicts.get(c.name, Verdict.UNDECIDED),
            )
            for c in self._claims
        )

    # --- words ---

    def _why_fair(self, parts: ComponentParts, demands: Sequence[FairnessDemand], lasso: Lasso) -> str:
        """Why a run is fair: each demand is attended to where it goes round."""
        if not any(action.fair for action in self._machine.actions):
            return "no action is declared fair, so none has to be taken"
        states, edges = lasso.states[lasso.loop :], lasso.edges[lasso.loop :]
        told: list[str] = []
        more = 0
        for number, (demand, fair) in enumerate(zip(demands, self._fair, strict=True)):
            taken = next(
                (i for i, e in enumerate(edges) if parts.graph.instances[e] in demand.instances), None
            )
            possible = [bool(parts.enabled(state) >> number & 1) for state in states]
            if not any(possible):
                continue
            if len(told) == _MOST_TOLD:
                more += 1
            elif taken is not None:
                told.append(f"{fair} is taken (step {lasso.loop + taken + 1})")
            else:
                told.append(f"{fair} is disabled again and again ({_at(lasso.loop + possible.index(False))})")
        if not told:
            return "the run is fair: no fair action is enabled in the states that repeat"
        rest = [f"and {more} more are taken or disabled"] if more else []
        others = "; no other fair action is enabled in the states that repeat" if not more else ""
        return f"the run is fair: {', '.join([*told, *rest])}{others}"


def _at(number: int) -> str:
    return f"after step {number}" if number else "in the initial state"


def _what_never_happens(claim: Function, asked: ClaimInstance, lasso: Lasso) -> str:
    named = zip((a.name for a in claim.arguments), asked.arguments, strict=True)
    choice = ", ".join(f"{name}={show(value)}" for name, value in named)
    given = f" for {choice}" if choice else ""
    if claim.kind is Kind.EVENTUALLY_ALWAYS:
        false = next(
            i for i in range(lasso.loop, len(lasso.states)) if not asked.goal.reached[lasso.states[i]]
        )
        return f"it is false again and again{given}: {_at(false)}"
    if asked.goal.wanted is None:
        return f"it never becomes true{given}"
    reached = [i for i, state in enumerate(lasso.states) if asked.goal.reached[state]]
    begin = reached[-1] + 1 if reached else 0
    wanted = next(i for i, s in enumerate(lasso.states) if i >= begin and asked.goal.wanted[s])
    return f"{_at(wanted)} the first is true{given}, and the second never is from then on"


__all__ = [
    "ClaimInstance",
    "Evidence",
    "Fair",
    "Labels",
    "LivenessCheck",
    "demands_of",
    "graph_of",
    "liveness_claims",
    "no_answer",
]
