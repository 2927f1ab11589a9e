"""States on their way to another process that has the same model.

Guarantees: what arrives equals what was sent, wherever the model's classes were defined and whatever their modules are called
over there: each goes by its place among those of the model's types.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable

from ratified.language.ir import Module
from ratified.language.machine import Values
from ratified.language.types.forms import EnumType, RecordType, SortType, Type, parts


class Carrier:
    """Packs and unpacks states of a model."""

    def __init__(self, module: Module) -> None:
        found = (_class_of(t) for v in module.variables for t in parts(v.type))
        self._classes = list(dict.fromkeys(c for c in found if c is not None))
        self._places = {made: k for k, made in enumerate(self._classes)}

    def pack(self, states: Iterable[Values]) -> bytes:
        """Return states as bytes."""
        places, out = self._places, io.BytesIO()

        class Packing(pickle.Pickler):
            def persistent_id(self, thing: object) -> int | None:
                return places.get(thing) if isinstance(thing, type) else None

        Packing(out, protocol=5).dump(list(states))
        return out.getvalue()

    def unpack(self, packed: bytes) -> list[Values]:
        """Return the states that another process has packed."""
        classes = self._classes

        class Unpacking(pickle.Unpickler):
            def persistent_load(self, place: int) -> type:
                return classes[place]

        states: list[Values] = Unpacking(io.BytesIO(packed)).load()  # of a process of the same run
        return states


def _class_of(t: Type) -> type | None:
    match t:
        case EnumType(found) | RecordType(found) | SortType(found):
            return found
        case _:
            return None
