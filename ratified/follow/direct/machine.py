"""A machine that runs what was written of a model, and asks the reference whenever that has no answer.

Guarantees: the same answers as `PythonMachine`, errors and bounds that are left included: those the reference tells. A model's
functions are written when they are first asked for, and kept for others of the same model and size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from ratified.follow.direct import containers, expressions, statements
from ratified.follow.direct.writer import Here, Library, variable_name
from ratified.language import ir
from ratified.language.ir import Function, Kind, Which
from ratified.language.machine import OutOfBounds, PythonMachine, Values
from ratified.language.model import Model
from ratified.language.rules import NoRuleError, Rules
from ratified.language.scope import running
from ratified.language.types import has_texts

EXPRESSIONS: Final[Rules[Here, str]] = Rules.joined("Python of expressions", expressions.rules, containers.rules)
RAWS: Final = containers.raws

MOST_KEPT: Final = 16
"""So many models, each at a size, whose functions are kept."""

Written = Callable[..., Any]


class Functions:
    """The functions of one model at one size, written when they are asked for. None is for what cannot be."""

    def __init__(self, model: Model) -> None:
        self._library = Library(model.module, model.scope, EXPRESSIONS, RAWS, statements.rules)
        module = model.module
        self._index = {d.name: i for i, d in enumerate(module.variables)}
        self._all = tuple(self._index)
        texts = any(has_texts(d.type) for d in module.variables)
        self._steps = not texts and not module.of_kind(Kind.ACTION_CONSTRAINT)
        self._known: dict[str, Written | None] = {}

    def __getitem__(self, name: str) -> Written | None:
        """Of an action: where it leads from a state, None if it is not possible. Of any other function: its answer in a state.

        Both take the state and then the arguments; a claim about steps takes the state before it, too.
        """
        try:
            return self._known[name]
        except KeyError:
            function = self._library.module.functions.get(name)
            self._known[name] = written = function and self._written(function)
            return written

    def _written(self, function: Function) -> Written | None:
        try:
            return self._action(function) if function.kind is Kind.ACTION else self._pure(function)
        except NoRuleError:
            return None

    def _action(self, function: Function) -> Written | None:
        if not self._steps:
            return None
        library = self._library
        here = library.beginning(function, self._all)
        whole = f"({''.join(f'{variable_name(v)}, ' for v in self._all)})"
        here.ends = whole
        here.line(f"{whole} = s")
        here.block(function.body)
        here.finish()
        return self._defined(here, ["s", *here.arguments(function)])

    def _pure(self, function: Function) -> Written | None:
        if function.returns is None:
            return None
        library = self._library
        needs = library.needs(function.body)
        now = [v for which, v in needs if which is Which.NOW]
        old = [v for which, v in needs if which is Which.OLD]
        here = library.beginning(function, now, old)
        for (which, name), text in here.variables.items():
            here.line(f"{text} = {'s' if which is Which.NOW else 'before'}[{self._index[name]}]")
        arguments = ["l_old"] if function.kind is Kind.STEP_INVARIANT else here.arguments(function)
        here.block(function.body)
        here.finish()
        return self._defined(here, ["s", *(["before"] if arguments == ["l_old"] else arguments)])

    def _defined(self, here: Here, parameters: list[str]) -> Written:
        name = self._library.fresh("e")
        self._library.define(name, parameters, here.lines)
        made: Written = self._library.names[name]
        return made


class _Key:
    """A model and its size, by which functions are kept. Equal keys may have different instances."""

    __slots__ = ("model", "what")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.what = (type(model), tuple(model.scope.sizes.items()), tuple(model.scope.parameters.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.what == other.what

    def __hash__(self) -> int:
        return hash(self.what)


@lru_cache(maxsize=MOST_KEPT)
def _functions_of(key: _Key) -> Functions:
    return Functions(key.model)


class DirectMachine:
    """What a follower asks of a model. To be used within the scope of the model.

    What nothing explains is looked at once more by the reference alone: `trusting` is false then.
    """

    def __init__(self, reference: PythonMachine) -> None:
        self.reference = reference
        self.trusting = True
        self._functions = _functions_of(_Key(reference.model))
        module = reference.module
        self._parameters = {f.name: tuple(a.name for a in f.arguments) for f in module.functions.values()}
        self._open = {
            f.name: any(a.domain is not None for a in f.arguments) for f in module.of_kind(Kind.ACTION)
        }

    def take(
        self, state: Values, name: str, given: Mapping[str, Any]
    ) -> list[tuple[Values, Values | OutOfBounds]]:
        """See PythonMachine."""
        step = self._functions[name]
        wanted = self._parameters[name]
        if step is None or not self.trusting:
            return self.reference.take(state, name, given)
        try:
            if len(given) == len(wanted):
                arguments = tuple([given[p] for p in wanted])
                after = step(state, *arguments)
                return [] if after is None else [(arguments, after)]
            if self._open[name]:
                return self.reference.take(state, name, given)
            found = [(a, step(state, *a)) for a in self.reference.choices(name, given)]
        except Exception:  # noqa: BLE001  # whatever it is, the reference says what is wrong
            return self.reference.take(state, name, given)
        return [(a, after) for a, after in found if after is not None]

    def ask(self, state: Values, name: str, arguments: Values) -> Any:
        """See PythonMachine."""
        asked = self._functions[name]
        if asked is not None and self.trusting and len(arguments) == len(self._parameters[name]):
            try:
                return asked(state, *arguments)
            except Exception:  # noqa: BLE001, S110  # as above
                pass
        return self.reference.ask(state, name, arguments)

    def holds(self, name: str, state: Values) -> bool:
        """Whether an invariant is true in a state. Raises StepError."""
        asked = self._functions[name]
        if asked is not None and self.trusting and not self._parameters[name]:
            try:
                return bool(asked(state))
            except Exception:  # noqa: BLE001, S110  # as above
                pass
        return self.reference.refuted_by(name, state) is None

    def step_holds(self, name: str, before: Values, state: Values) -> bool:
        """See PythonMachine."""
        asked = self._functions[name]
        if asked is not None and self.trusting:
            try:
                return bool(asked(state, before))
            except Exception:  # noqa: BLE001, S110  # as above
                pass
        return self.reference.step_holds(name, before, state)
