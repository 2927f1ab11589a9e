"""What `ratified list` shows: the bundled models, what they are, and the sizes they name.

The sizes stand in the models, so this imports all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ratified.catalogue import bundled
from ratified.exploring import sizes_of
from ratified.loading import load


def listing(form: str) -> str:
    """Return the list as text or JSON, ending in a newline."""
    entries = [(model, sizes_of(load(model.name))) for model in bundled.values()]
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
            }
            for model, sizes in entries
        ]
        return (
            json.dumps({"schema": "ratified-list/1", "models": listed}, indent=2, ensure_ascii=False) + "\n"
        )
    width = max(len(name) for name in bundled)
    lines: list[str] = []
    for model, sizes in entries:
        if model.broken and not any(line.startswith("broken") for line in lines):
            lines += ["", "broken on purpose: checking them must show how they go wrong", ""]
        lines.append(f"{model.name:{width}}  {model.description}")
        lines += [
            f"{'':{width}}    {name}: {_settings(size)}" for name, size in sizes.items() if not model.broken
        ]
    return "\n".join([*lines, "", "ratified check MODEL [--size NAME] [SORT=SIZE]..."]) + "\n"


def _settings(size: Mapping[str, object]) -> str:
    return " ".join(f"{name}={_short(value)}" for name, value in size.items())


def _short(value: object) -> str:
    """A setting in a word: a quorum system is said by how many quorums it has."""
    return f"({len(value)} sets)" if isinstance(value, list) else str(value)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool | list | None) else str(value)
