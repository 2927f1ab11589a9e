"""From a model to its loaded program: generated and compiled, or found again, while limits and the keyboard are heeded.

Guarantees: whatever ends the waiting (a limit, Ctrl-C) ends code generation and the compiler as well, before it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ratified.explore.native import known
from ratified.explore.native.codegen.program import Program, generate
from ratified.explore.native.library import Program as Library
from ratified.explore.native.library import loaded
from ratified.explore.symmetry import Symmetry, symmetry_of
from ratified.language.model import Model
from ratified.results.background import Background
from ratified.results.limits import Watch, resident
from ratified.results.result import Progress


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made of a model. `large` is remembered with it; `flags` are the compiler's, `dump` a file for the C."""

    model: Model
    symmetry: bool = False
    deadlock: bool = False
    dump: Path | None = None
    flags: tuple[str, ...] = ()
    large: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A program's tables, its loaded library, the symmetry that it uses, and notes for the report."""

    program: Program
    library: Library
    reduction: Symmetry | None
    notes: tuple[str, ...]


class Preparation:
    """A program that is being made. It has to be waited for, or ended."""

    def __init__(self, order: Order, watch: Watch) -> None:
        self._order = order
        self._watch = watch
        self.doing = "generating C"
        self.work = Background(self._prepare)

    def wait(self, progress: Callable[[Progress], None] | None, most: float | None = None) -> bool:
        """Whether it is made, or has failed, after at most so many seconds. Raises Reached, and what else ends the waiting."""

        def look() -> None:
            self._watch.tick()
            if progress:
                progress(Progress(0, 0, 0, 0, self._watch.seconds, self.doing))

        return self.work.attend(look, most)

    def _prepare(self) -> Prepared:
        order, notes = self._order, list[str]()
        reduction = _reduction(order.model, notes) if order.symmetry else None
        program = generate(order.model, reduction)
        if order.dump is not None:
            order.dump.write_text(program.text, encoding="utf-8")
        self.doing = "compiling C"
        library, compiled = loaded(program.text, order.flags, self._watch.memory - resident())
        if order.large:
            known.remember_large(
                known.key_of(order.model, symmetry=reduction is not None, deadlock=order.deadlock)
            )
        return Prepared(program, library, reduction, (*notes, *compiled.notes))


def _reduction(model: Model, notes: list[str]) -> Symmetry | None:
    """The symmetry to use. Raises ModelError where it would be unsound."""
    found = symmetry_of(model)
    if not found.trivial:
        return found
    notes.append(
        "there is no symmetry to use: no symmetric sort has two values that no parameter tells apart"
    )
    return None
