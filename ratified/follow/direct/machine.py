"""A machine that runs what was written of a model, and asks the reference whenever that has no answer.

Guarantees: the same answers as `PythonMachine`, errors and bounds that are left included: those the reference tells. A model's
functions are written when they are first asked for, and kept for others of the same model and size.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from ratified.follow.direct import containers, expressions, statements
from ratified.follow.direct.python import Py, constant, logical, py, statement, tuple_of, unpacked
from ratified.follow.direct.since import asked_since
from ratified.follow.direct.writer import Library, PythonBody, local_name, variable_name
from ratified.language.ir import Function, Kind, Which
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.language.rules import NoRuleError, Rules
from ratified.language.types import held_otherwise

EXPRESSIONS: Final[Rules[PythonBody, Py]] = Rules.joined(
    "Python of expressions", expressions.rules, containers.rules
)
RAWS: Final = containers.raws
STATEMENTS: Final = statements.rules

MOST_KEPT: Final = 16
"""So many models, each at a size, whose functions are kept."""

Written = Callable[..., Any]

_UNKNOWN: Final = object()


class WrittenFunctions(dict[str, "Written | None"]):
    """The functions of one model at one size, written when they are asked for. None is for what cannot be.

    Of an action: where it leads from a state, None if it is not possible. Of any other function: its answer in a state. Both take
    the state, and the arguments by name; a claim about steps takes the state before, too.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self._library = Library(model.module, model.scope, EXPRESSIONS, RAWS, STATEMENTS)
        module = model.module
        self._index = {d.name: i for i, d in enumerate(module.variables)}
        self._all = tuple(self._index)
        otherwise = any(held_otherwise(d.type) for d in module.variables)
        self._steps = not otherwise and not module.of_kind(Kind.ACTION_CONSTRAINT)
        self._claims: dict[tuple[tuple[str, ...], tuple[str, ...]], Written | None] = {}

    def __missing__(self, name: str) -> Written | None:
        function = self._library.module.functions.get(name)
        written = self[name] = self._written(function) if function else None
        return written

    def _written(self, function: Function) -> Written | None:
        try:
            return self._action(function) if function.kind is Kind.ACTION else self._pure(function)
        except (NoRuleError, SyntaxError):  # the latter for an argument that is called like one of ours
            return None

    def _action(self, function: Function) -> Written | None:
        if not self._steps:
            return None
        library = self._library
        here = library.beginning(function, self._all)
        whole = [variable_name(v) for v in self._all]
        here.ends = tuple_of(whole)
        here.body.append(unpacked(whole, "_s"))
        return self._entered(here, function, [a.name for a in function.arguments])

    def _pure(self, function: Function) -> Written | None:
        if function.returns is None:
            return None
        library = self._library
        needs = library.needs(function.body)
        now = [v for which, v in needs if which is Which.NOW]
        old = [v for which, v in needs if which is Which.OLD]
        here = library.beginning(function, now, old)
        for (which, name), own in here.variables.items():
            state = "_s" if which is Which.NOW else "_before"
            here.add("name = state[index]", name=own, state=state, index=constant(self._index[name]))
        of_step = function.kind is Kind.STEP_INVARIANT
        return self._entered(here, function, ["_before"] if of_step else [a.name for a in function.arguments])

    def _since(self, invariant: Function) -> Written | None:
        """An invariant, asked of a state and of the one before it, in which it was true; None if that is no quicker."""
        read = [v for _, v in self._library.needs(invariant.body)]
        here = self._library.beginning(invariant, read, read)
        for (which, name), own in here.variables.items():
            state = "_s" if which is Which.NOW else "_b"
            here.add("name = state[index]", name=own, state=state, index=constant(self._index[name]))
        return self._defined(["_s", "_b"], here.body) if asked_since(invariant, here) else None

    def _entered(self, here: PythonBody, function: Function, parameters: list[str]) -> Written:
        """What begins like this, with the body of a function; its parameters have the names that the model gives them."""
        for argument in function.arguments if parameters != ["_before"] else ():
            here.add("local = given", local=local_name(argument.name), given=argument.name)
        here.block(function.body)
        here.finish()
        return self._defined(["_s", *parameters], here.body)

    def _defined(self, parameters: list[str], body: list[ast.stmt]) -> Written:
        name = self._library.fresh("e")
        self._library.define(name, parameters, body)
        made: Written = self._library.names[name]
        return made

    def broken(self, invariants: tuple[str, ...], of_steps: tuple[str, ...]) -> Written | None:
        """Which of these claims a step breaks, of a state and the state before it, in which no invariant is false; None if none.

        An invariant is asked where what it reads has changed; a claim about steps, too, or where it was not known to be true of a
        step that changes nothing of what it reads.
        """
        key = (invariants, of_steps)
        if key not in self._claims:
            self._claims[key] = self._asking(invariants, of_steps)
        return self._claims[key]

    def _asking(self, invariants: tuple[str, ...], of_steps: tuple[str, ...]) -> Written | None:
        library = self._library
        functions = library.module.functions
        body: list[ast.stmt] = []
        for name in (*of_steps, *invariants):
            written = self[name]
            if written is None or (name in invariants and functions[name].arguments):
                return None
            reads = sorted({self._index[v] for _, v in library.needs(functions[name].body)})
            asked, at, told = library.value(written), [constant(i) for i in reads], constant(name)
            if name in invariants:
                since = self._since(functions[name])
                # Where parts are asked, equal values are looked into there.
                test = "_s[i] is not _b[i]" if since else "_s[i] is not _b[i] and _s[i] != _b[i]"
                changed = logical(ast.Or, [py(test, i=i) for i in at])
                holds = (
                    py("since(_s, _b)", since=library.value(since)) if since else py("asked(_s)", asked=asked)
                )
                body.append(
                    statement(
                        "if changed and not holds: return told", changed=changed, holds=holds, told=told
                    )
                )
                continue
            kept = library.value(still := _Still())
            still.known = (self,)  # equal to no values of a model
            known = [py("kept.known[n] is _s[i]", kept=kept, n=constant(n), i=i) for n, i in enumerate(at)]
            body.append(
                statement(
                    _OF_STEPS,
                    same=logical(ast.And, [py("_s[i] is _b[i]", i=i) for i in at]),
                    asked=asked,
                    told=told,
                    known=logical(ast.And, known) if known else constant(False),
                    kept=kept,
                    values=tuple_of(py("_s[i]", i=i) for i in at),
                )
            )
        return self._defined(["_s", "_b"], [*body, statement("return None")])


