"""Each question about trees is held to the evaluator: on generated models, and on small ones where an answer is easily missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Self

import pytest
from hypothesis import given, reject

from ratified.language import (
    AtMost,
    Bag,
    Map,
    Model,
    Param,
    Range,
    RatifiedError,
    Seq,
    Set,
    action,
    first,
    invariant,
    ir,
    require,
    step_invariant,
)
from ratified.language.api import Disabled
from ratified.language.evaluate import EXPRESSIONS, Env, Evaluator, Frame, TreeMachine
from ratified.language.inline import Inliner
from ratified.language.ir import Expr, Function, Kind, Node, Which
from ratified.language.machine import OutOfBounds, StepError, Values
from ratified.language.scope import Scope, running
from ratified.language.sorts import BoundLeft
from ratified.language.types import INT, IntType
from ratified.language.uses import Uses, assigned, bound, free, live, live_in_iterations, loops, nodes
from tests.generate.agreement import exact
from tests.generate.models import GeneratedModel, model_texts
from tests.generate.profile import examples
from tests.generate.running import load, of_seed
from tests.shared.sorts import Slot, Turn

STATES_MOST = 12
CHOICES_MOST = 6


@dataclass(frozen=True)
class Outcome:
    """What running a function came to: its value and the variables after it, or in what way it ended without."""

    ended: str
    value: object
    after: Mapping[str, object]


class Run:
    """The functions of a model, run by the evaluator in states of its own choice."""

    def __init__(self, model: Model, evaluator: Evaluator | None = None) -> None:
        self.model = model
        self.module = model.module
        self.names = [d.name for d in model.module.variables]
        self.machine = TreeMachine(model)
        self.evaluator = evaluator or Evaluator(model.module, model.scope)

    def states(self) -> list[Values]:
        """Some reachable states, breadth first."""
        found: list[Values] = []
        try:
            found += [s for _, s in self.machine.initial() if not isinstance(s, OutOfBounds)][:STATES_MOST]
            for state in found:
                if len(found) < STATES_MOST:
                    steps = self.machine.steps(state)
                    found += [s for _, _, s in steps if not isinstance(s, OutOfBounds) and s not in found]
        except StepError:
            pass
        return list(dict.fromkeys(found))[:STATES_MOST]

    def choices(self, function: Function, state: Values) -> list[Values]:
        """Some arguments for a function, in a state."""
        self.machine._evaluator.now = self.machine._probe.now = self.named(state)
        with running(self.model.scope):
            try:
                return list(islice(self.machine._choices[function.key], CHOICES_MOST))
            except (RatifiedError, BoundLeft):
                return []

    def named(self, state: Values) -> Env:
        """A state by the names of its variables."""
        return dict(zip(self.names, state, strict=True))

    def outcome(
        self, function: Function, arguments: Sequence[Any], now: Env, old: Env, scope: Scope | None = None
    ) -> Outcome:
        """What a function comes to for arguments and variables."""
        self.evaluator.now, self.evaluator.old = dict(now), dict(old)
        with running(scope or self.model.scope):
            try:
                value = self.evaluator.call(function, arguments)
            except Disabled:
                return Outcome("not possible", None, {})
            except BoundLeft as left:
                return Outcome(f"left {left.what}", None, {})
            except RatifiedError as problem:
                return Outcome(f"failed: {problem.message} at {problem.span}", None, {})
        after = {name: exact(value) for name, value in self.evaluator.now.items()}
        return Outcome("done", None if value is None else exact(value), after)


def of_interest(model: Model) -> Iterator[Function]:
    """Actions and claims: what runs in any state, for arguments of its own."""
    kinds = (Kind.ACTION, Kind.INVARIANT, Kind.CONSTRAINT, Kind.STEP_INVARIANT)
    return (f for kind in kinds for f in model.module.of_kind(kind))


def cases(run: Run) -> Iterator[tuple[Function, Values, Env, Env, Env]]:
    """Functions with arguments, a state, one before it, and another one."""
    states = run.states()
    for function in of_interest(run.model):
        for number, state in enumerate(states):
            other, old = states[number - 1], states[(number * 5) % len(states)]
            for arguments in run.choices(function, state):
                yield function, arguments, run.named(state), run.named(old), run.named(other)


def loaded(generated: GeneratedModel, folder: Path) -> Model:
    try:
        return load(generated, folder)
    except RatifiedError:
        reject()


@examples(80, 3_000)
@given(generated=model_texts())
def test_what_is_not_read_does_not_matter_and_what_is_not_written_stays(
    generated: GeneratedModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = Run(loaded(generated, tmp_path_factory.mktemp("uses")))
    uses = Uses(run.module)
    for function, arguments, now, old, other in cases(run):
        before = run.outcome(function, arguments, now, old)
        written = uses.writes(function)
        for name, value in before.after.items():
            assert name in written or value == exact(now[name])
        for name in run.names:
            if name not in uses.reads(function, Which.NOW):
                changed = run.outcome(function, arguments, {**now, name: other[name]}, old)
                assert (changed.ended, changed.value) == (before.ended, before.value)
                for each, value in changed.after.items():
                    kept = exact(other[name]) if each == name else before.after[each]
                    assert value == kept or (each == name and each in written)
            if name not in uses.reads(function, Which.OLD):
                assert run.outcome(function, arguments, now, {**old, name: other[name]}) == before


def test_a_parameter_that_is_not_read_does_not_matter() -> None:
    compared = read = 0
    for seed in range(200):
        try:
            model = of_seed(seed)
        except RatifiedError:
            continue
        if not model.scope.parameters:
            continue
        uses, run = Uses(model.module), Run(model)
        for name, value in model.scope.parameters.items():
            assert isinstance(value, int)
            scope = Scope(model.scope.sizes, {**model.scope.parameters, name: value + 1})
            other = Run(model, Evaluator(model.module, scope))
            for function, arguments, now, old, _ in cases(run):
                if name in uses.parameters(function):
                    read += 1
                else:
                    compared += 1
                    same = other.outcome(function, arguments, now, old, scope)
                    assert same == run.outcome(function, arguments, now, old)
    assert compared > 500
    assert read > 50


class Watching(Evaluator):
    """An evaluator that sees each piece end, and hands it no more local names than are said to be read."""

    def __init__(self, model: Model) -> None:
        super().__init__(model.module, model.scope)
        self.expressions = self.watched
        self.uses = [Uses(model.module), Uses(model.module, model.scope)]
        self.called: set[str] = set()

    def watched(self, node: Expr, frame: Frame) -> Any:
        """The value of an expression."""
        with _Ending(self.uses, node):
            return EXPRESSIONS(node, Frame(self, {name: frame.env[name] for name in free(node)}))

    def call(self, function: Function, arguments: Sequence[Any]) -> Any:
        """See Evaluator."""
        self.called.add(function.key)
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        now, ended = dict(self.now), None
        with _Ending(self.uses, function.body):
            for at, statement in enumerate(function.body):
                frame = Frame(self, {name: env[name] for name in live(function.body[at:])})
                ended, env = frame.block((statement,)), frame.env
                if ended:
                    break
        if self.uses[0].pure(function.body):
            assert self.now == now
        return ended.value if ended else None


class _Ending:
    """That a piece ends in no way that it is said not to."""

    def __init__(self, uses: list[Uses], piece: Expr | tuple[Node, ...]) -> None:
        self.uses, self.piece = uses, piece

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: object
    ) -> None:
        for uses in self.uses:
            if isinstance(problem, Disabled):
                assert uses.may_refuse(self.piece)
            elif isinstance(problem, BoundLeft):
                assert uses.may_leave(self.piece)
            elif isinstance(problem, RatifiedError):
                assert uses.may_fail(self.piece)


@examples(80, 3_000)
@given(generated=model_texts())
def test_each_piece_ends_as_is_said_and_needs_no_other_names(
    generated: GeneratedModel, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = loaded(generated, tmp_path_factory.mktemp("uses"))
    watching = Watching(model)
    run = Run(model, watching)
    for function, arguments, now, old, _ in cases(run):
        watching.called.clear()
        run.outcome(function, arguments, now, old)
        assert watching.called - {function.key} <= watching.uses[0].calls(function)


class WrittenOut(Evaluator):
    """An evaluator that compares each call with what it is written out to."""

    def __init__(self, model: Model) -> None:
        super().__init__(model.module, model.scope)
        self.expressions = self.compared_with
        self.inliner = Inliner(model.module)
        self.compared = 0

    def compared_with(self, node: Expr, frame: Frame) -> Any:
        """The value of an expression."""
        value = EXPRESSIONS(node, frame)
        if isinstance(node, ir.Call) and (written := self.inliner.call(node)) is not None:
            self.compared += 1
            assert exact(EXPRESSIONS(written, frame)) == exact(value)
        return value


def test_a_call_written_out_has_the_value_of_the_call() -> None:
    compared = 0
    for seed in range(200):
        try:
            model = of_seed(seed)
        except RatifiedError:
            continue
        evaluator = WrittenOut(model)
        run = Run(model, evaluator)
        for function, arguments, now, old, _ in cases(run):
            run.outcome(function, arguments, now, old)
        compared += evaluator.compared
    assert compared > 100


def test_a_procedure_written_out_does_what_it_did() -> None:
    compared = 0
    for seed in range(120):
        try:
            model = of_seed(seed)
        except RatifiedError:
            continue
        inliner = Inliner(model.module)

        def written_out(function: Function, inliner: Inliner = inliner, model: Model = model) -> Function:
            body: list[Node] = []
            for statement in function.body:
                called = model.module.functions[statement.function] if isinstance(statement, ir.Do) else None
                # A procedure that returns ends itself alone.
                if called is None or any(isinstance(n, ir.Return) for n in nodes(called.body)):
                    body.append(statement)
                else:
                    assert isinstance(statement, ir.Do)
                    body += inliner.body(called, statement.arguments)
            return replace(function, body=tuple(body))

        run = Run(model)
        for function, arguments, now, old, _ in cases(run):
            written = written_out(function)
            if written.body != function.body:
                compared += 1
                assert run.outcome(written, arguments, now, old) == run.outcome(function, arguments, now, old)
    assert compared > 20


@pytest.fixture(scope="module")
def readers() -> Uses:
    return Uses(Readers.module)


class Readers(Model):
    """Functions of which an answer is easily missed."""

    a: Map[Slot, Annotated[int, Range(0, 2)]]
    b: Annotated[Seq[Slot], AtMost(2)]
    c: Turn
    d: bool
    grid: Map[Annotated[int, Range(0, 1)], bool]
    small: Annotated[int, Range(0, "most")]
    table: Map[Annotated[int, Range(0, "most")], bool]
    most: Param[int] = 2

    def of_a(self, s: Slot) -> int:
        """Reads a."""
        return self.a[s] + self.most

    @step_invariant
    def through_a_call(self, old: Self) -> bool:
        """Reads a as it was, and d as it is."""
        return all(old.of_a(s) <= 4 for s in Slot) or self.d

    def summed(self) -> int:
        """Carries a local name through a loop, and another one not."""
        total = 0
        for s in Slot:
            here = self.a[s]
            total = total + here
        return total

    def reset(self) -> None:
        """Writes d, if c is the first."""
        require(self.c == first(Turn))
        self.d = False

    @action
    def put(self, s: Slot) -> None:
        """Keeps the rest of a; writes d in a procedure."""
        self.a[s] = 1
        self.reset()

    @action
    def replaced(self, s: Slot) -> None:
        """Fails where the sequence has no second element."""
        self.b[1] = s

    @action
    def grow(self) -> None:
        """Is held to a bound that is made of a parameter."""
        self.small = self.small + 1

    @action
    def fill(self) -> None:
        """Needs a key for each number up to a parameter."""
        self.table = Map({k: True for k in range(3)})

    @action
    def advance(self) -> None:
        """Leaves the last turn."""
        self.c = self.c + 1

    @action
    def back(self) -> None:
        """There is none before the first."""
        self.c = self.c - 1

    @action
    def mark(self, k: Annotated[int, Range(0, 1)]) -> None:
        """An int is not bound to be a key."""
        self.grid[k + 1] = True

    @invariant
    def hidden(self) -> bool:
        """The names of a comprehension are its own."""
        s = first(Turn)
        return all(self.a[s] >= 0 for s in Slot) and s == first(Turn)


class Partial(Model):
    """Each `fails_...` is an error in the first state; each `safe_...` looks like one."""

    n: Annotated[int, Range(0, 9)]
    s: Set[Slot]
    q: Annotated[Seq[Slot], AtMost(2)]
    bag: Annotated[Bag[Slot], AtMost(2)]
    t: Turn
    m: Map[Slot, Annotated[int, Range(0, 9)]]
    grid: Map[Annotated[int, Range(0, 1)], bool]
    found: Slot | None

    @action
    def fails_division(self) -> None:
        self.n = 1 // self.n

    @action
    def fails_remainder(self) -> None:
        self.n = 1 % self.n

    @action
    def fails_min(self) -> None:
        self.n = min(self.m[x] for x in self.s)

    @action
    def fails_at(self) -> None:
        self.found = self.q[0]

    @action
    def fails_at_number(self) -> None:
        require(not self.grid[self.n + 2])

    @action
    def fails_store(self, x: Slot) -> None:
        self.q[0] = x

    @action
    def fails_pop(self) -> None:
        self.q.pop()

    @action
    def fails_remove(self, x: Slot) -> None:
        self.bag.remove(x)

    @action
    def fails_index(self, x: Slot) -> None:
        self.n = self.q.index(x)

    @action
    def fails_assertion(self) -> None:
        assert self.n > 0
        self.n = 0

    @action
    def fails_number(self) -> None:
        self.t = Turn(self.n - 1)

    @action
    def fails_first(self) -> None:
        self.t = self.t - 1

    @action
    def fails_partial_map(self) -> None:
        self.grid = Map({k: True for k in range(self.n, 1)})

    @action
    def safe(self, x: Slot) -> None:
        self.n = self.m[x] // 2 + self.n % 3
        self.n = max((self.m[y] for y in self.s), default=0)
        self.bag.discard(x)
        self.m[x] = self.n
        self.q = self.q[1:]
        self.t = self.t + 0


def test_what_may_fail_is_known(readers: Uses) -> None:
    run = Run(Partial(Slot=2, Turn=2))
    (state,) = run.states()[:1]
    for uses in (Uses(run.module), Uses(run.module, run.model.scope)):
        for function in run.module.of_kind(Kind.ACTION):
            arguments = run.choices(function, state)[0]
            outcome = run.outcome(function, arguments, run.named(state), {})
            assert outcome.ended.startswith("failed: ") == (function.name != "safe"), outcome
            assert uses.may_fail(function) == (function.name != "safe"), function.name


def test_the_state_that_a_call_is_made_on_is_the_one_that_is_read(readers: Uses) -> None:
    claim = Readers.module.functions["through_a_call"]
    assert readers.reads(claim, Which.NOW) == {"d"}
    assert readers.reads(claim, Which.OLD) == {"a"}
    assert readers.reads(claim) == {"a", "d"}
    assert readers.parameters(claim) == {"most"}
    assert readers.calls(claim) == {"of_a"}


def test_a_store_at_a_path_keeps_the_rest_without_reading_it(readers: Uses) -> None:
    put = Readers.module.functions["put"]
    assert readers.writes(put) == {"a", "d"}
    assert readers.reads(put) == {"c"}
    assert readers.may_refuse(put)
    assert not readers.may_fail(put)
    replaced = Readers.module.functions["replaced"]
    assert readers.reads(replaced) == {"b"}
    assert readers.may_fail(replaced)


def test_bounds_are_made_of_parameters(readers: Uses) -> None:
    of = Readers.module.functions
    assert readers.parameters(of["grow"]) == readers.parameters(of["fill"]) == {"most"}
    assert readers.parameters(of["put"]) == frozenset()


def test_ends_of_orders_and_keys_that_are_numbers(readers: Uses) -> None:
    of = Readers.module.functions
    assert [readers.may_leave(of[f]) for f in ("advance", "back", "mark", "put")] == [
        True,
        False,
        False,
        False,
    ]
    assert [readers.may_fail(of[f]) for f in ("advance", "back", "mark", "put")] == [False, True, True, False]


def test_local_names_of_a_comprehension_hide_those_around_it(readers: Uses) -> None:
    returned = Readers.module.functions["hidden"].body[-1]
    assert free(returned) == {"s"}
    assert live(Readers.module.functions["hidden"].body) == frozenset()
    assert bound(Readers.module.functions["hidden"].body) == {"s"}


def test_a_name_that_is_given_a_value_made_of_its_own_is_read_before() -> None:
    zero, loop, returned = Readers.module.functions["summed"].body
    assert isinstance(loop, ir.For)
    assert live((loop, returned)) == live((loop,), frozenset({"total"})) == {"total"}
    assert live((zero, loop, returned)) == frozenset()
    assert live_in_iterations(loop, frozenset()) == {"total"}
    assert list(loops((zero, loop, returned))) == [(loop, frozenset({"total"}))]
    assert assigned((zero, loop, returned)) == {"total": INT, "here": IntType(0, 2)}


def test_every_kind_of_expression_has_a_value() -> None:
    assert EXPRESSIONS.lacking(ir.EXPRESSIONS) == set()
