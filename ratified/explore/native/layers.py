"""The layers of a finding of compiled code: all states that a shortest run to it can be in, as packed words.

Guarantees: complete, or None: for what is too much, for a fault, where time is up, and where the disk does not answer.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence

from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.driver import FindingKind, NativeExploration, in_background
from ratified.explore.native.library import NativeLibrary
from ratified.language.machine import Values
from ratified.results.limits import Reached
from ratified.results.plainest import MOST_STATES


class PackedLayers:
    """See `ratified.results.plainest.Layers`; states are the bytes of their packed words."""

    def __init__(self, library: NativeLibrary, layout: Layout, levels: Sequence[Iterable[bytes]]) -> None:
        self._library = library
        self._layout = layout
        self._levels = [frozenset(level) for level in levels]
        self._asked: dict[tuple[int, Values], bool] = {}

    @property
    def count(self) -> int:
        """See Layers."""
        return len(self._levels)

    def has(self, level: int, state: Values) -> bool:
        """See Layers. Many steps lead to one state, and packing takes longer than finding it again."""
        known = self._asked.get((level, state))
        if known is None:
            known = self._asked[level, state] = self._has(level, state)
        return known

    def _has(self, level: int, state: Values) -> bool:
        words = (ctypes.c_uint64 * self._library.words)(*self._layout.pack(state))
        self._library.library.rx_canonical(words)
        return bytes(words) in self._levels[level]


Everywhere = Callable[[list[bytes] | None], list[bytes] | None]
"""What makes of a rank's part of a layer all of it (None: some rank has none to give)."""


def _alone(part: list[bytes] | None) -> list[bytes] | None:
    return part


def layers_of(
    exploration: NativeExploration,
    layout: Layout,
    tick: Callable[[], object] = lambda: None,
    everywhere: Everywhere = _alone,
) -> PackedLayers | None:
    """The layers of what an exploration has found, or None. `tick` may raise Reached.

    With several ranks a collective: all call it, after the finding was agreed on.
    """
    found = exploration.found()
    if not found.kind or not found.has_state or FindingKind(found.kind) is FindingKind.FAULT:
        return None
    levels: list[list[bytes]] = []
    left = MOST_STATES
    for level in range(found.length - 1, -1, -1):
        try:
            tick()
            part = _layer(exploration, level, levels[-1] if levels else None, left)
        except Reached:
            part = None
        here = everywhere(part)
        if not here or len(here) > left:
            return None
        left -= len(here)
        levels.append(here)
    return PackedLayers(exploration.program, layout, levels[::-1])


def _layer(
    exploration: NativeExploration, level: int, goals: list[bytes] | None, most: int
) -> list[bytes] | None:
    """This process's states of a level with a step to one of the goals (None: that show what was found)."""
    library, handle = exploration.program.library, exploration.handle
    size = 8 * exploration.program.words
    joined = None if goals is None else b"".join(goals)
    counted: list[int] = []
    in_background(
        lambda: counted.append(library.rx_layer(handle, level, joined, len(goals or ()), most)),
        lambda: library.rx_ask_to_stop(handle),
        None,
    )
    if counted[0] > most:
        return None
    states = ctypes.string_at(library.rx_layer_states(handle), counted[0] * size)
    return [states[at : at + size] for at in range(0, len(states), size)]
