"""The Informal Trace Format: a run as JSON (Apalache's ADR-015).

Values are written as ratified/interchange/representation.py says: numbers as `{"#bigint": "1"}`, sets as `{"#set": [...]}`,
maps and bags as `{"#map": [[key, value], ...]}`, tuples as `{"#tup": [...]}`, sequences as arrays, records as objects, the values
of sorts and enums, and None, as strings. Read is more than is written: plain numbers, null, variants (`{"tag": ..., "value":
...}`), functions written as records or arrays.

Guarantees: what is written and read again is the same run; what is wrong with a file is told with the place in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratified.interchange.raw import Raw, RawFunction, RawName, RawRecord, RawSequence, RawSet
from ratified.interchange.representation import Representation
from ratified.interchange.typing import READ, BadValue, Typing
from ratified.language.errors import RatifiedError
from ratified.language.kinds import refuse_other_types
from ratified.language.machine import Values
from ratified.language.model import Model, given_to
from ratified.language.rules import Rules
from ratified.language.scope import running
from ratified.language.types import (
    BagType,
    BoolType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
)
from ratified.language.values import Set, show
from ratified.results.result import State, Trace

DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"


class ItfError(RatifiedError):
    """A file that is not ITF, or whose values are not those of the model."""


@dataclass(frozen=True, slots=True)
class ItfRun:
    """A run as a file has it: raw values by variable. `given` are sizes and parameters of the model, if the file says them."""

    states: tuple[Mapping[str, Raw], ...]
    loop: int | None
    given: Mapping[str, object]


# --- out ------------------------------------------------------------------------------------------------------------------


def as_itf(model: Model, trace: Trace, about: str = "") -> str:
    """A run as ITF, with the actions taken in the meta data of each state."""
    refuse_other_types(model.module, WRITTEN, "ITF")
    form = Representation(model)
    types = {d.name: d.type for d in model.module.variables}
    states, loop = list(trace.states), trace.loop
    if loop is not None and loop < len(states) - 1 and states[-1] == states[loop]:
        states.pop()  # ITF says where the last state goes on to, and does not repeat it

    def as_json(state: State, index: int) -> dict[str, Any]:
        meta: dict[str, Any] = {"index": index}
        if index > 0:
            step = trace.steps[index - 1]
            meta["action"] = step.action
            meta["arguments"] = {name: show(value) for name, value in step.arguments}
        return {"#meta": meta, **{name: _written(form, state[name], t) for name, t in types.items()}}

    document = {
        "#meta": {
            "format": "ITF",
            "format-description": DESCRIPTION,
            **({"description": about} if about else {}),
            "model": model.module.name,
            "given": {name: _plain(value) for name, value in given_to(model).items()},
        },
        "vars": list(types),
        "states": [as_json(state, index) for index, state in enumerate(states)],
        **({"loop": loop} if loop is not None else {}),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    """A size or parameter, as JSON that the command line reads."""
    if isinstance(value, Set):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool) or type(value) is int else show(value)


WRITTEN: Rules[tuple[Representation, Any], Any] = Rules("values in ITF")


def _written(form: Representation, value: Any, t: Type) -> Any:
    """A value of a type, as JSON."""
    return WRITTEN(t, (form, value))


@WRITTEN.rule(BoolType)
def _(t: BoolType, written: tuple[Representation, Any]) -> Any:
    return bool(written[1])


@WRITTEN.rule(NoneType)
def _(t: NoneType, written: tuple[Representation, Any]) -> Any:
    return "None"


@WRITTEN.rule(IntType)
def _(t: IntType, written: tuple[Representation, Any]) -> Any:
    return {"#bigint": str(int(written[1]))}


@WRITTEN.rule(OptionalType)
def _(t: OptionalType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return "None" if value is None else _written(form, value, t.item)


@WRITTEN.rule(SortType)
def _(t: SortType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return {"#bigint": str(int(value))} if t.ordered else form.value_names[t.sort][int(value)]


@WRITTEN.rule(EnumType)
def _(t: EnumType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return form.member(value)


@WRITTEN.rule(UnionType)
def _(t: UnionType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return _written(form, value, RecordType(type(value)))


@WRITTEN.rule(RecordType)
def _(t: RecordType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    tag = {form.kind: form.tag(t.record)} if form.tagged(t.record) else {}
    fields = {
        form.field(t.record, name): _written(form, getattr(value, name), ft) for name, ft in t.fields.items()
    }
    return tag | fields


@WRITTEN.rule(TupleType)
def _(t: TupleType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return {"#tup": [_written(form, v, i) for v, i in zip(value, t.items, strict=True)]}


@WRITTEN.rule(SeqType)
def _(t: SeqType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return [_written(form, v, t.item) for v in value]


@WRITTEN.rule(SetType)
def _(t: SetType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return {"#set": [_written(form, v, t.item) for v in value]}


@WRITTEN.rule(BagType)
def _(t: BagType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    pairs = [(v, value.count(v)) for v in value.distinct()]
    return {"#map": [[_written(form, v, t.item), {"#bigint": str(n)}] for v, n in pairs]}


@WRITTEN.rule(MapType)
def _(t: MapType, written: tuple[Representation, Any]) -> Any:
    form, value = written
    return {"#map": [[_written(form, k, t.key), _written(form, v, t.value)] for k, v in value.entries()]}


# --- in -------------------------------------------------------------------------------------------------------------------


def read_itf(text: str, file: str) -> ItfRun:
    """A run from the text of a file. Raises ItfError."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ItfError(f"{file}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}") from None
    except RecursionError:
        raise ItfError(f"{file}: its values are nested too deeply") from None
    if not isinstance(document, dict) or not isinstance(document.get("states"), list):
        raise ItfError(
            f"{file} is not ITF: it has no list of states", remedy=f"the format is described at {DESCRIPTION}"
        )
    states = document["states"]
    if not states:
        raise ItfError(f"{file} has no states", remedy="a run has at least an initial state")
    read: list[Mapping[str, Raw]] = []
    for index, state in enumerate(states):
        if not isinstance(state, dict):
            raise ItfError(
                f"{file}: states[{index}] is not an object",
                remedy="a state is an object: a value for each variable",
            )
        read.append(
            {
                n.rpartition("::")[2]: _raw(v, f"{file}: states[{index}].{n}")
                for n, v in state.items()
                # Quint's notes on how it chose steps, and its names of modules before those of variables
                if not n.startswith(("#", "mbt::"))
            }
        )
    return ItfRun(tuple(read), _loop(document.get("loop"), len(states), file), _given(document))


