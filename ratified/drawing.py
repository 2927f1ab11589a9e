"""What `graph` does, and `check --diagram`: explore, draw, and put the picture where it belongs.

Guarantees: what cannot be written is refused before anything is explored.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from ratified.catalogue import bundled
from ratified.checking import echo
from ratified.exploring import instance, sizes_of
from ratified.loading import load
from ratified.progress import LiveLine
from ratified.proofs.explore.result import Limits, Verdict


def small(target: str, size: str | None, settings: Mapping[str, str]) -> tuple[str, Any]:
    """A model at the size that a person looks at: what was asked for, else the one that it calls small."""
    cls = load(target)
    if size is None and "small" in sizes_of(cls):
        size = "small"
    return target if target in bundled else cls.__name__, instance(cls, size, settings)


def draw_graph(target: str, settings: Mapping[str, str], how: Mapping[str, Any]) -> int:
    """Draw a model's state graph and return the exit status."""
    from ratified.proofs.diagram.build import graph
    from ratified.proofs.diagram.render import DRAWN, check_writable, kind_of
    from ratified.proofs.diagram.size import NODES

    file = how["output"]
    kind = "dot"
    if file is not None:
        kind = kind_of(file)
        check_writable(file)
    name, model = small(target, how["size"], settings)
    live = LiveLine(sys.stderr, name) if sys.stderr.isatty() and not how["quiet"] else None
    with live or nullcontext():
        made = graph(
            model,
            view=how["view"],
            fold=how["fold"],
            focus=how["focus"],
            radius=how["radius"],
            loops=how["loops"],
            most=how["most"] or (NODES if kind in DRAWN else None),
            limits=Limits(depth=how["depth"], states=how["states"], seconds=how["seconds"]),
            engine=how["engine"],
            progress=live,
        )
    if file is None:
        echo(made.to_dot())
    else:
        made.save(file)
        if not how["quiet"]:
            echo("\n".join([f"{file}: {made.title}", *(f"  {line}" for line in made.caption), ""]))
    return Verdict.UNDECIDED.exit_status if made.stopped or made.bounds else 0
