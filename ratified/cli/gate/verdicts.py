"""The cache of verdicts: what was found to hold, and of what exactly, so that it need not be explored again.

Guarantees: a verdict is found only under a key made of everything that it can depend on (`key_of`). Only HOLDS is kept, so that a
violation is always shown by a run that was just found. What is found are the facts that an exploration gives, against which
expectations are judged anew. What cannot be read, or is damaged, is not there. Files are written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from ratified.cli.exploring import ExploreOptions
from ratified.cli.gate.sources import UnknownSourcesError, closure
from ratified.explore.native.keys import portable_digest
from ratified.language.claims import claims_of
from ratified.language.errors import RatifiedError, Span
from ratified.language.model import Model
from ratified.results.result import (
    ActionReport,
    ConstraintReport,
    PropertyKind,
    PropertyReport,
    Result,
    Verdict,
)

SCHEMA = "ratified-verdict/1"
PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Cache:
    """A folder of verdicts; None keeps nothing. `trouble` is why it cannot be used, told once."""

    folder: Path | None
    trouble: str | None = None

    def find(self, key: str | None) -> Mapping[str, Any] | None:
        """Return what is kept under a key; None if that is nothing, or cannot be read."""
        if self.folder is None or key is None:
            return None
        file = self._file(key)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            self._fails("read", error)
            return None
        try:
            kept = json.loads(text)
            body = kept["verdict"]
            sound = kept["digest"] == digest_of([_canonical(body)]) and body["schema"] == SCHEMA
            if not sound or body["key"] != key:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            self.trouble = self.trouble or f"{_shown(file)} is damaged, and not used"
            return None
        return body  # type: ignore[no-any-return]  # an object, by the check above

    def keep(self, key: str | None, body: Mapping[str, Any]) -> None:
        """Keep something under a key, if the folder can be written."""
        if self.folder is None or key is None:
            return
        whole = {"schema": SCHEMA, "key": key, "when": now(), **body}
        text = json.dumps({"digest": digest_of([_canonical(whole)]), "verdict": whole}, indent=1) + "\n"
        try:
            made = not self.folder.exists()
            self.folder.mkdir(parents=True, exist_ok=True)
            if made:
                write_whole(self.folder / ".gitignore", "*\n")
            write_whole(self._file(key), text)
        except OSError as error:
            self._fails("written", error)

    def _file(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{key[:40]}.json"

    def _fails(self, what: str, error: Exception) -> None:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        assert self.folder is not None
        self.trouble = self.trouble or f"the cache {_shown(self.folder)} cannot be {what}: {why}"


def checked_folder(folder: Path) -> Path:
    """Return a folder that was asked for by name. Raises RatifiedError if it is something else."""
    if folder.exists() and not folder.is_dir():
        raise RatifiedError(f"{folder} is not a folder, so it cannot be the cache")
    return folder


def write_whole(file: Path, text: str) -> None:
    """Write a file so that others see all of it or nothing. Raises OSError."""
    number, name = tempfile.mkstemp(dir=file.parent, prefix=".writing-")
    try:
        with open(number, "w", encoding="utf-8") as writing:  # noqa: PTH123 - a descriptor
            writing.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def now() -> str:
    """Return the time as it is kept."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _shown(path: Path) -> str:
    return str(Span(str(path), 1, 0, 1, 0)).rsplit(":", 2)[0]


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def digest_of(parts: Iterable[str | bytes]) -> str:
    """A digest of texts, each with its length, so that no two rows of texts are one."""
    hashed = hashlib.sha256()
    for part in parts:
        encoded = part.encode() if isinstance(part, str) else part
        hashed.update(f"{len(encoded)} ".encode())
        hashed.update(encoded)
    return hashed.hexdigest()


# --- what a verdict depends on ---


def key_of(model: Model, how: ExploreOptions, root: Path) -> str:
    """What stands for all that an exploration's outcome can depend on.

    That is what the model means (its intermediate form at its size), the text of each source that it is made from, every
    option, the sources of Ratified, and Python.

    Raises:
        UnknownSourcesError: the model can depend on something else.
    """
    if how.options.checkpoint is not None or how.options.dump is not None:
        raise UnknownSourcesError("the engine is asked to write a file as well")
    meaning = portable_digest(model, root)
    if meaning is None:
        raise UnknownSourcesError("it has a value that cannot be stored")
    asked = (how.limits, how.symmetry, how.reduction, how.deadlock, how.engine, how.claims)
    return digest_of(
        [SCHEMA, meaning, repr(asked), repr(model), *sources_of(type(model), root), *surroundings()]
    )