def _loop(loop: object, length: int, file: str) -> int | None:
    if loop is None:
        return None
    if isinstance(loop, bool) or not isinstance(loop, int) or not 0 <= loop < length:
        raise ItfError(f"{file}: loop is {json.dumps(loop)}, not an index of its {length} states")
    return loop


def _given(document: Mapping[str, Any]) -> Mapping[str, object]:
    meta = document.get("#meta")
    given = meta.get("given") if isinstance(meta, dict) else None
    return given if isinstance(given, dict) else {}


def _raw(value: object, where: str) -> Raw:
    match value:
        case bool() | int():
            return value
        case None:
            return RawName("None")
        case str(text):
            return RawName(text)
        case list(items):
            return RawSequence(tuple(_raw(v, f"{where}[{n}]") for n, v in enumerate(items)))
        case {"#bigint": str(digits)}:
            try:
                return int(digits)
            except ValueError:
                raise ItfError(f"{where}: {digits!r} is not a number") from None
        case {"#tup": list(items)}:
            return RawSequence(tuple(_raw(v, f"{where}[{n}]") for n, v in enumerate(items)))
        case {"#set": list(items)}:
            return RawSet(tuple(_raw(v, f"{where}[{n}]") for n, v in enumerate(items)))
        case {"#map": list(items)}:
            return RawFunction(tuple(_pair(v, f"{where}[{n}]") for n, v in enumerate(items)))
        case {"#unserializable": text}:
            raise ItfError(f"{where}: the tool that wrote the file could not write this value: {text}")
        case dict() as fields if not any(str(key).startswith("#") for key in fields):
            return RawRecord({str(k): _raw(v, f"{where}.{k}") for k, v in fields.items()})
    raise ItfError(f"{where}: {json.dumps(value)[:60]} is not an ITF value")


def _pair(value: object, where: str) -> tuple[Raw, Raw]:
    if not isinstance(value, list) or len(value) != 2:
        raise ItfError(f"{where}: an entry of a map is a pair [key, value]")
    return _raw(value[0], where), _raw(value[1], where)


def typed(model: Model, run: ItfRun, file: str) -> list[Values]:
    """The states of a run as states of a model. Raises ItfError."""
    refuse_other_types(model.module, READ, "ITF")
    typing = Typing(Representation(model), model.scope)
    names = [d.name for d in model.module.variables]
    made: list[Values] = []
    with running(model.scope):
        for index, state in enumerate(run.states):
            _check_names(names, state, f"{file}: states[{index}]", model.module.name)
            try:
                values = [typing.value(state[d.name], d.type, d.name) for d in model.module.variables]
            except BadValue as problem:
                raise ItfError(
                    f"{file}: states[{index}]: {problem.message}",
                    remedy="is it a run of this model, at this size? sizes are given as for `check`: Sort=3",
                ) from None
            made.append(tuple(values))
    return made


def _check_names(names: Sequence[str], state: Mapping[str, Raw], where: str, model: str) -> None:
    for name in names:
        if name not in state:
            raise ItfError(
                f"{where} has no variable {name!r}", remedy=f"the variables of {model}: {', '.join(names)}"
            )
    for name in state:
        if name not in names:
            raise ItfError(
                f"{where} has {name!r}, which is not a variable of {model}",
                remedy=f"the variables of {model}: {', '.join(names)}",
            )
