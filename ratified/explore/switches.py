"""Switches: an action may be impossible because of parameters and sizes alone. That is meant, and no reason to worry.

Guarantees: an action is called switched off only if each way through it comes to a `require` with a part that reads no variable
and no parameter of the action, and is false at this size; such an action fires in no state at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ratified.language import ir
from ratified.language.errors import RatifiedError
from ratified.language.evaluate import Evaluator
from ratified.language.ir import Expr, Kind, Node
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import BoundLeft
from ratified.language.uses import Uses, bound, conjuncts, free, returns

SwitchEnv = dict[str, Any]


def switched_off(model: Model) -> frozenset[str]:
    """The actions of a model at a size whose guards are false by its parameters and sizes alone."""
    switches = _Switches(model)
    with running(model.scope):
        return frozenset(a.name for a in model.module.of_kind(Kind.ACTION) if switches.forbid(a.body, {}))


class _Switches:
    """Follows what is known of an action without a state: the local names whose values depend on parameters and sizes only."""

    def __init__(self, model: Model) -> None:
        self._functions = model.module.functions
        self._uses = Uses(model.module)
        self._evaluator = Evaluator(model.module, model.scope)

    def forbid(self, body: tuple[Node, ...], known: SwitchEnv) -> bool:
        """Whether control cannot come past the guards in these statements. `known` is changed."""
        for at, statement in enumerate(body):
            match statement:
                case ir.Require(_, test):
                    if any(self._values(part, known) == [False] for part in conjuncts(test)):
                        return True
                case ir.Do(_, name, arguments):
                    function = self._functions[name]
                    given = zip(function.arguments, arguments, strict=True)
                    inner = {a.name: value for a, v in given for value in self._values(v, known)}
                    if self.forbid(function.body, inner):
                        return True
                case ir.Let(_, names, value):
                    self._bind(names, value, known)
                case ir.If(_, test, then, orelse) if taken := self._values(test, known):
                    return self.forbid((*(then if taken[0] else orelse), *body[at + 1 :]), known)
                case ir.Return():
                    return False
                case ir.If() | ir.For():
                    if returns(statement):
                        return False
                    _forget(bound((statement,)), known)
        return False

    def _bind(self, names: tuple[str, ...], value: Expr, known: SwitchEnv) -> None:
        found_values = self._values(value, known)
        _forget(names, known)
        for found in found_values:
            known.update([(names[0], found)] if len(names) == 1 else zip(names, found, strict=True))

    def _values(self, expr: Expr, known: SwitchEnv) -> list[Any]:
        """The value of an expression, if it needs no state and has one."""
        if not (self._uses.stateless(expr) and free(expr) <= known.keys()):
            return []
        try:
            return [self._evaluator.expr(expr, dict(known))]
        except (RatifiedError, BoundLeft):
            return []  # told where the step is taken


def _forget(names: Iterable[str], known: SwitchEnv) -> None:
    for name in names:
        known.pop(name, None)