def sources_of(cls: type, root: Path) -> Iterable[str | bytes]:
    """Return the name and the content of each source of a class. Raises UnknownSourcesError."""
    parts: list[str | bytes] = [cls.__qualname__]
    for source in closure(cls):
        parts += [os.path.relpath(source.file, root), source.content]
    return parts


@cache
def surroundings() -> tuple[str, ...]:
    """What every verdict depends on: Ratified's own sources, and Python."""
    parts: list[str | bytes] = []
    for folder, below, names in os.walk(PACKAGE, followlinks=True):
        below.sort()
        for name in sorted(names):
            if name.endswith((".py", ".c", ".h")):
                file = Path(folder, name)
                parts += [os.path.relpath(file, PACKAGE), file.read_bytes()]
    flags = repr(sys.flags.optimize)
    return digest_of(parts), sys.version, flags, platform.machine(), sys.platform, os.environ.get("CC", "")


# --- a result, written down and read again ---


def written(result: Result, root: Path) -> dict[str, Any] | None:
    """Return a result that holds, to be kept; None for any other."""
    if result.verdict is not Verdict.HOLDS or result.unchecked or result.stopped or result.bounds:
        return None
    return {
        "result": {
            "engine": result.engine,
            "distinct": result.distinct,
            "generated": result.generated,
            "depth": result.depth,
            "actions": [[a.name, a.fired, a.new, a.switched_off] for a in result.actions],
            "properties": [
                [p.kind.value, p.name, p.vacuous, p.verdict.value, _relative(p.span, root)]
                for p in result.properties
            ],
            "constraints": [[c.name, c.times] for c in result.constraints],
            "symmetry": list(result.symmetry),
            "reduction": result.reduction,
            "seconds": result.seconds,
            "memory": result.memory,
            "out_degree": list(result.out_degree),
            "notes": list(result.notes),
        }
    }


def restored(kept: Mapping[str, Any], model: Model, root: Path) -> Result | None:
    """Return the result of a model that was written down; None if that is not one of this model."""
    try:
        data = kept["result"]
        result = Result(
            model=model.module.name,
            sizes={sort.__name__: size for sort, size in model.scope.sizes.items()},
            parameters=dict(model.scope.parameters),
            engine=str(data["engine"]),
            verdict=Verdict.HOLDS,
            distinct=int(data["distinct"]),
            generated=int(data["generated"]),
            depth=int(data["depth"]),
            actions=tuple(
                ActionReport(str(n), int(f), int(new), bool(off)) for n, f, new, off in data["actions"]
            ),
            properties=tuple(
                PropertyReport(PropertyKind(k), str(n), bool(v), _absolute(at, root), Verdict(says))
                for k, n, v, says, at in data["properties"]
            ),
            constraints=tuple(ConstraintReport(str(n), int(t)) for n, t in data["constraints"]),
            symmetry=tuple(map(str, data["symmetry"])),
            reduction=bool(data["reduction"]),
            seconds=float(data["seconds"]),
            memory=int(data["memory"]),
            out_degree=(int(data["out_degree"][0]), float(data["out_degree"][1]), int(data["out_degree"][2])),
            notes=tuple(map(str, data["notes"])),
            subject=model,
        )
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    names = {p.name for p in result.properties}
    whole = all(p.verdict is Verdict.HOLDS for p in result.properties)
    return result if whole and all(f.name in names for f in claims_of(model.module)) else None


def _relative(span: Span | None, root: Path) -> list[Any] | None:
    if span is None:
        return None
    return [os.path.relpath(span.file, root), span.line, span.column, span.end_line, span.end_column]


def _absolute(data: list[Any] | None, root: Path) -> Span | None:
    if data is None:
        return None
    file, *numbers = data
    return Span(os.path.normpath(root / str(file)), *map(int, numbers))
