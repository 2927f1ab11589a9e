"""The reference machine: CPython runs the model's own methods."""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from operator import itemgetter
from types import CodeType, FunctionType, MethodType
from typing import Any

from ratified.language.api import Disabled, answering
from ratified.language.compile.methods import methods_of
from ratified.language.compile.restricting import asked_first
from ratified.language.errors import ModelError, Span
from ratified.language.guards import Guards
from ratified.language.ir import Argument, Assert, Function, Kind, Module, walk
from ratified.language.machine.choices import Choices, Lazily
from ratified.language.machine.failures import StepError, explained, places, where
from ratified.language.machine.steps import OutOfBounds, Pulse, Values, abstract_model, image_of
from ratified.language.model import Model
from ratified.language.scope import running
from ratified.language.sorts import BoundLeft
from ratified.language.source import definition, of_the_author, span_of
from ratified.language.types import Type, as_held, held_otherwise
from ratified.language.uses import guards_first
from ratified.language.values import attached

BETWEEN_PULSES = 64
"""So many choices of arguments are tried from one pulse to the next."""


def _assertions_count(module: Module) -> None:
    """Refuse a model with an `assert` where Python has compiled none: what is wrong with the model would never be told."""
    if __debug__:
        return
    for function in module.functions.values():
        for node in (n for statement in function.body for n in walk(statement)):
            if isinstance(node, Assert):
                raise ModelError(
                    "Python skips assertions (-O, or PYTHONOPTIMIZE is set), and this model has one",
                    span=node.span,
                    remedy="run Python without -O, and unset PYTHONOPTIMIZE",
                )


def _nothing() -> None:
    """The pulse of who cannot be asked to end."""


