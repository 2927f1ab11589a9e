"""Generated declarations: sorts, enums, integer aliases, records, unions, and the types of variables and parameters.

Guarantees: every type drawn under a budget has at most so many values, which is what keeps state spaces small.
"""

from __future__ import annotations

from dataclasses import replace

from tests.generate.choices import Chooser
from tests.generate.scope import World, constants
from tests.generate.types import (
    BOOL,
    BagType,
    EnumType,
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
)

SORTS = (("Node", "Symmetric"), ("Ballot", "Ordered"), ("Server", "Sort"), ("Value", "Symmetric"))
RECORDS = ("Ask", "Grant", "Entry")
PREFIXES = {"Server": ', prefix="srv"'}
FIELDS = ("sender", "ballot", "mark", "extra")
RECORD_VALUES_MOST = 9


def draw_world(choose: Chooser) -> World:
    """The declarations of one file."""
    sorts: list[SortType] = []
    names = list(SORTS)
    for _ in choose.several(1, 3, 45):
        name, base = names.pop(choose.below(len(names)))
        sorts.append(SortType(name, base, choose.pick([2, 1, 2, 3])))
    enums = (EnumType("Phase", ("IDLE", "BUSY", "DONE")[: 2 + choose.below(2)]),) if choose.chance(45) else ()
    integers = tuple(
        _integer(choose, alias)
        for alias, _ in zip(("Small", "Index"), choose.several(0, 2, 45), strict=False)
    )
    world = World(tuple(sorts), enums, integers or (IntType(0, 2),))
    records: list[RecordType] = []
    for number in choose.several(0, 3, 65):
        records.append(_record(choose, world, RECORDS[number], records))
    unions = (
        (UnionType(tuple(records), "Message" if choose.chance(40) else None),) if len(records) > 1 else ()
    )
    return replace(world, records=tuple(records), unions=unions)


def _integer(choose: Chooser, alias: str) -> IntType:
    low = choose.pick([0, 0, 0, 1, -1])
    return IntType(low, low + choose.pick([2, 1, 3]), alias)


def _record(choose: Chooser, world: World, name: str, before: list[RecordType]) -> RecordType:
    shared = {field: kind for record in before for field, kind in record.fields}
    fields: list[tuple[str, Type]] = []
    for number in choose.several(0, 3, 75):
        field = FIELDS[number]
        kind = shared.get(field) or _field(choose, world)
        if choose.chance(5) and before:
            field, kind = f"inner{number}", before[-1]
        if cardinality(RecordType(name, (*fields, (field, kind)))) <= RECORD_VALUES_MOST:
            fields.append((field, kind))
    return RecordType(name, tuple(fields))


def _field(choose: Chooser, world: World) -> Type:
    kind = scalar(choose, world)
    return OptionType(kind) if choose.chance(35) and not isinstance(kind, OptionType) else kind


def scalar(choose: Chooser, world: World) -> Type:
    """A small type without parts."""
    kinds: list[Type] = [*world.sorts, *world.enums, BOOL, *world.integers, *world.texts]
    return choose.pick(kinds)


def key(choose: Chooser, world: World) -> Type:
    """A type for the keys of a map."""
    kinds: list[Type] = [*world.sorts, *world.enums]
    return choose.pick([*kinds, BOOL, *world.integers] if choose.chance(20) else kinds)


def element(choose: Chooser, world: World) -> Type:
    """A type for the elements of a container."""
    compound: list[Type] = [*world.unions, *world.records]
    if compound and choose.chance(65):
        return choose.pick(compound)
    if choose.chance(15):
        return TupleType((scalar(choose, world), scalar(choose, world)))
    if choose.chance(8):
        return SetType(choose.pick(list(world.sorts)))
    return scalar(choose, world)


