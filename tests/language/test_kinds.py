"""A kind of type that is new is refused by whatever has no rule for it, and taken for no other one."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

import ratified
from ratified import Model, Param, action, check, invariant, record
from ratified.explore.native.codegen.program import generate
from ratified.interchange.raw import RawName
from ratified.itf import as_itf
from ratified.itf.format import ItfRun, typed
from ratified.language.errors import RatifiedError
from ratified.language.kinds import refuse_other_types
from ratified.language.rules import NoRuleError, Rules
from ratified.language.scope import Scope
from ratified.language.types import (
    KINDS,
    OptionalType,
    RecordType,
    SetType,
    Type,
    bounds,
    cardinality,
    children,
    fit_of,
    forms,
    own_bounds,
    values,
    values_of,
    zero_of,
)
from ratified.results.result import Trace
from ratified.smt.finite.bounded import bounded
from ratified.smt.first_order.obligations import Translation
from ratified.smt.script import lemma, script_of
from ratified.tla import export

LIBRARY = ("language", "explore", "tla", "itf", "interchange", "smt")


@dataclass(frozen=True, slots=True)
class FlagType(Type):
    """A type that is new."""

    def __str__(self) -> str:
        return "flag"


FLAG = FlagType()


@record
class Note:
    """Holds what is to become a flag."""

    raised: bool


class Holder(Model):
    """Holds what is to become a flag."""

    most: Param[bool] = False
    raised: bool
    note: Note | None

    @action
    def turn(self, up: bool) -> None:
        self.raised = up

    @invariant
    def fine(self) -> bool:
        return self.raised == self.raised or self.most


class Held(Holder):
    """What is to be proved of it."""

    @lemma
    def fine(self) -> bool:
        return self.raised == self.raised or self.most


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The language itself knows the new type: as if it were a bool."""
    for table in (forms._CHILDREN, bounds._OWN, bounds._FITS, values._COUNTS, values._VALUES, values._ZEROS):
        monkeypatch.setitem(table._table, FlagType, table._table[forms.BoolType])


def everything() -> list[Rules[Any, Any]]:
    """All tables of rules that there are."""
    for part in LIBRARY:
        for module in pkgutil.walk_packages([f"{ratified.__path__[0]}/{part}"], f"ratified.{part}."):
            importlib.import_module(module.name)
    loaded = [m for name, m in sys.modules.items() if name.startswith("ratified.")]
    return list({id(v): v for m in loaded for v in vars(m).values() if isinstance(v, Rules)}.values())


def place_of(table: Rules[Any, Any]) -> str:
    """Where a table has its rules for types, the one for Enums for instance: its file and line."""
    code = table._table[forms.EnumType].__code__
    return f"{code.co_filename[len(ratified.__path__[0]) + 1 :]}:{code.co_firstlineno}"


def test_every_table_for_types_has_a_rule_for_each_kind() -> None:
    """What it says if not is the list of places to go to when a type is added."""
    assert set(KINDS) == {k for k in vars(forms).values() if isinstance(k, type) and Type in k.__bases__}
    tables = [t for t in everything() if t.lacking(KINDS) != set(KINDS)]
    lacking = [
        f"ratified/{place_of(t)} ({t.what}): no rule for {', '.join(sorted(k.__name__ for k in t.lacking(KINDS)))}"
        for t in tables
        if t.lacking(KINDS)
    ]
    assert not lacking, "\n".join(sorted(lacking))
    assert len(tables) >= 46


SCOPE = Scope({}, {})

QUESTIONS: dict[str, Callable[[Type], object]] = {
    "children": children,
    "bounds": own_bounds,
    "fits": lambda t: fit_of(t, "x"),
    "cardinality": lambda t: cardinality(t, SCOPE),
    "values": lambda t: list(values_of(t, SCOPE)),
    "default": lambda t: zero_of(t, SCOPE),
}


@pytest.mark.parametrize("asked", QUESTIONS.values(), ids=QUESTIONS)
def test_the_language_refuses_it(asked: Callable[[Type], object]) -> None:
    with pytest.raises(NoRuleError, match="no rule for FlagType"):
        asked(FLAG)


def holder(place: str, inside: Type) -> Model:
    """A model that has the new type in a certain place."""
    model = Holder()
    module = model.module
    match place:
        case "variable":
            variables = tuple(replace(v, type=inside) if v.name == "raised" else v for v in module.variables)
            module = replace(module, variables=variables)
        case "parameter":
            module = replace(module, parameters=tuple(replace(p, type=inside) for p in module.parameters))
        case "argument":
            turn = module.functions["turn"]
            arguments = tuple(replace(a, type=inside) for a in turn.arguments)
            functions = {**module.functions, "turn": replace(turn, arguments=arguments)}
            module = replace(module, functions=functions)
    object.__setattr__(model, "module", module)
    return model


ENGINES: dict[str, tuple[str, Callable[[Model], object]]] = {
    "C": ("the native explorer", generate),
    "check": ("the native explorer", lambda m: check(m, engine="native")),
    "TLA+": ("TLA\\+", export),
    "ITF": ("ITF", lambda m: as_itf(m, Trace({}, ()))),
    "read": ("ITF", lambda m: typed(m, ItfRun(({"raised": RawName("up")},), None, {}), "run.itf.json")),
    "bmc": ("bounded model checking", bounded),
    "prove": (
        "first-order logic",
        lambda m: Translation(replace(script_of(Held), module=m.module)),
    ),
}

PLACES = {"variable": "raised", "parameter": "most", "argument": "up"}
INSIDE = {"itself": FLAG, "optional": OptionalType(FLAG), "elements": SetType(FLAG)}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("inside", INSIDE.values(), ids=INSIDE)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_refuses_it(engine: str, place: str, inside: Type) -> None:
    what, ask = ENGINES[engine]
    with pytest.raises(
        RatifiedError, match=rf"{what} has no rule for FlagType, in the type of `{PLACES[place]}`: "
    ) as told:
        ask(holder(place, inside))
    assert told.value.span is not None
    assert told.value.remedy.startswith("use another type")


@pytest.mark.usefixtures("known")
def test_it_is_refused_in_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Note, "__record_types__", {"raised": FLAG})
    assert FLAG in children(RecordType(Note))
    for what, ask in ENGINES.values():
        with pytest.raises(
            RatifiedError, match=rf"{what} has no rule for FlagType, in the type of `note`: Note"
        ):
            ask(Holder())


def test_what_is_known_is_taken() -> None:
    refuse_other_types(Holder.module, KINDS, "this")