class PythonMachine:
    """The reference: CPython runs the methods of the class as they stand."""

    def __init__(self, model: Model) -> None:
        self.model = model.twin()
        self.module = model.module
        _assertions_count(self.module)
        self.actions = self.module.of_kind(Kind.ACTION)
        self._probe = (
            model.twin()
        )  # properties are asked while steps are under way: they have variables of their own
        self._old = model.twin()
        self._names = tuple(d.name for d in self.module.variables)
        self._functions = {name: method.function for name, method in methods_of(type(model)).items()}
        self._constrain()
        self._abstract: dict[str, Model] = {}
        self._quiet = {f.name: guards_first(f.body) for f in self.actions}
        self._state = _reader(self._names)
        if any(held_otherwise(d.type) for d in self.module.variables):
            self._state = _as_held(self._state, [d.type for d in self.module.variables])
        self._choices = Lazily(self._choices_of)
        # What is in the variables of the model, and of the probe: of a state close to it, little has to be put there.
        self._nowhere: Values = tuple(object() for _ in self._names)
        self._in_model = self._in_probe = self._nowhere
        self._parameters = {f.name: tuple(a.name for a in f.arguments) for f in self.actions}

    def replace(self, functions: Mapping[str, FunctionType]) -> None:
        """Run other functions in place of methods, which do the same and tell of it; for this machine alone."""
        self._functions.update(functions)
        self._constrain()
        for model in (self.model, self._probe):
            model.__dict__.update({name: MethodType(f, model) for name, f in functions.items()})

    def _constrain(self) -> None:
        """Let each action end with what the action constraints say of its step."""
        methods = methods_of(type(self.model)).values()
        if constraints := [m.function for m in methods if m.kind is Kind.ACTION_CONSTRAINT]:
            before = self.model.twin()
            for action in self.actions:
                function = inspect.unwrap(self._functions[action.name])
                self._functions[action.name] = _constrained(function, constraints, before, self._names)

    def _enter(self, state: Values) -> None:
        """Give the model's variables the values of a state."""
        held = self._in_model
        if state is not held:
            model = self.model
            places, d = model._places, model.__dict__
            # Whatever fails on the way, the variables are then those of no state.
            self._in_model = self._nowhere
            for name, value, old in zip(self._names, state, held, strict=True):
                if value is not old:
                    d[name] = attached(value, places[name])
            self._in_model = state

    def _probed(self, state: Values) -> Model:
        """The probe, with the values of a state."""
        held = self._in_probe
        if state is not held:
            d = self._probe.__dict__
            for name, value, old in zip(self._names, state, held, strict=True):
                if value is not old:
                    d[name] = value
            self._in_probe = state
        return self._probe

    def _choices_of(self, name: str) -> Choices:
        function = next(f for f in self.module.functions.values() if f.key == f.name == name)
        with running(self.model.scope):
            return Choices(function, self.model.scope, self._domain(function))

    def _domain(self, function: Function) -> Callable[[Argument], Callable[[Values], Iterable[Any]]]:
        """A guard's container, evaluated by CPython from its own source text."""

        def domain(argument: Argument) -> Callable[[Values], Iterable[Any]]:
            assert argument.domain is not None
            before, container = asked_first(argument.domain)
            asked = [self._asked(function, one.span) for one in before]
            inside = self._asked(function, container.span)

            def evaluate(chosen: Values) -> Iterable[Any]:
                found: Iterable[Any] = inside(chosen) if all(one(chosen) for one in asked) else ()
                return found

            return evaluate

        return domain

    def _asked(self, function: Function, span: Span) -> Callable[[Values], Any]:
        """What a stretch of a guard's source is worth, once the first parameters are chosen."""
        raw, code = self._source_of(self._functions[function.name], span)
        node, _ = definition(raw)
        me = node.args.args[0].arg
        names = [a.name for a in function.arguments]
        free = dict(
            zip(raw.__code__.co_freevars, (c.cell_contents for c in raw.__closure__ or ()), strict=True)
        )

        def evaluate(chosen: Values) -> Any:
            local = {**free, me: self.model, **dict(zip(names, chosen, strict=False))}
            return eval(code, {**raw.__globals__, **local})  # noqa: S307  # the model's own source

        return evaluate

    def _source_of(self, raw: FunctionType, span: Span) -> tuple[FunctionType, CodeType]:
        """The method in whose source a stretch stands, and that as an expression: `raw`, or another that it calls."""
        for klass in type(self.model).__mro__:
            written = [f for name, f in vars(klass).items() if not name.startswith("__")]
            for method in (raw, *written):
                function = inspect.unwrap(method) if isinstance(method, FunctionType) else None
                if function is None or not of_the_author(function.__code__.co_filename):
                    continue
                if code := _code_at(function, span):
                    return function, code
        raise AssertionError(span)

    def initial(self) -> list[tuple[Values, Values | OutOfBounds]]:
        """See Machine."""
        return list(self.each_initial())

    def each_initial(self, pulse: Pulse = _nothing) -> Generator[tuple[Values, Values | OutOfBounds]]:
        """See Machine."""
        d = self.model.__dict__
        self._in_model = self._nowhere
        with running(self.model.scope):
            zeros = self.model.zeros()
            init = self._functions.get("init")
            for tried, arguments in enumerate(self._choices["init"] if init else [()], 1):
                if not tried % BETWEEN_PULSES:
                    pulse()
                for name in self._names:
                    d.pop(name, None)
                d.update(zeros)
                try:
                    if init:
                        init(self.model, *arguments)
                except Disabled:
                    continue
                except BoundLeft as left:
                    yield arguments, OutOfBounds(left.what, where(left.__traceback__), left.kind)
                    continue
                except Exception as problem:  # noqa: BLE001  # a model may raise anything
                    raise StepError(explained(problem), "init", arguments, None) from None
                missing = [n for n in self._names if n not in d]
                if missing:
                    span = self.module.functions["init"].span
                    problem_ = ModelError(
                        f"init does not assign `{missing[0]}`", span=span, remedy="assign it on every path"
                    )
                    raise StepError(problem_, "init", arguments, None)
                yield arguments, self._state(d)

    def steps(self, state: Values) -> list[tuple[int, Values, Values | OutOfBounds]]:
        """See Machine."""
        return list(self.each_step(state))

    def each_step(
        self, state: Values, pulse: Pulse = _nothing
    ) -> Generator[tuple[int, Values, Values | OutOfBounds]]:
        """See Machine. Between two steps the machine may be asked about other states, and not be stepped elsewhere."""
        model = self.model
        d = model.__dict__
        places = model._places
        # A state may come from elsewhere (another machine, a renaming): its containers must stand in this model to be updated.
        before = {name: attached(value, places[name]) for name, value in zip(self._names, state, strict=True)}
        read = self._state
        self._in_model = self._nowhere
        with running(model.scope):
            d.update(before)
            for index, action in enumerate(self.actions):
                function = self._functions[action.name]
                quiet = self._quiet[action.name]
                for tried, arguments in enumerate(self._possible(action.name, state), 1):
                    if not tried % BETWEEN_PULSES:
                        pulse()
                    try:
                        function(model, *arguments)
                    except Disabled:
                        if not quiet:
                            d.update(before)
                        continue
                    except BoundLeft as left:
                        d.update(before)
                        yield index, arguments, OutOfBounds(left.what, where(left.__traceback__), left.kind)
                        continue
                    except Exception as problem:  # noqa: BLE001  # a model may raise anything
                        raise StepError(explained(problem), action.name, arguments, state) from None
                    after = read(d)
                    d.update(before)
                    yield index, arguments, after

    def take(
        self, state: Values, name: str, given: Mapping[str, Any], most: int | None = None
    ) -> list[tuple[Values, Values | OutOfBounds]]:
        """The steps of one action from a state, with some or all of its arguments given, whatever they range over.

        Each comes with all its arguments. None are possible where a guard is false; `why_not` says which. At most `most` choices
        of arguments are tried. Raises StepError.
        """
        wanted = self._parameters[name]
        found: list[tuple[Values, Values | OutOfBounds]] = []
        with running(self.model.scope):
            if len(given) == len(wanted):
                arguments = tuple([given[p] for p in wanted])
                if (after := self._taken(state, name, arguments)) is not None:
                    found.append((arguments, after))
                return found
            self._enter(state)
            for arguments in itertools.islice(self._choices[name].among(given), most):
                if (after := self._taken(state, name, arguments)) is not None:
                    found.append((arguments, after))
                self._enter(state)  # which the next choice may depend on
        return found

    def _taken(self, state: Values, name: str, arguments: Values) -> Values | OutOfBounds | None:
        """Where a step leads; None if it is not possible."""
        model = self.model
        self._enter(state)
        try:
            self._functions[name](model, *arguments)
        except Disabled:
            if not self._quiet[name]:
                self._in_model = self._nowhere
            return None
        except BoundLeft as left:
            self._in_model = self._nowhere
            return OutOfBounds(left.what, where(left.__traceback__), left.kind)
        except Exception as problem:  # noqa: BLE001  # a model may raise anything
            self._in_model = self._nowhere
            raise StepError(explained(problem), name, arguments, state) from None
        after = self._in_model = self._state(model.__dict__)
        return after

    def choices(self, name: str, given: Mapping[str, Any]) -> Iterator[Values]:
        """All arguments of a function of which no guard restricts any, with these given. To be used within the model's scope."""
        return self._choices[name].among(given)

    def possible(self, state: Values, name: str, arguments: Values = ()) -> bool:
        """Whether the guards of an action let it pass in a state with these arguments; without arguments, with any.

        What goes wrong after the guards does not matter. Raises what goes wrong in them, BoundLeft too.
        """
        with running(self.model.scope):
            self._enter(state)
            for given in [arguments] if arguments or not self._parameters[name] else self._choices[name]:
                self._enter(state)  # which the choice before it may have changed
                if self._passes(name, given):
                    return True
        return False

    def _passes(self, name: str, arguments: Values) -> bool:
        self._in_model = self._nowhere
        try:
            self._functions[name](self.model, *arguments)
        except Disabled:
            return False
        except Exception as problem:
            guards, action = Guards(self.module.functions), self.module.functions[name]
            if not any(guards.after(action, place) for place in places(problem.__traceback__)):
                raise
        return True

    def why_not(self, state: Values, name: str, arguments: Values) -> Span | None:
        """The guard that is false in a state, where an action is not possible with its arguments."""
        return self.why_unchanged(state, lambda model: self._functions[name](model, *arguments))

    def why_unchanged(self, state: Values, how: Callable[[Any], None]) -> Span | None:
        """The guard that is false in a state, where a function that is handed the model `require`s in vain."""
        with running(self.model.scope):
            self._enter(state)
            self._in_model = self._nowhere
            try:
                how(self.model)
            except Disabled as disabled:
                return where(disabled.__traceback__)
            except BoundLeft:
                pass
        return None

    def ask(self, state: Values, name: str, arguments: Values) -> Any:
        """What a method of the model that changes nothing answers in a state. Raises StepError."""
        with running(self.model.scope):
            try:
                return getattr(self._probed(state), name)(*arguments)
            except Exception as problem:  # noqa: BLE001  # a model may raise anything
                raise StepError(explained(problem), name, arguments, state) from None

    def change(self, state: Values, how: Callable[[Any], None]) -> Values | None:
        """A state as a function has changed it, which is handed the model with its variables; None if it `require`d in vain."""
        model = self.model
        with running(model.scope):
            self._enter(state)
            held = self._state(model.__dict__)
            self._in_model = self._nowhere
            try:
                how(model)
            except Disabled:
                return None
            after = self._state(model.__dict__)
            self._in_model = found = state if after == held else after  # it may only have asked something
            return found

    def _possible(self, name: str, state: Values) -> Iterator[Values]:
        choices = iter(self._choices[name])
        while True:
            try:
                arguments = next(choices)
            except StopIteration:
                return
            except Exception as problem:  # noqa: BLE001  # a model may raise anything
                raise StepError(explained(problem), name, (), state) from None
            yield arguments

    def refuted_by(self, name: str, state: Values) -> Values | None:
        """See Machine."""
        function = self._functions[name]
        self._probed(state)
        with running(self.model.scope):
            for arguments in self._choices[name]:
                try:
                    if not function(self._probe, *arguments):
                        return arguments
                except Exception as problem:  # noqa: BLE001  # a model may raise anything
                    raise StepError(explained(problem), name, arguments, state) from None
        return None

    def answers(self, name: str, state: Values) -> list[tuple[Values, Any]]:
        """See Machine."""
        function = self._functions[name]
        self._probed(state)
        found: list[tuple[Values, Any]] = []
        with running(self.model.scope):
            for arguments in self._choices[name]:
                try:
                    found.append((arguments, function(self._probe, *arguments)))
                except Exception as problem:  # noqa: BLE001  # a model may raise anything
                    raise StepError(explained(problem), name, arguments, state) from None
        return found

    def step_holds(self, name: str, old: Values, new: Values) -> bool:
        """See Machine."""
        self._old.__dict__.update(zip(self._names, old, strict=True))
        self._probed(new)
        with running(self.model.scope):
            try:
                return bool(self._functions[name](self._probe, self._old))
            except Exception as problem:  # noqa: BLE001  # a model may raise anything
                raise StepError(explained(problem), name, (), new) from None

    def image(self, name: str, state: Values) -> Values:
        """See Machine."""
        if name not in self._abstract:
            self._abstract[name] = abstract_model(self.model, name)
        abstract = self._abstract[name]
        self._probed(state)
        names = [d.name for d in abstract.module.variables]
        for variable in names:
            abstract.__dict__.pop(variable, None)
        with running(self.model.scope):
            try:
                self._functions[name](self._probe, abstract)
            except Exception as problem:  # noqa: BLE001  # a model may raise anything
                raise StepError(explained(problem), name, (), state) from None
        return image_of(self.module.functions[name], names, abstract.__dict__, state)