def variable(choose: Chooser, world: World, budget: int) -> Type:
    """The type of a variable with at most `budget` values."""
    for _ in range(3):
        kind = _variable(choose, world)
        if cardinality(kind) > budget and isinstance(kind, SetType):
            kind = SetType(kind.item, 2)
        if cardinality(kind) <= budget:
            return kind
    return BOOL


def _variable(choose: Chooser, world: World) -> Type:
    compound: list[Type] = [*world.unions, *world.records]
    return choose.weighted(
        [
            (3, lambda: scalar(choose, world)),
            (3, lambda: OptionType(scalar(choose, world))),
            (6, lambda: _map(choose, world)),
            (5, lambda: _set(choose, world)),
            (3, lambda: _bag(choose, world)),
            (4, lambda: SeqType(element(choose, world), choose.pick([2, 1, 3]))),
            (1, lambda: TupleType((scalar(choose, world), scalar(choose, world)))),
            (2, lambda: choose.pick([*compound, BOOL])),
            (1, lambda: OptionType(choose.pick([*compound, *world.sorts]))),
        ]
    )


def _set(choose: Chooser, world: World) -> Type:
    item = element(choose, world)
    return SetType(item, 2 if choose.chance(20) or cardinality(item) > RECORD_VALUES_MOST else None)


def _bag(choose: Chooser, world: World) -> Type:
    return BagType(element(choose, world), choose.pick([2, 3]), choose.pick([None, 2, 1]))


def _map(choose: Chooser, world: World) -> Type:
    value = choose.weighted(
        [
            (4, lambda: scalar(choose, world)),
            (4, lambda: OptionType(scalar(choose, world))),
            (3, lambda: SetType(scalar(choose, world))),
            (2, lambda: SeqType(element(choose, world), choose.pick([1, 2]))),
            (2, lambda: MapType(choose.pick(list(world.sorts)), scalar(choose, world))),
            (1, lambda: BagType(scalar(choose, world), 2)),
            (1, lambda: TupleType((scalar(choose, world), BOOL))),
        ]
    )
    return MapType(key(choose, world), value)


def parameter(choose: Chooser, world: World) -> Type:
    """The type of an action's parameter that ranges over all its values."""
    kinds: list[Type] = [*world.sorts, *world.sorts, *world.enums, BOOL, *world.integers, *world.texts]
    kinds += [OptionType(world.sorts[0]), TupleType((world.sorts[0], BOOL))]
    kinds += [record for record in world.records if cardinality(record) <= 4]
    return choose.pick(kinds)


def argument(choose: Chooser, world: World) -> Type:
    """The type of a helper's parameter or result."""
    kinds: list[Type] = [BOOL, *world.sorts, *world.integers, *world.enums, *world.unions, *world.records]
    inner: list[Type] = [*world.sorts, *world.records]
    kinds += [*world.texts, *(OptionType(kind) for kind in inner)]
    kinds += [SetType(kind) for kind in world.sorts]
    return choose.pick(kinds)


def declarations(world: World) -> list[str]:
    """The text of the declarations, records without methods."""
    lines: list[str] = []
    for sort in world.sorts:
        lines += [
            "",
            "",
            f"class {sort.name}({sort.base}{PREFIXES.get(sort.name, '')}):",
            f'    """Made of {sort.size}."""',
        ]
    for enum in world.enums:
        lines += ["", "", f"class {enum.name}(Enum):"]
        lines += [f"    {member} = {number}" for number, member in enumerate(enum.members, 1)]
    aliases = [kind for kind in world.integers if kind.spelled]
    if aliases or world.texts:
        lines += ["", ""]
    lines += [f"{kind.name} = Literal[{', '.join(constants(kind))}]" for kind in world.texts]
    lines += [f"{kind.spelled} = {annotation(replace(kind, spelled=None))}" for kind in aliases]
    return lines


def union_aliases(world: World) -> list[str]:
    """The text of the unions that have a name."""
    return [
        f"{union.spelled} = {annotation(replace(union, spelled=None))}"
        for union in world.unions
        if union.spelled
    ]
