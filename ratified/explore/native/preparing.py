"""From a model to its loaded program: generated and compiled, or found again, while limits and the keyboard are heeded.

Guarantees: whatever ends the waiting (a limit, Ctrl-C) ends code generation and the compiler as well, before it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ratified.explore.native import keys, known, stored
from ratified.explore.native.codegen.numbering import Program
from ratified.explore.native.codegen.shapes import SHAPES, Unsupported, needs_room
from ratified.explore.native.compile import ExplorerAhead
from ratified.explore.native.library import NativeLibrary, loaded
from ratified.explore.symmetry import Symmetry, symmetry_of
from ratified.language import ir
from ratified.language.errors import RatifiedError
from ratified.language.kinds import refuse_other_types
from ratified.language.model import Model
from ratified.results.background import Background
from ratified.results.limits import LimitWatch, resident
from ratified.results.result import Progress

if TYPE_CHECKING:
    from ratified.explore.reduction import Relations


ROOM = 16
"""How many elements of a set or range without a bound there is room for, until twice as much is needed."""


def with_room(model: Model, room: int) -> Model:
    """The same model, with room for so many elements of sets and ranges without a bound; itself if there are none.

    Raises Unsupported: the native explorer does not have one of the model's types.
    """
    refuse_other_types(model.module, SHAPES, "the native explorer", Unsupported)
    if not room or not (
        _has_ranges(model) or any(needs_room(v.type, model.scope) for v in model.module.variables)
    ):
        return model
    other = model.twin()
    object.__setattr__(other, "scope", replace(model.scope, room=room))
    return other


def _has_ranges(model: Model) -> bool:
    """Whether a model has ranges. How long they can get is known once code is generated."""
    statements = (s for f in model.module.functions.values() for s in f.body)
    return any(isinstance(node, ir.IntRange) for s in statements for node in ir.walk(s))


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What is to be made of a model. `large` is remembered with it; `flags` are the compiler's, `dump` a file for the C.

    `reduced` if steps are to be left out. `room` is for each set without a bound.
    """

    model: Model
    symmetry: bool = False
    deadlock: bool = False
    dump: Path | None = None
    flags: tuple[str, ...] = ()
    large: bool = False
    reduced: bool = False
    room: int = ROOM


@dataclass(frozen=True, slots=True)
class PreparedProgram:
    """The model (whose sets have room), its program's tables and loaded library, the symmetry and the reduction that it uses.

    `notes` are for the report.
    """

    model: Model
    program: Program
    library: NativeLibrary
    reduction: Symmetry | None
    notes: tuple[str, ...]
    relations: Relations | None = None


class Preparation:
    """A program that is being made. It has to be waited for, or ended."""

    def __init__(self, order: BuildRequest, watch: LimitWatch) -> None:
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

    def _prepare(self) -> PreparedProgram:
        order, notes = self._order, list[str]()
        model = with_room(order.model, order.room)
        reduction = _reduction(model, notes) if order.symmetry else None
        relations = None
        if order.reduced:
            from ratified.explore.reduction import relations_of

            # What cannot be reduced is refused before anything is compiled.
            relations = relations_of(model)
        program, library, more = made(
            model,
            reduction,
            reduced=order.reduced,
            flags=order.flags,
            dump=order.dump,
            memory=lambda: self._watch.memory - resident(),
            tell=self._tell,
        )
        if order.large:
            known.remember_large(
                keys.key_of(
                    model,
                    symmetry=reduction is not None,
                    deadlock=order.deadlock,
                    reduced=order.reduced,
                )
            )
        return PreparedProgram(model, program, library, reduction, (*notes, *more), relations)

    def _tell(self, doing: str) -> None:
        self.doing = doing


def made(
    model: Model,
    reduction: Symmetry | None = None,
    *,
    reduced: bool = False,
    flags: tuple[str, ...] = (),
    dump: Path | None = None,
    memory: Callable[[], int | None] = lambda: None,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Program, NativeLibrary, tuple[str, ...]]:
    """A model's program, its loaded library, and notes: found where they were made before, or else generated and compiled.

    The compiler may have so many bytes of `memory`, as many as there are by then. `tell` is told what is being done.

    Raises:
        Unsupported (a SizeError): the native explorer does not take the model.
        CompilerMissing, CompilerFailed, NativeError.
    """
    key = keys.program_key(model, symmetry=reduction is not None, reduced=reduced)
    # A text that somebody wants to see is generated.
    found = None if dump is not None else stored.recall(key, model, flags, reduced=reduced)
    if found is not None:
        return *found, ()
    # What is found needs no generator, which takes longer to import than all that was done until here.
    from ratified.explore.native.codegen.program import generate

    with ExplorerAhead(flags, memory()) as ahead:
        generated = generate(model, reduction, reduced=reduced, ahead=ahead.begin)
        if dump is not None:
            try:
                dump.write_text(generated.text, encoding="utf-8")
            except OSError as error:
                raise RatifiedError(f"{dump} cannot be written: {error.strerror}") from None
        tell("compiling C")
        library, compiled = loaded(generated.text, flags, memory(), generated.explorer, ahead)
    stored.remember(key, generated.text, generated.program.written)
    return generated.program, library, compiled.notes


def _reduction(model: Model, notes: list[str]) -> Symmetry | None:
    """The symmetry to use. Raises ModelError where it would be unsound."""
    found = symmetry_of(model)
    if not found.trivial:
        return found
    notes.append("there is no symmetry to use: parameters distinguish all values of every symmetric sort")
    return None
