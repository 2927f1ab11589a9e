"""Where every part of a state stands in its 64-bit words: fixed for a model at a size.

Guarantees: two states are equal exactly if their words are; no leaf straddles a word (sets of more than 64 possible elements
begin at a word and fill it); `pack` and `unpack` are inverse. A state that is too wide is refused, with the variable to blame.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratified.explore.native.codegen.leaves import leaves
from ratified.explore.native.codegen.lifting import lift, lower
from ratified.explore.native.codegen.packing import value_of
from ratified.explore.native.codegen.shapes import (
    SHAPES,
    PackedShape,
    PackedShapes,
    Unsupported,
    fitting,
    widths,
)
from ratified.explore.native.codegen.terms import Pos, Ref
from ratified.language.errors import RatifiedError
from ratified.language.kinds import refuse_other_types
from ratified.language.machine import Values
from ratified.language.model import Model
from ratified.language.scope import running

WORDS_MOST = 64
"""The widest state that the explorer takes."""


class Layout:
    """The places of a model's variables."""

    def __init__(self, model: Model, shapes: PackedShapes) -> None:
        self.of = shapes
        self.variables = {d.name: d for d in model.module.variables}
        self.shapes: dict[str, PackedShape] = {}
        self.places: dict[str, tuple[Pos, ...]] = {}
        self._refs: dict[tuple[str, str], Ref] = {}
        refuse_other_types(model.module, SHAPES, "the native explorer", Unsupported)
        for name, declaration in self.variables.items():
            try:
                self.shapes[name] = shapes.variable(declaration.type)
            except RatifiedError as problem:
                problem.span = problem.span or declaration.span
                raise fitting(f"the variable `{name}`", problem) from None
        self.words = self._place()

    def _place(self) -> int:
        parts = [
            (name, k, width) for name, shape in self.shapes.items() for k, width in enumerate(widths(shape))
        ]
        found: dict[tuple[str, int], Pos] = {}
        used: list[int] = []
        # Whole words first, each followed by the rest of its set: then sets of more than 64 elements stand side by side.
        whole = [i for i, (_, _, width) in enumerate(parts) if width == 64]
        together = sorted({j for i in whole for j in (i, i + 1) if j < len(parts)})
        for i in together:
            name, k, width = parts[i]
            if width == 64 or (i - 1 in whole):
                found[name, k] = Pos(len(used), 0, width)
                used.append(width)
        for name, k, width in parts:
            if (name, k) in found:
                continue
            word = next((w for w, bits in enumerate(used) if bits + width <= 64), len(used))
            if word == len(used):
                used.append(0)
            found[name, k] = Pos(word, used[word], width)
            used[word] += width
        if len(used) > WORDS_MOST:
            self._refuse(len(used))
        for name, shape in self.shapes.items():
            self.places[name] = tuple(found[name, k] for k in range(len(widths(shape))))
        return max(1, len(used))

    def _refuse(self, words: int) -> None:
        bits = {name: sum(widths(shape)) for name, shape in self.shapes.items()}
        widest = max(bits, key=lambda name: bits[name])
        raise Unsupported(
            f"a state takes {words} words of 64 bits, and the native explorer takes {WORDS_MOST}: "
            f"`{widest}` alone has {bits[widest]} bits",
            span=self.variables[widest].span,
            remedy="bound it with AtMost, choose smaller sizes, or explore with engine='reference'",
        )

    def ref(self, name: str, memory: str) -> Ref:
        """A variable in a packed state."""
        key = name, memory
        if key not in self._refs:
            self._refs[key] = Ref(memory, self.shapes[name], (self.places[name],))
        return self._refs[key]

    def pack(self, state: Values) -> tuple[int, ...]:
        """The words of a state."""
        words = [0] * self.words
        for (name, declaration), value in zip(self.variables.items(), state, strict=True):
            words_of = leaves(self.of, lift(self.of, value, declaration.type), self.shapes[name])
            for pos, leaf in zip(self.places[name], words_of, strict=True):
                assert isinstance(leaf, int), (name, leaf)
                assert 0 <= leaf < 1 << pos.width, (name, leaf, pos)
                words[pos.word] |= leaf << pos.shift
        return tuple(words)

    def unpack(self, words: Sequence[int]) -> Values:
        """The state that words stand for."""
        found = []
        with running(self.of.scope):
            for name, declaration in self.variables.items():
                row = [words[p.word] >> p.shift & ((1 << p.width) - 1) for p in self.places[name]]
                found.append(lower(self.of, value_of(row, self.shapes[name]), declaration.type))
        return tuple(found)

    def describe(self) -> list[str]:
        """A line for each variable: where its leaves stand."""
        lines = []
        for name, places in self.places.items():
            some = ", ".join(f"{p.word}:{p.shift}+{p.width}" for p in places[:12])
            lines.append(f"{name}: {some}{', ...' if len(places) > 12 else ''}")
        return lines
