"""Generated models: the text of a complete file, and what to instantiate from it.

`model_texts()` is the Hypothesis strategy; `random_model(seed)` the same from a seed. Variables of few values, guards and small
sizes keep most of the state spaces between a handful and a few thousand states.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from tests.generate import worlds
from tests.generate.choices import Chooser, HypothesisSource, RandomSource
from tests.generate.containers import wrap_element
from tests.generate.expressions import EMPTY
from tests.generate.scope import Function, Name, Scope, World, collection_item, wrap
from tests.generate.statements import Statements
from tests.generate.types import (
    BOOL,
    BagType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    annotation,
    cardinality,
    has_zero,
)
from tests.generate.updates import Frame, Lines, indented

STATES_MOST = 30_000
"""The product of the variables' cardinalities stays below this."""

LANGUAGE = "ratified"
PARAMETER_VALUES_MOST = 6
"""Parameters over which an action is possible without more ado have at most so many values."""

ACTIONS = ("send", "receive", "grant", "tick", "crash")
VARIABLES = ("holder", "seen", "log", "term", "votes")
IMPORTED = (
    "AtMost",
    "Bag",
    "Map",
    "Model",
    "Ordered",
    "Param",
    "Range",
    "Seq",
    "Set",
    "Sort",
    "Symmetric",
    "action",
    "action_constraint",
    "assume",
    "choose",
    "constraint",
    "enabled",
    "first",
    "invariant",
    "last",
    "majorities",
    "maps",
    "record",
    "replace",
    "require",
    "sequences",
    "step_invariant",
    "subsets",
)


@dataclass(frozen=True, slots=True, repr=False)
class GeneratedModel:
    """A model's file: its text, the class to instantiate, and the sizes and parameters to give."""

    text: str
    name: str
    sizes: Mapping[str, int]
    parameters: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"\n{self}"

    def __str__(self) -> str:
        given = {**self.sizes, **self.parameters}
        return (
            f"{self.text}\n# {self.name}({', '.join(f'{name}={value}' for name, value in given.items())})\n"
        )


def random_model(seed: int) -> GeneratedModel:
    """The model of a seed."""
    return ModelWriter(Chooser(RandomSource(seed))).model()


@st.composite
def model_texts(draw: st.DrawFn) -> GeneratedModel:
    """Models that shrink: fewer variables, actions and statements, simpler expressions."""
    return ModelWriter(Chooser(HypothesisSource(draw))).model()


@dataclass(frozen=True, slots=True)
class Method:
    """A method that a variant may override: its name, decorator and `def`, parameters, and what it returns."""

    name: str
    head: tuple[str, ...]
    parameters: tuple[Name, ...]
    result: Type | None


