"""What a function returns, as one expression.

Guarantees: it is what the statements return, in the state where the call stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Function, Node
from ratified.language.types import BoolType
from ratified.language.uses import assigned, returns
from ratified.tla.comprehensions import in_turn, quantified_by
from ratified.tla.context import TlaContext, TranslatedStatements
from ratified.tla.definitions import with_definitions
from ratified.tla.formulas import FALSE, TRUE, if_else
from ratified.tla.joins import DONE, VALUE
from ratified.tla.known import learned
from ratified.tla.syntax import If, Tla
from ratified.tla.totality import total_loop


def body_value(called: Function, f: TlaContext) -> Tla:
    """What a function returns, as one expression."""
    return _returned(called.body, f, called.returns == BoolType())


def _returned(body: Sequence[Node], f: TlaContext, truth: bool) -> Tla:
    """What statements return; `truth` if that is true or false."""
    if not body:
        return f.words.none()  # after a loop that always returns; never reached
    first, rest = body[0], body[1:]
    if isinstance(first, ir.Return):
        return TRUE if first.value is None else f.expr(first.value)
    if isinstance(first, ir.If) and returns(first):
        test = f.expr(first.test)
        then = _returned((*first.then, *rest), learned(first.test, True, f.inside()), truth)
        orelse = _returned((*first.orelse, *rest), learned(first.test, False, f.inside()), truth)
        return if_else(test, then, orelse, truth=truth)
    if isinstance(first, ir.For) and (found := _search(first, rest, f, truth)) is not None:
        return found
    run = TranslatedStatements(replace(f.inside(), names=f.names.inner()), [], hoisted=False)
    ended = run.statements((first,))
    after = run.frame.env.get(VALUE) if ended is None else None
    value = _returned(rest, run.frame, truth)
    if after is not None:
        value = if_else(run.frame.env[DONE], after, value, truth=truth)
    for guard in reversed(run.guards):
        value = If(guard, value, FALSE)  # an assertion: it stops TLC by itself
    return with_definitions(run.definitions, value)


def _search(loop: ir.For, rest: Sequence[Node], f: TlaContext, truth: bool) -> Tla | None:
    """A loop that only looks for something: it returns one literal, and changes nothing around it."""
    values = [n.value for s in loop.body for n in ir.walk(s) if isinstance(n, ir.Return)]
    literals = {v.value for v in values if isinstance(v, ir.Literal) and isinstance(v.value, bool)}
    if not values or len(literals) != 1 or not all(isinstance(v, ir.Literal) for v in values):
        return None
    if assigned(loop.body).keys() & f.env.keys() or any(isinstance(n, ir.Assert) for n in ir.walk(loop)):
        return None
    met = _met(loop, f)
    found = TRUE if literals.pop() else FALSE
    return if_else(met, found, _returned(rest, f, truth), truth=truth)


def _met(loop: ir.For, f: TlaContext) -> Tla:
    """Whether one of the turns of a loop returns."""
    made = quantified_by if total_loop(loop, f) else in_turn
    clause = ir.Clause(loop.names, loop.domain, ())
    return made("any", (clause,), lambda inner: _reached(loop.body, inner), f)


def _reached(body: Sequence[Node], f: TlaContext) -> Tla:
    """Whether statements return, rather than coming to their end."""
    if not body:
        return FALSE
    first, rest = body[0], body[1:]
    if isinstance(first, ir.Return):
        return TRUE
    if isinstance(first, ir.If) and returns(first):
        then = _reached((*first.then, *rest), learned(first.test, True, f.inside()))
        orelse = _reached((*first.orelse, *rest), learned(first.test, False, f.inside()))
        return if_else(f.expr(first.test), then, orelse, truth=True)
    if isinstance(first, ir.For) and returns(first):
        return if_else(_met(first, f), TRUE, _reached(rest, f), truth=True)
    run = TranslatedStatements(replace(f.inside(), names=f.names.inner()), [], hoisted=False)
    run.statements((first,))
    return with_definitions(run.definitions, _reached(rest, run.frame))
