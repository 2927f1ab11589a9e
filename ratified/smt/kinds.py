"""The kinds of types that are known to logic: to the translation for every size, and to the circuits for one size.

Guarantees: it is a list and not whatever there is, so that a new kind of type is refused until both have cases for it.
"""

from __future__ import annotations

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

TYPES: frozenset[type[Type]] = frozenset(
    (
        *(BoolType, IntType, NoneType, EnumType, SortType),
        *(RecordType, OptionalType, UnionType, TupleType),
        *(MapType, SetType, BagType, SeqType),
    )
)
