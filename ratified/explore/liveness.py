"""What a model claims will happen: `@eventually` and `@leads_to`, on the states and steps that a search has kept.

Guarantees: a violation is a run of the model that is fair also where a constraint or a bound cut steps off, since these count as
possible; it is a shortest one, or near that where looking for a shortest is too much (lasso.py); of several claims and several
choices of their parameters the shortest run is told, then the first. No violation means something only if the search is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ratified.explore.graph import Graph
from ratified.explore.lasso import Demand, Goal, Lasso, LassoSearch
from ratified.language.ir import Function, Kind, Module
from ratified.language.machine import Machine, StepError, Values
from ratified.language.values import show
from ratified.results.counterexample import Counterexample
from ratified.results.result import PropertyKind, PropertyReport, Verdict, Violation
from ratified.results.seen import NOWHERE, Exploration, Failure, Property

_BETWEEN_TICKS = 256

UNTOLD = object()
"""In place of an argument that an engine's instances do not tell apart."""

_MOST_TOLD = 6
"""So many demands of fairness are told one by one; how many more there are is a number."""


def liveness_claims(module: Module) -> tuple[Function, ...]:
    """A model's liveness claims, in order of definition."""
    kinds = (Kind.EVENTUALLY, Kind.LEADS_TO)
    return tuple(f for f in module.functions.values() if f.kind in kinds and f.key == f.name)


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
        return f"{self.action.name}({values})" if values else self.action.name


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


def demands_of(actions: Sequence[Function], labels: Labels) -> tuple[list[Demand], list[Fair]]:
    """What the fairness of a model's actions demands, one demand for each choice of the parameters in `each` that came up."""
    served: dict[tuple[int, Values], set[int]] = {}
    for number, (index, arguments) in enumerate(labels.instances):
        action = actions[index]
        if action.fair is not None:
            told = tuple(
                v for a, v in zip(action.arguments, arguments, strict=True) if a.name in action.fair.each
            )
            served.setdefault((index, told), set()).add(number)
    demands, fair = [], []
    for (index, told), numbers in sorted(served.items(), key=lambda item: (item[0][0], min(item[1]))):
        action = actions[index]
        assert action.fair is not None
        demands.append(Demand(action.fair.strong, frozenset(numbers)))
        fair.append(Fair(action, tuple(zip(action.fair.each, told, strict=True))))
    return demands, fair


@dataclass(slots=True)
class _Asked:
    """A claim with one choice of its arguments, and what it says in each state."""

    arguments: Values
    reached: bytearray
    wanted: bytearray | None


