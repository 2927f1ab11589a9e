"""The list of what is bundled, as text or JSON: models, what they are, and the sizes they name.

The sizes stand in the models, so this imports all of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from textwrap import wrap

from ratified.bundled import BundledModel, models
from ratified.cli.instances import is_symmetric, sizes_of
from ratified.cli.loading import load
from ratified.cli.report import plural


def listing(form: str) -> str:
    """Return the list as text or JSON, ending in a newline."""
    entries = [(model, sizes_of(load(model.name))) for model in models.values()]
    if form == "json":
        listed = [
            {
                "name": model.name,
                "description": model.description,
                "broken": model.broken,
                "class": model.target,
                "sizes": {
                    name: {key: _plain(value) for key, value in size.items()} for name, size in sizes.items()
                },
                "symmetric_sizes": [name for name in sizes if is_symmetric(load(model.name), name)],
            }
            for model, sizes in entries
        ]
        return (
            json.dumps({"schema": "ratified-list/1", "models": listed}, indent=2, ensure_ascii=False) + "\n"
        )
    sound = [(model, sizes) for model, sizes in entries if not model.broken]
    broken = [model for model, _ in entries if model.broken]
    lines = []
    for model, sizes in sound:
        lines.append(f"{model.name:{_width(m for m, _ in sound)}}  {model.description}")
        for name, size in sizes.items():
            reduced = ", with symmetry" if is_symmetric(load(model.name), name) else ""
            lines += wrap(
                f"{name}: {_settings(size)}{reduced}", 98, initial_indent="    ", subsequent_indent="        "
            )
    lines += ["", "broken on purpose: checking them shows how they go wrong", ""]
    lines += [f"{model.name:{_width(broken)}}  {model.description}" for model in broken]
    return "\n".join([*lines, "", "ratified check MODEL [--size NAME] [SORT=SIZE]..."]) + "\n"


def _width(listed: Iterable[BundledModel]) -> int:
    return max(len(model.name) for model in listed)


def _settings(size: Mapping[str, object]) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in size.items())


def _short(value: object) -> str:
    """A setting in a word: a quorum system is said by how many quorums it has."""
    return f"({plural(len(value), 'set')})" if isinstance(value, list) else str(value)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool | list | None) else str(value)
