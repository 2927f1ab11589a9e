"""`ratified simulate --measure`: what was asked for, measured and reported."""

from __future__ import annotations

from ratified.cli.output import deliver
from ratified.cli.ranks import random_runs
from ratified.cli.requests import SimulateRequest
from ratified.language.errors import RatifiedError


def measure(request: SimulateRequest) -> int:
    """Measure and report; the exit status is 0 if the figures are of all that was asked for, else 3."""
    from ratified.cli.drawing import check_drawable
    from ratified.cli.instances import instance
    from ratified.cli.loading import load, name_of
    from ratified.cli.report.measured import measured_headline, measured_json, measured_text
    from ratified.explore import measure as measuring
    from ratified.results.result import Limits

    _refuse_claims(request)
    check_drawable(request.diagram)
    cls = load(request.model)
    name = name_of(request.model, cls)
    model = instance(cls, request.size, request.settings)
    weights = dict(map(_weight, request.weights))
    with random_runs(name, request.runs, request.sharing, quiet=request.output.quiet) as (progress, world):
        measured = measuring.measure(
            model,
            *request.measures,
            runs=request.runs,
            length=request.depth,
            seed=request.seed,
            since=request.since or 0,
            until=request.until,
            weights=weights,
            confidence=request.confidence or 0.95,
            engine=request.engine or "auto",
            threads=request.threads,
            limits=Limits(seconds=request.seconds, memory=request.memory),
            progress=progress,
            world=world,
        )
    if world.rank:
        return 0
    first = None
    if request.show or request.diagram is not None:
        first = measuring.first_run(
            model, length=request.depth, seed=request.seed, until=request.until, weights=weights
        )

    def rendered(form: str, *, color: bool = False) -> str:
        if form == "json":
            return measured_json(name, measured)
        return measured_text(name, measured, first=first if request.show else None, color=color)

    deliver(request.output, rendered, measured_headline(name, measured))
    if request.diagram is not None and first is not None:
        from ratified.diagram.runs import sequence

        sequence(first, model).save(request.diagram)
    return 0 if measured.complete else 3


def _weight(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not equals or not number.isascii() or not number.isdigit():
        raise RatifiedError(
            f"{text!r} is not an action and its weight",
            remedy="write the action's name and a number: retry=3",
        )
    return name.strip(), int(number)


def _refuse_claims(request: SimulateRequest) -> None:
    asked = {
        "--claim": request.claims,
        "--deadlock": request.deadlock,
        "--format itf": request.output.form == "itf",
    }
    for option, given in asked.items():
        if given:
            raise RatifiedError(
                f"{option} is about claims, which are not checked while measuring",
                remedy="leave out --measure, or this",
            )