class LivenessCheck:
    """Checks the liveness claims of a machine's model on what a search has found. `tick` as in `LassoSearch`.

    Of `found` the states and predecessors count; the graph is made of its edges, if it is not given.
    """

    def __init__(
        self,
        machine: Machine,
        found: Exploration,
        tick: Callable[[], None],
        graph: tuple[Graph, Labels] | None = None,
    ) -> None:
        self._machine = machine
        self._found = found
        self._tick = tick
        self._graph = graph
        self._claims = liveness_claims(machine.module)
        self._telling = Counterexample(machine, found, None)
        self.untested: set[str] = set()
        """The claims that were never put to the test; complete once `violation` was called."""
        self._verdicts: dict[str, Verdict] = {}

    def violation(self) -> Violation | None:
        """A claim that fails, with a fair run on which what it claims never happens. Raises EvaluationError."""
        graph, self._labels = self._graph or graph_of(self._found)
        demands, self._fair = demands_of(self._machine.actions, self._labels)
        search = LassoSearch(graph, demands, self._tick)
        best: tuple[Lasso, Function, _Asked] | None = None
        for claim in self._claims:
            choices = self._ask(claim)
            self._look_for_tests(claim, choices, graph)
            # Once one is found only shorter ones are looked for: what is not found then is not known to hold.
            verdict = Verdict.HOLDS if best is None else Verdict.UNDECIDED
            for asked in choices:
                goal = Goal(asked.reached, asked.wanted)
                lasso = search.find(goal, None if best is None else len(best[0]))
                if lasso is not None:
                    best = lasso, claim, asked
                    verdict = Verdict.VIOLATED
            self._verdicts[claim.name] = verdict
        if best is None:
            return None
        lasso, claim, asked = best
        states = [self._found.states[number] for number in lasso.states]
        labels = [self._labels.instances[graph.instances[edge]] for edge in lasso.edges]
        steps = [self._step(*step) for step in zip(states[:-1], labels, states[1:], strict=True)]
        trace = self._telling.trace(states[0], steps, lasso.loop)
        detail = f"{_what_never_happens(claim, asked, lasso)}; {self._why_fair(graph, demands, lasso)}"
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

    def _ask(self, claim: Function) -> list[_Asked]:
        """What a claim says in every state, for each choice of its arguments."""
        size = len(self._found.states)
        asked: list[_Asked] = []
        for number, state in enumerate(self._found.states):
            if number % _BETWEEN_TICKS == 0:
                self._tick()
            try:
                answers = self._machine.answers(claim.name, state)
            except StepError as problem:
                told = Property(PropertyKind.LIVENESS, claim.name, claim.span)
                failure = Failure(0, 0, 0, told, number, problem=problem)
                raise self._telling.error(failure) from None
            if not asked:
                leads = claim.kind is Kind.LEADS_TO
                asked = [_Asked(a, bytearray(size), bytearray(size) if leads else None) for a, _ in answers]
            for choice, (_, answer) in zip(asked, answers, strict=True):
                if choice.wanted is None:
                    choice.reached[number] = bool(answer)
                else:
                    choice.wanted[number], choice.reached[number] = bool(answer[0]), bool(answer[1])
        return asked

    def _look_for_tests(self, claim: Function, choices: list[_Asked], graph: Graph) -> None:
        """A claim is put to the test where what it speaks of is wanted: in a state, or is not there from the beginning."""
        for asked in choices:
            if asked.wanted is None and not all(asked.reached[state] for state in graph.initial):
                return
            if asked.wanted is not None and any(asked.wanted):
                return
        self.untested.add(claim.name)

    # --- words ---

    def _why_fair(self, graph: Graph, demands: Sequence[Demand], lasso: Lasso) -> str:
        """Why a run is fair: each demand is attended to where it goes round."""
        if not any(action.fair for action in self._machine.actions):
            return "no action is declared fair, so none has to be taken"
        states, edges = lasso.states[lasso.loop :], lasso.edges[lasso.loop :]
        told: list[str] = []
        more = 0
        for demand, fair in zip(demands, self._fair, strict=True):
            taken = next((i for i, e in enumerate(edges) if graph.instances[e] in demand.instances), None)
            possible = [_possible(graph, demand, state) for state in states]
            if not any(possible):
                continue
            if len(told) == _MOST_TOLD:
                more += 1
            elif taken is not None:
                told.append(f"{fair} is taken (step {lasso.loop + taken + 1})")
            else:
                told.append(
                    f"{fair} is impossible again and again ({_at(lasso.loop + possible.index(False))})"
                )
        if not told:
            return "the run is fair: no fair action is possible where it stays"
        rest = [f"and {more} more are taken or impossible"] if more else []
        others = "; no other fair action is possible where it stays" if not more else ""
        return f"the run is fair: {', '.join([*told, *rest])}{others}"


def _possible(graph: Graph, demand: Demand, state: int) -> bool:
    steps = any(
        graph.instances[edge] in demand.instances and graph.targets[edge] != state
        for edge in graph.edges(state)
    )
    return steps or not demand.instances.isdisjoint(graph.cut.get(state, ()))


def _at(number: int) -> str:
    return f"after step {number}" if number else "in the initial state"


def _what_never_happens(claim: Function, asked: _Asked, lasso: Lasso) -> str:
    named = zip((a.name for a in claim.arguments), asked.arguments, strict=True)
    choice = ", ".join(f"{name}={show(value)}" for name, value in named)
    given = f" for {choice}" if choice else ""
    if asked.wanted is None:
        return f"it never becomes true{given}"
    reached = [i for i, state in enumerate(lasso.states) if asked.reached[state]]
    begin = reached[-1] + 1 if reached else 0
    wanted = next(i for i, s in enumerate(lasso.states) if i >= begin and asked.wanted[s])
    return f"{_at(wanted)} the first is true{given}, and the second never is from then on"


__all__ = ["Fair", "Labels", "LivenessCheck", "demands_of", "graph_of", "liveness_claims"]