def _constrained(
    function: FunctionType, constraints: Sequence[Callable[..., bool]], before: Model, names: Sequence[str]
) -> FunctionType:
    """An action that is not possible where a constraint of steps is false."""

    @wraps(function)
    def step(model: Model, *arguments: Any) -> None:
        old = [model.__dict__[name] for name in names]
        function(model, *arguments)
        before.__dict__.update(zip(names, old, strict=True))
        if not all(constraint(model, before) for constraint in constraints):
            raise Disabled

    return step  # type: ignore[return-value]  # a function


def _as_held(
    read: Callable[[dict[str, Any]], Values], types: Sequence[Type]
) -> Callable[[dict[str, Any]], Values]:
    """What makes a state in which what the source wrote is as other engines have it: members for texts, maps with all keys."""
    otherwise = [held_otherwise(t) for t in types]

    def state(variables: dict[str, Any]) -> Values:
        found = read(variables)
        changed = zip(types, found, otherwise, strict=True)
        return tuple(as_held(t, v) if yes else v for t, v, yes in changed)

    return state


def _reader(names: Sequence[str]) -> Callable[[dict[str, Any]], Values]:
    """What makes a state of the variables of a running model."""
    if len(names) > 1:
        return itemgetter(*names)  # a tuple, at C speed
    return lambda variables: tuple(variables[name] for name in names)


def _code_at(function: FunctionType, span: Span) -> CodeType | None:
    """A stretch of a function's source as an expression; None if it is not there."""
    node, file = definition(function)
    if file != span.file or not node.lineno <= span.line <= (node.end_lineno or node.lineno):
        return None
    for inner in ast.walk(node):
        if isinstance(inner, ast.expr) and span_of(inner, file) == span:
            return compile(ast.Expression(inner), file, "eval")
    return None


answering(PythonMachine)