_OF_STEPS: Final = """
if not same:
    if not asked(_s, _b): return told
elif not known:
    if not asked(_s, _b): return told
    kept.known = values
"""


class _Still:
    """What a claim about steps reads, where it is known to be true of a step that changes nothing of it."""

    __slots__ = ("known",)
    known: tuple[object, ...]


class _StepKey:
    """A model and its size, by which functions are kept. Equal keys may have different instances."""

    __slots__ = ("model", "what")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.what = (type(model), tuple(model.scope.sizes.items()), tuple(model.scope.parameters.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _StepKey) and self.what == other.what

    def __hash__(self) -> int:
        return hash(self.what)


@lru_cache(maxsize=MOST_KEPT)
def _functions_of(key: _StepKey) -> WrittenFunctions:
    return WrittenFunctions(key.model)


class DirectMachine:
    """What a follower asks of a model. To be used within the scope of the model.

    What nothing explains is looked at once more by the reference alone: `trusting` is false then.
    """

    def __init__(self, reference: PythonMachine) -> None:
        self.reference = reference
        self.trusting = True
        self.broken: Written | None = (
            None  # which claim that `asking` named a step breaks, of the states after and before it
        )
        self.functions = _functions_of(_StepKey(reference.model))
        module = reference.module
        self._parameters = {f.name: tuple(a.name for a in f.arguments) for f in module.functions.values()}
        self._open = {
            f.name: any(a.domain is not None for a in f.arguments) for f in module.of_kind(Kind.ACTION)
        }

    def take(
        self, state: Values, name: str, given: Mapping[str, Any]
    ) -> list[tuple[Values, Values | OutOfBounds]]:
        """See PythonMachine."""
        step = self.functions[name]
        if step is None or not self.trusting:
            return self.reference.take(state, name, given)
        wanted = self._parameters[name]
        try:
            if len(given) == len(wanted):
                after = step(state, **given)
                return [] if after is None else [(tuple([given[p] for p in wanted]), after)]
            if self._open[name]:
                return self.reference.take(state, name, given)
            found = [(a, step(state, *a)) for a in self.reference.choices(name, given)]
        except Exception:  # noqa: BLE001  # whatever it is, the reference says what is wrong
            return self.reference.take(state, name, given)
        return [(a, after) for a, after in found if after is not None]

    def leads(
        self, states: Sequence[Values], name: str, given: Mapping[str, Any]
    ) -> list[tuple[Values, Values]] | None:
        """Each of these states in which a step is possible, and where that leads; None where `take` has to be asked."""
        step = self.functions[name]
        if step is None or not self.trusting or len(given) != len(self._parameters[name]):
            return None
        found = []
        try:
            for state in states:
                after = step(state, **given)
                if after is not None:
                    found.append((state, after))
        except Exception:  # noqa: BLE001  # as above
            return None
        return found

    def asking(self, invariants: tuple[str, ...], of_steps: tuple[str, ...]) -> None:
        """Say which claims are asked of steps."""
        self.broken = self.functions.broken(invariants, of_steps)

    def ask(self, state: Values, name: str, arguments: Values) -> Any:
        """See PythonMachine."""
        found = self._asked(name, state, *arguments)
        return self.reference.ask(state, name, arguments) if found is _UNKNOWN else found

    def holds(self, name: str, state: Values) -> bool:
        """Whether an invariant is true in a state. Raises StepError."""
        found = _UNKNOWN if self._parameters[name] else self._asked(name, state)
        return self.reference.refuted_by(name, state) is None if found is _UNKNOWN else bool(found)

    def step_holds(self, name: str, before: Values, state: Values) -> bool:
        """See PythonMachine."""
        found = self._asked(name, state, before)
        return self.reference.step_holds(name, before, state) if found is _UNKNOWN else bool(found)

    def _asked(self, name: str, *given: Any) -> Any:
        """What a generated function says; `_UNKNOWN` where the reference is to be asked."""
        asked = self.functions[name]
        if asked is None or not self.trusting:
            return _UNKNOWN
        try:
            return asked(*given)
        except Exception:  # noqa: BLE001  # whatever it is, the reference says what is wrong
            return _UNKNOWN
