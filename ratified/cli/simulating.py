"""What `simulate` does: walk, and put the report where it belongs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ratified.cli.catalogue import bundled
from ratified.cli.checking import Output, colorful, echo, write
from ratified.cli.exploring import instance
from ratified.cli.loading import load


def simulate_model(target: str, settings: Mapping[str, str], how: Mapping[str, Any], to: Output) -> int:
    """Walk through one model at random and return the exit status."""
    from ratified.cli.drawing import ready_to_draw
    from ratified.cli.report.simulation import simulation_headline, simulation_json, simulation_text
    from ratified.explore.simulate import simulate

    ready_to_draw(how.get("diagram"))
    cls = load(target)
    name = target if target in bundled else cls.__name__
    model = instance(cls, how["size"], settings)
    walked = simulate(
        model,
        runs=how["runs"],
        depth=how["depth"],
        seed=how["seed"],
        deadlock=how["deadlock"],
        claims=how["claims"] or None,
    )

    if (picture := how.get("diagram")) is not None:
        from ratified.diagram.runs import sequence

        sequence(walked.violation or walked.first, model).save(picture)

    def rendered(form: str, *, color: bool = False) -> str:
        if form == "json":
            return simulation_json(name, walked)
        if form == "itf":
            from ratified.itf import as_itf

            return as_itf(model, walked.violation.trace if walked.violation else walked.first, name)
        return simulation_text(name, walked, show_run=how["show"], color=color)

    form = to.form
    if to.file is not None:
        write(to.file, rendered(form))
        form = "text"
    if to.quiet and form == "text":
        echo(simulation_headline(name, walked) + "\n")
    else:
        echo(rendered(form, color=colorful(sys.stdout, to.color)))
    return walked.verdict.exit_status
