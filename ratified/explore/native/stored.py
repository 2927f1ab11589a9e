"""Programs that were generated before: what is found out while generating is kept beside the compiled libraries.

Guarantees: what is found under a key was generated for a model of that key and from no other sources (`keys.py`), and belongs to
the text that the library was compiled from, by the compiler and for the processor of today (`compile.py`); where anything of that
is missing, damaged or does not agree, nothing is found, and the program is generated anew.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

from ratified.explore.native import keys
from ratified.explore.native.codegen.layout import Layout
from ratified.explore.native.codegen.numbering import (
    BoundPlace,
    Program,
    ProgramMeanings,
    goals_of,
    instances_of,
)
from ratified.explore.native.codegen.shapes import PackedShapes
from ratified.explore.native.compile import cache_folder, compiled_before, text_digest
from ratified.explore.native.library import NativeError, NativeLibrary
from ratified.language.errors import Span
from ratified.language.model import Model


def recall(
    key: str | None, model: Model, flags: tuple[str, ...], *, reduced: bool = False
) -> tuple[Program, NativeLibrary] | None:
    """The program of a model of this key and its library, loaded; None if there are none.

    Raises:
        CompilerMissing: a library is found only for a compiler.
        Unsupported: the native explorer does not take the model.
    """
    if key is None:
        return None
    try:
        digest, written = _read(json.loads(_path(key).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    compiled = compiled_before(digest, flags)
    if compiled is None:
        return None
    shapes = PackedShapes(model.scope)
    layout = Layout(model, shapes)
    module = model.module
    if reduced:
        from ratified.explore.reduction.reducible import reducible

        module = reducible(model)
    program = Program(
        model.module, layout, instances_of(module, shapes), goals_of(model.module, shapes), written
    )
    try:
        library = NativeLibrary(compiled.path)
    except NativeError:
        return None
    return (program, library) if library.counts == program.counts else None


def remember(key: str | None, text: str, written: ProgramMeanings) -> None:
    """Keep what was found out while `text` was generated. Where the cache cannot be written nothing is kept."""
    if key is None or keys.sources_changed():
        return
    path = _path(key)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as work:
            own = Path(work) / path.name  # others see a whole file or none
            own.write_text(json.dumps([text_digest(text), astuple(written)]), encoding="utf-8")
            own.replace(path)


def _path(key: str) -> Path:
    return cache_folder() / "programs" / f"{key}.json"


def _read(data: Any) -> tuple[str, ProgramMeanings]:
    """What `remember` wrote. Raises ValueError or TypeError for anything else."""
    digest, (bounds, errors, witnesses, step_witnesses) = data
    written = ProgramMeanings(
        tuple(BoundPlace(str(what), str(action), _span(span)) for what, action, span in bounds),
        tuple((str(message), _span(span)) for message, span in errors),
        tuple(map(str, witnesses)),
        tuple(map(str, step_witnesses)),
    )
    return str(digest), written


def _span(data: Any) -> Span | None:
    if data is None:
        return None
    file, *numbers = data
    return Span(str(file), *map(int, numbers))
