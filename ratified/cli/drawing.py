"""What `graph` does, and `check --diagram`: explore, draw, and put the picture where it belongs.

Guarantees: what cannot be written is refused before anything is explored.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratified.cli.catalogue import bundled
from ratified.cli.checking import echo
from ratified.cli.exploring import instance, sizes_of
from ratified.cli.loading import load
from ratified.cli.progress import LiveLine
from ratified.results.result import Limits, Result, Verdict

if TYPE_CHECKING:
    from ratified.language.model import Model
    from ratified.smt.finite.bounded import Bounded
    from ratified.smt.result import Proof


def small(target: str, size: str | None, settings: Mapping[str, str]) -> tuple[str, Any]:
    """A model at the size that a person looks at: what was asked for, else the one that it calls small."""
    cls = load(target)
    if size is None and "small" in sizes_of(cls):
        size = "small"
    return target if target in bundled else cls.__name__, instance(cls, size, settings)


def draw_graph(target: str, settings: Mapping[str, str], how: Mapping[str, Any]) -> int:
    """Draw a model's state graph and return the exit status."""
    from ratified.diagram.build import graph
    from ratified.diagram.render import DRAWN, check_writable, kind_of
    from ratified.diagram.size import NODES

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


def ready_to_draw(file: Path | None) -> None:
    """Refuse a file for a sequence diagram that cannot be written, before anything that takes long."""
    if file is not None:
        from ratified.diagram.chart import KINDS
        from ratified.diagram.render import check_writable, kind_of

        kind_of(file, KINDS)
        check_writable(file)


def draw_counterexample(result: Result, file: Path | None) -> None:
    """Draw the counterexample of a result, if a file was asked for; say so where there is none."""
    if file is None:
        return
    if result.violation is None:
        tell_nothing_drawn(file, f"nothing that {result.model} claims is violated")
        return
    from ratified.diagram.runs import sequence

    sequence(result).save(file)


def draw_bounded(found: Bounded, model: Model, file: Path | None) -> None:
    """Draw what a solver found, if a file was asked for: a counterexample, or what stands in the way of induction."""
    if file is None:
        return
    from ratified.diagram.pair import induction_step
    from ratified.diagram.runs import sequence

    if found.violation is not None:
        sequence(found.violation, model).save(file)
    elif found.induction is not None and found.induction.trace.steps:
        induction_step(found.induction.claim, found.induction.trace, repr(model)).save(file)
    else:
        tell_nothing_drawn(file, "there is neither a counterexample nor anything in the way of induction")


def draw_proof(proof: Proof, file: Path | None) -> None:
    """Draw the first counterexample to induction of a proof that failed, if a file was asked for."""
    if file is None:
        return
    from ratified.diagram.pair import side_by_side
    from ratified.diagram.sequence import Ending
    from ratified.smt.result import Status

    for cell in proof.of(Status.FAILED):
        found = cell.counterexample
        states = [state for state in (found.before, found.after) if state is not None] if found else []
        if found is None or not states:
            continue
        arguments = ", ".join(f"{name}={value}" for name, value in found.arguments.items())
        sizes = " ".join(f"{name}={value}" for name, value in found.sizes.items())
        side_by_side(
            states[0],
            states[-1],
            title=f"{proof.model} {sizes}: {cell.name}",
            heads=("before", "after") if len(states) == 2 else ("this state", "the same"),
            between=f"{cell.action}({arguments})" if cell.action else "",
            ending=Ending(f"{cell.claim} is not inductive", (f"not so: {cell.says}",) if cell.says else ()),
        ).save(file)
        return
    tell_nothing_drawn(file, "there is no counterexample to induction")


def tell_nothing_drawn(file: Path, why: str) -> None:
    """Say on standard error that a picture was not made."""
    sys.stderr.write(f"{file} is not written: {why}\n")


def serve(
    target: str, settings: Mapping[str, str], size: str | None, port: int, seconds: float, *, open_: bool
) -> int:
    """Serve the explorer of a model until Ctrl-C, and return the exit status."""
    from ratified.diagram.explorer.server import Explorer, Server

    model = instance(load(target), size, settings)
    with Server(Explorer(model, Limits(seconds=seconds)), port) as server:
        server.explorer.about()  # a model without an initial state is told of here
        echo(f"{model!r}\n{server.url}  (Ctrl-C ends it)\n")
        if open_:
            import webbrowser

            webbrowser.open(server.url)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    return 0