class ModelWriter(Statements):
    """Writes one file."""

    world: World
    limit: int | None
    methods: list[Method]
    moved: bool

    def model(self) -> GeneratedModel:
        """A file with a model, and perhaps a variant of it."""
        self.methods = []
        self.moved = False
        self.world = self.draw_world()
        self.limit = 1 + self.choose.below(2) if self.choose.chance(20) else None
        scope, top = self._functions()
        body, scope, frame = self._base(scope)
        classes = [*body]
        name = "Base"
        if self.choose.chance(25):
            name = "Variant"
            classes += self._variant(scope, frame)
        lines = [*worlds.declarations(self.world), *top, *classes]
        sizes = {sort.name: sort.size for sort in self.world.sorts}
        parameters = {"limit": self.limit} if self.limit is not None and self.choose.chance(50) else {}
        return GeneratedModel(assemble(lines), name, sizes, parameters)

    def draw_world(self) -> World:
        """The declarations of the file."""
        return worlds.draw_world(self.choose)

    # --- functions and records ----------------------------------------------------------------------------------------

    def _functions(self) -> tuple[Scope, Lines]:
        """Records with their methods, then plain functions."""
        scope, lines = Scope(self.world), list[str]()
        for record in self.world.records:
            lines += [
                "",
                "",
                "@record",
                f"class {record.name}:",
                f'    """Said by somebody: {record.name}."""',
            ]
            lines += [f"    {name}: {annotation(kind)}" for name, kind in record.fields]
            if record.fields and self.choose.chance(25):
                method = Function(
                    f"is_{record.name.lower()}", (record, worlds.scalar(self.choose, self.world)), BOOL, True
                )
                lines += ["", *indented(self._method(record, method, scope))]
                scope = scope.calling(method)
        aliases = worlds.union_aliases(self.world)
        lines += ["", "", *aliases] if aliases else []
        for number in self.choose.several(0, 2, 35):
            function, text, _ = self._function(scope, f"fun{number}")
            lines += ["", "", *text]
            scope = scope.calling(function)
        return scope, lines

    def _method(self, record: RecordType, method: Function, scope: Scope) -> Lines:
        inside = scope.having(
            Name("other", method.parameters[1]), *(Name(f"self.{name}", kind) for name, kind in record.fields)
        )
        head = f"def {method.text}(self, other: {annotation(method.parameters[1], bounds=False)}) -> bool:"
        return [head, *indented(self.pure(inside, BOOL, 1))]

    def _signature(self, most: int) -> tuple[tuple[Name, ...], str]:
        names = [
            Name(self.fresh("p"), worlds.argument(self.choose, self.world))
            for _ in self.choose.several(1, most, 40)
        ]
        bounds = self.choose.chance(15)
        return tuple(names), ", ".join(
            f"{name.text}: {annotation(name.kind, bounds=bounds)}" for name in names
        )

    def _result(self, scope: Scope) -> Type:
        kind = worlds.argument(self.choose, self.world)
        return kind if self.can(scope, kind) else BOOL

    def _function(self, scope: Scope, text: str) -> tuple[Function, Lines, tuple[Name, ...]]:
        names, written = self._signature(2)
        inside = scope.having(*names)
        result = self._result(inside)
        head = f"def {text}({written}) -> {annotation(result, bounds=False)}:"
        function = Function(text, tuple(name.kind for name in names), result)
        return function, [head, *indented(self.pure(inside, result))], names

    # --- the class ----------------------------------------------------------------------------------------------------

    def _base(self, scope: Scope) -> tuple[Lines, Scope, Frame]:
        variables, declared = self._variables()
        lines = ["", "", "class Base(Model):", '    """A model of nothing in particular."""', ""]
        if self.limit is not None:
            lines.append(f"    limit: Param[int] = {self.limit}")
        lines += indented(declared)
        names = tuple(Name(f"self.{name}", kind) for name, kind in variables)
        outside = scope
        if self.limit is not None:
            outside = outside.having(Name("self.limit", IntType(0, 3)))
        scope = outside.having(*names)
        lines += self._init(outside, names)
        scope, frame, helpers = self._helpers(scope, Frame(names))
        lines += helpers
        for number in self.choose.several(1, 5, 70):
            lines += self._action(scope, frame, ACTIONS[number])
        lines += self._properties(scope)
        return lines, scope, frame

    def _variables(self) -> tuple[list[tuple[str, Type]], Lines]:
        variables: list[tuple[str, Type]] = []
        lines: Lines = []
        budget = STATES_MOST
        for number in self.choose.several(1, 4, 75):
            kind = worlds.variable(self.choose, self.world, budget)
            if self.limit is not None and isinstance(kind, IntType | SeqType) and self.choose.chance(70):
                kind = self._bounded_by_parameter(kind)
            budget = max(2, budget // max(1, cardinality(kind)))
            variables.append((VARIABLES[number], kind))
            lines.append(f"{VARIABLES[number]}: {annotation(kind)}{self._default(kind)}")
        return variables, lines

    def _bounded_by_parameter(self, kind: IntType | SeqType) -> Type:
        assert self.limit is not None
        if isinstance(kind, SeqType):
            return SeqType(kind.item, self.limit, '"limit"')
        if self.choose.chance(30):
            sort = self.world.sorts[0]
            return IntType(0, sort.size, f'Annotated[int, Range(0, "len({sort.name})")]')
        return IntType(0, self.limit + 1, 'Annotated[int, Range(0, "limit + 1")]')

    def _default(self, kind: Type) -> str:
        if self.choose.chance(75) or cardinality(kind) > 200:
            return ""
        text = self.simplest(Scope(self.world), kind)
        return f" = {text}" if text and ("(" not in text or text in EMPTY) else ""

    def _init(self, scope: Scope, variables: tuple[Name, ...]) -> Lines:
        needy = [name for name in variables if not has_zero(name.kind)]
        if not needy and not self.choose.chance(40):
            return []
        parameters = [Name(self.fresh("p"), sort) for sort in dict.fromkeys(self._sorts_needed(needy))]
        if self.choose.chance(50):
            parameters.append(Name(self.fresh("p"), worlds.parameter(self.choose, self.world)))
        inside = scope.having(*parameters)
        body = [f"require({self.boolean(inside, 1)})"] if parameters and self.choose.chance(25) else []
        for name in [*needy, *(name for name in variables if name not in needy and self.choose.chance(35))]:
            if self.can(inside, name.kind):
                body.append(f"{name.text} = {self.expr(inside, name.kind, 1)}")
                inside = inside.having(name)
        written = "".join(f", {name.text}: {annotation(name.kind)}" for name in parameters)
        return ["", f"    def init(self{written}) -> None:", *indented(indented(body or ["pass"]))]

    def _sorts_needed(self, needy: list[Name]) -> list[SortType]:
        return [sort for name in needy for sort in sorts_in(name.kind) if sort.base == "Symmetric"]

    def _helpers(self, scope: Scope, frame: Frame) -> tuple[Scope, Frame, Lines]:
        lines: Lines = []
        for number in self.choose.several(0, 2, 40):
            function, text, names = self._function(scope, f"help{number}")
            method = replace(function, text=f"self.{function.text}")
            head = text[0].replace("(", "(self, ", 1)
            lines += ["", *indented([head, *text[1:]])]
            self.methods.append(Method(function.text, (head,), names, function.result))
            scope = scope.calling(method)
        if self.choose.chance(30):
            names, written = self._signature(2)
            body = self.effects(scope.having(*names), frame)
            lines += ["", f"    def note(self, {written}) -> None:", *indented(indented(body))]
            frame = replace(
                frame, procedures=(Function("self.note", tuple(name.kind for name in names), BOOL),)
            )
        return scope, frame, lines

    # --- actions ------------------------------------------------------------------------------------------------------

    def _action(self, scope: Scope, frame: Frame, name: str) -> Lines:
        parameters: list[Name] = []
        guards: Lines = []
        for _ in self.choose.several(0, 2, 50):
            parameter, guard = self._action_parameter(scope)
            parameters.append(parameter)
            guards += guard
        moving: Lines = []
        if not self.moved or self.choose.chance(75):
            more, moving = self._move(scope, frame)
            parameters += more
        written = "".join(f", {each.text}: {annotation(each.kind)}" for each in parameters)
        body = self._action_body(scope.having(*parameters), frame, moving)
        docstring = [f'"""Possible now and then: {name}."""'] if self.choose.chance(20) else []
        head = ("@action", f"def {name}(self{written}) -> None:")
        self.methods.append(Method(name, head, tuple(parameters), None))
        return ["", *indented([*head, *indented([*docstring, *guards, *body])])]

    def _action_parameter(self, scope: Scope) -> tuple[Name, Lines]:
        found = [
            atom for atom in scope.atoms() if (item := collection_item(atom.kind)) and self._compound(item)
        ]
        if found and self.choose.chance(45):
            atom = self.choose.pick(found)
            item = collection_item(atom.kind)
            assert item is not None
            name = Name(self.fresh("m"), item)
            return name, [f"require({name.text} in {atom.text})"]
        return Name(self.fresh("a"), worlds.parameter(self.choose, self.world)), []

    def _compound(self, kind: Type) -> bool:
        return isinstance(kind, RecordType | UnionType | TupleType)

    def _move(self, scope: Scope, frame: Frame) -> tuple[list[Name], Lines]:
        """A change of some variable to what new parameters say: what makes state spaces grow."""
        place = self.choose.pick(frame.places)
        text, kind = place.text, place.kind
        parameters: list[Name] = []
        while isinstance(kind, MapType):
            parameters.append(Name(self.fresh("a"), kind.key))
            text, kind = f"{text}[{parameters[-1].text}]", kind.value
        wanted = collection_item(kind) or kind
        inner = wanted.inner if isinstance(wanted, OptionType) and self.choose.chance(70) else wanted
        inside = scope.having(*parameters)
        if cardinality(inner) <= PARAMETER_VALUES_MOST:
            parameters.append(Name(self.fresh("a"), inner))
            value = parameters[-1].text
        elif self.can(inside, wanted):
            value = self.expr(inside, wanted, 1)
        else:
            return parameters, []
        return parameters, self._moved(text, kind, value)

    def _moved(self, text: str, kind: Type, value: str) -> Lines:
        match kind:
            case SetType(_, limit):
                lines = self._unless(f"len({text}) < {limit}", f"{text}.add({value})", 15 if limit else 100)
            case BagType():
                lines = self._put(text, kind, value)
            case SeqType(_, limit):
                lines = self._unless(f"len({text}) < {limit}", f"{text}.append({value})", 12)
            case IntType(_, high) if self.choose.chance(40):
                lines = self._unless(f"{text} < {high}", f"{text} += 1", 12)
            case SortType() if kind.ordered and self.choose.chance(50):
                lines = self._raised(text)
            case _:
                lines = [f"{text} = {value}"]
        return lines

    def _action_body(self, scope: Scope, frame: Frame, moving: Lines) -> Lines:
        lines: Lines = []
        for _ in self.choose.several(0, 0 if moving and not self.moved else 2, 25):
            if self.choose.chance(30):
                more, scope = self.binding(scope)
                lines += more
            lines.append(f"require({self._guard(scope)})")
        lines += moving
        self.moved = self.moved or bool(moving)
        return lines if moving and self.choose.chance(40) else [*lines, *self.effects(scope, frame)]

    def _guard(self, scope: Scope) -> str:
        text = self.boolean(scope, 1 if self.choose.chance(70) else 2)
        return "True" if text == "False" else text

    # --- properties ---------------------------------------------------------------------------------------------------

    def _properties(self, scope: Scope) -> Lines:
        careless, self.careless = self.careless, 1
        lines: Lines = []
        for number in self.choose.several(0, 3, 55):
            lines += self._invariant(scope, f"safe{number}")
        if self.choose.chance(25):
            old = [
                Name(name.text.replace("self.", "old.", 1), name.kind)
                for name in scope.names
                if name.text != "self.limit"
            ]
            before = [
                replace(one, text=one.text.replace("self.", "old.", 1))
                for one in scope.functions
                if one.text.startswith("self.")
            ]
            claim = self._claimed(scope.having(*old).calling(*before))
            lines += [
                "",
                "    @step_invariant",
                "    def steady(self, old: Self) -> bool:",
                f"        return {claim}",
            ]
        if self.choose.chance(8):
            claim = self._claimed(scope)
            lines += ["", "    @constraint", "    def small(self) -> bool:", f"        return {claim}"]
        self.careless = careless
        return lines

    def _invariant(self, scope: Scope, name: str) -> Lines:
        parameter = (
            Name(self.fresh("a"), self.choose.pick(self.world.sorts)) if self.choose.chance(20) else None
        )
        inside = scope.having(parameter) if parameter else scope
        written = f", {parameter.text}: {annotation(parameter.kind)}" if parameter else ""
        body = self.pure(inside, BOOL) if self.choose.chance(20) else [f"return {self._claimed(inside)}"]
        head = ("@invariant", f"def {name}(self{written}) -> bool:")
        self.methods.append(Method(name, head, (parameter,) if parameter else (), BOOL))
        return ["", *indented([*head, *indented(body)])]

    def _claimed(self, scope: Scope) -> str:
        """Something that is true more often than not."""
        match self.choose.below(4):
            case 0 if self.choose.chance(50):
                return self.boolean(scope, 2)
            case 0 | 1:
                either = f"{wrap(self.boolean(scope, 1))} or {wrap(self.boolean(scope, 2))}"
                return f"not {wrap(self.boolean(scope, 1))} or {either}"
            case 2:
                clauses, inner = self.clauses(scope, 1)
                either = " or ".join(wrap(self.boolean(inner, 1)) for _ in range(3))
                return f"all({wrap_element(either)} {clauses})"
            case _:
                return " or ".join(wrap(self.boolean(scope, 1)) for _ in range(4))

    # --- a variant ----------------------------------------------------------------------------------------------------

    def _variant(self, scope: Scope, frame: Frame) -> Lines:
        """A subclass that overrides some of the model, calling what it overrides or not, and may add to it."""
        lines = ["", "", "class Variant(Base):", '    """The same, but different."""']
        if self.choose.chance(40):
            kind = worlds.scalar(self.choose, self.world)
            if has_zero(kind):
                lines += ["", f"    more: {annotation(kind)}"]
                scope = scope.having(Name("self.more", kind))
                frame = replace(frame, places=(*frame.places, Name("self.more", kind)))
        overridden = [self.choose.pick(self.methods)]
        if self.choose.chance(50):
            overridden += [
                method for method in self.methods if method.result is not None and method not in overridden
            ][:1]
        for method in overridden:
            lines += ["", *indented(self._override(scope, frame, method))]
        if self.choose.chance(25):
            lines += self._action(scope, frame, "extra")
        return lines

    def _override(self, scope: Scope, frame: Frame, method: Method) -> Lines:
        inside = scope.having(*method.parameters)
        inherited = f"super().{method.name}({', '.join(name.text for name in method.parameters)})"
        if method.result is None:
            body = [inherited] if self.choose.chance(70) else []
            guard = [f"require({self._guard(inside)})"] if self.choose.chance(50) else []
            return [*method.head, *indented([*guard, *body, *self.effects(inside, frame, 2)])]
        inside = replace(
            inside, functions=tuple(one for one in inside.functions if not one.text.startswith("self."))
        )
        value = self.expr(inside, method.result, 1)
        if self.choose.chance(60):
            connective = self.choose.pick(["and", "or"])
            if method.result == BOOL and self.choose.chance(50):
                return [*method.head, f"    return {inherited} {connective} {wrap(value)}"]
            return [*method.head, f"    return {value} if {self.boolean(inside, 1)} else {inherited}"]
        return [*method.head, f"    return {value}"]


def sorts_in(kind: Type) -> list[SortType]:
    """The sorts that a value of this type must mention."""
    match kind:
        case SortType():
            return [kind]
        case OptionType():
            return []
        case TupleType(items):
            return [sort for item in items for sort in sorts_in(item)]
        case RecordType(_, fields):
            return [sort for _, each in fields for sort in sorts_in(each)]
        case UnionType(members):
            return sorts_in(members[0])
        case _:
            return [sort for part in (getattr(kind, "value", None),) if part for sort in sorts_in(part)]


def assemble(lines: Lines) -> str:
    """The file: imports of what it uses, then the lines."""
    body = "\n".join(lines)
    used = set(re.findall(r"\w+", body))
    typing = [name for name in ("Annotated", "Literal", "Self") if name in used]
    head = ["from enum import Enum"] if "Enum" in used else []
    iterators = [name for name in ("pairwise", "permutations", "product") if name in used]
    head += [f"from itertools import {', '.join(iterators)}"] if iterators else []
    head += [f"from typing import {', '.join(typing)}"] if typing else []
    head += [""] if head else []
    head.append(f"from {LANGUAGE} import {', '.join(name for name in IMPORTED if name in used)}")
    return "\n".join(['"""A generated model."""', "", *head, body.rstrip(), ""])


__all__ = ["GeneratedModel", "ModelWriter", "World", "assemble", "model_texts", "random_model"]
