"""Runs the intermediate form on symbolic values: one run stands for every run of a function at a size.

Guarantees: for any values of the unknowns, the result, the guard, the bounds left and the errors are those of the evaluator
on these values (held to that by tests on generated models). What cannot be done in a circuit of reasonable size is refused
with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ratified.language import ir
from ratified.language.ir import Expr, Function, Node, Which
from ratified.smt.finite.algebra import Algebra
from ratified.smt.finite.circuit import FALSE, TRUE
from ratified.smt.finite.containers import Containers
from ratified.smt.finite.expressions import Env, Event
from ratified.smt.finite.symbolic import (
    Choice,
    Symbolic,
)


class Executor(Containers):
    """Runs functions of one module."""

    def __init__(self, module: ir.Module, algebra: Algebra) -> None:
        super().__init__(module, algebra)
        self._live = TRUE  # this function has not returned yet
        self._returned: list[tuple[int, Symbolic | None]] = []
        self._calls: dict[tuple[object, ...], tuple[tuple[object, ...], Symbolic, list[Event]]] = {}

    # --- the ways in ---

    def run(self, function: Function, arguments: Sequence[Symbolic], now: Env) -> tuple[int, Env]:
        """Run a procedure: whether it comes to its end, and the variables then. What it came upon is in `events`."""
        self.now, self.path, self.events = dict(now), TRUE, []
        self._procedure(function, arguments)
        return self.circuit.both(self.path, -self.aborted), self.now

    def ask(
        self, function: Function, arguments: Sequence[Symbolic], now: Env, old: Env | None = None
    ) -> Symbolic:
        """Return what a function answers. What it came upon is in `events`."""
        self.now, self.old, self.path, self.events = now, old or {}, TRUE, []
        return self._pure(function, arguments, Which.NOW)

    def value(self, node: Expr, env: Env, now: Env) -> Symbolic:
        """Return the value of an expression in a state."""
        self.now, self.path, self.events = now, TRUE, []
        return self.expr(node, env)

    # --- statements ---

    def _block(self, body: Sequence[Node], env: Env) -> None:
        for statement in body:
            if self.path == FALSE:
                return
            match statement:
                case ir.Let(_, names, value):
                    self._bind(env, names, self.expr(value, env))
                case ir.Store():
                    self._store(statement, env)
                case ir.Require(_, test):
                    self.path = self.circuit.both(self.path, self._truth(test, env))
                case ir.Assert(_, test):
                    self._problem(-self._truth(test, env), statement, "the assertion is false")
                case ir.If(_, test, then, orelse):
                    truth = self._truth(test, env)
                    self._branch(
                        truth, partial(self._block, then, env), partial(self._block, orelse, env), env
                    )
                case ir.For(_, names, domain, inner):
                    for there, item in list(self._run_through(domain, env, ordered=True)):
                        self._branch(there, partial(self._turn, names, item, inner, env), _nothing, env)
                case ir.Return(_, value):
                    given = None if value is None else self.expr(value, env)
                    self._returned.append((self.path, given))
                    self.path = self._live = FALSE
                case ir.Do(_, function, arguments):
                    given_ = [self.expr(a, env) for a in arguments]
                    self._procedure(self.module.functions[function], given_)
                case _:
                    raise AssertionError(statement)

    def _turn(self, names: tuple[str, ...], item: Symbolic, body: Sequence[Node], env: Env) -> None:
        self._bind(env, names, item)
        self._block(body, env)

    def _branch(self, test: int, then: Callable[[], None], orelse: Callable[[], None], env: Env) -> None:
        """Go both ways and bring together what they did."""
        if test in (TRUE, FALSE):
            (then if test == TRUE else orelse)()
            return
        before = dict(env), dict(self.now), self.path, self._live
        self.path = self.circuit.both(self.path, test)
        then()
        env_then, now_then, path_then, live_then = dict(env), dict(self.now), self.path, self._live
        env.clear()
        env.update(before[0])
        self.now = dict(before[1])
        self.path, self._live = self.circuit.both(before[2], -test), before[3]
        orelse()
        for mine, theirs in ((env, env_then), (self.now, now_then)):
            for name, value in theirs.items():
                mine[name] = self.algebra.choose(test, value, mine[name]) if name in mine else value
        self.path = self.circuit.either(path_then, self.path)
        self._live = self.circuit.choose(test, live_then, self._live)

    def _store(self, node: ir.Store, env: Env) -> None:
        value = self.expr(node.value, env)
        path = [(step, self.expr(step, env)) for step in node.path]
        before = self.now.get(node.variable)
        if before is None:  # init gives it its first value
            self.now[node.variable] = value
            return
        after = self._replaced(node, before, path, value) if path else value
        self.now[node.variable] = self.algebra.choose(self._live, after, before)

    # --- calls ---

    def _procedure(self, function: Function, arguments: Sequence[Symbolic]) -> None:
        live, returned = self._live, self._returned
        self._live, self._returned = TRUE, []
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        # What happens in a branch that has returned before must not count: stores look at `_live`, which begins anew here.
        before = self.now if live == TRUE else dict(self.now)
        self._block(function.body, env)
        if live != TRUE:
            self.now = {n: self.algebra.choose(live, v, before.get(n, v)) for n, v in self.now.items()}
        self.path = self.circuit.some([self.path, *(path for path, _ in self._returned)])
        self._live, self._returned = live, returned

    def _pure(self, function: Function, arguments: Sequence[Symbolic], which: Which) -> Symbolic:
        key = (
            function.key,
            which,
            *map(_identity, arguments),
            *map(_identity, self.now.values()),
            None,
            *map(_identity, self.old.values()),
        )
        if key not in self._calls:
            kept = (tuple(arguments), tuple(self.now.values()), tuple(self.old.values()))
            self._calls[key] = kept, *self._computed(function, arguments, which)
        _, value, events = self._calls[key]
        since, aborted = len(self.events), self.aborted
        self.events += events
        if events:
            self._restrict(since, self.circuit.both(self.path, -aborted))
            self.events = [e for e in self.events if e.literal != FALSE]
        return value

    def _computed(
        self, function: Function, arguments: Sequence[Symbolic], which: Which
    ) -> tuple[Symbolic, list[Event]]:
        saved = self.now, self.old, self.path, self.events, self._live, self._returned
        if which is Which.OLD:
            self.now, self.old = self.old, {}
        self.path, self.events, self._live, self._returned = TRUE, [], TRUE, []
        env = {a.name: v for a, v in zip(function.arguments, arguments, strict=True)}
        self._block(function.body, env)
        ways = [(path, value) for path, value in self._returned if value is not None]
        assert ways or self.path == FALSE or self.events, function.name
        result = self.algebra.select(ways) if ways else FALSE, self.events
        self.now, self.old, self.path, self.events, self._live, self._returned = saved
        return result


def _identity(value: Symbolic) -> object:
    """Return what tells a value from others: its content where that is small."""
    if isinstance(value, int):
        return value
    if isinstance(value, Choice) and len(value.options) == 1:
        ((known, literal),) = value.options.items()
        return type(known), known, literal
    return id(value)


def _nothing() -> None:
    """Do nothing."""
