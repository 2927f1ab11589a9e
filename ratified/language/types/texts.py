"""`Literal["idle", "busy"]` as an implicit Enum, whose members are equal to their texts.

Guarantees: a member is the text to CPython (`self.phase == "idle"`, a key of a dict, a `match`); one class for one annotation,
pickled by its texts; members are in the order of the alphabet, whichever way they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Any


class Text(str, Enum):  # noqa: UP042  # a base of Enums; StrEnum would print members as texts
    """The base of what `Literal` annotations stand for."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _member, (written(type(self)), self.value)


def is_word(value: object) -> bool:
    """Whether a value may be one of those of a `Literal`: a text that is a name, as every tool writes it."""
    return isinstance(value, str) and value.isidentifier() and not value.startswith("_") and value != "mro"


@lru_cache(maxsize=1024)
def text_enum(words: tuple[str, ...]) -> type[Text]:
    """The Enum of some words, the first of which is what a variable has at first."""
    made = Text(f"Literal_{'_'.join(words)}", [(w, w) for w in sorted(words)])  # type: ignore[call-overload]  # the functional form
    made._words = words
    return made  # type: ignore[no-any-return]  # likewise


def written(enum: type[Enum]) -> tuple[str, ...]:
    """The words of such an Enum, in the order in which the annotation has them."""
    return tuple(getattr(enum, "_words"))  # noqa: B009  # no attribute that a checker knows


def _member(words: Sequence[str], value: str) -> Text:
    return text_enum(tuple(words))(value)
