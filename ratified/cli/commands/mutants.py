"""`ratified mutants`: bugs planted into an implementation, and who catches them."""

from __future__ import annotations

import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ratified.bundled import implementations, policies
from ratified.cli.commands.conform import require_hypothesis
from ratified.cli.commands.options import (
    FORMATS,
    option_of_seconds,
    options_of_driving,
    options_of_reporting,
    read_settings,
)
from ratified.cli.output import deliver, echo
from ratified.cli.requests import MutantsRequest, Output, takes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ratified.cli.report.mutants import Planted


CORES = Path("the cores")
"""What stands for the cores of a protocol where no module is named."""


@click.command(short_help="Plant bugs in an implementation; all must be caught.")
@click.argument("target")
@click.argument("names", nargs=-1, metavar="[NAME | SORT=SIZE]...")
@click.option("--quick", is_flag=True, help="Bundled only: use fault injection alone.")
@click.option("--scripts", is_flag=True, help="Bundled only: show a short script that exposes each bug.")
@click.option("--systematic", is_flag=True, help="Policies only: plant every mutant of the source instead.")
@click.option(
    "--sweep",
    type=click.Path(dir_okay=False, path_type=Path),
    is_flag=False,
    flag_value=CORES,
    metavar="[MODULE.py]",
    help="Plant every mutant, one at a time: for a driver in this module, for a bundled protocol in its cores.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --sweep: plant N mutants, drawn with --seed; for cores, the share caught of all is estimated, with an interval.",
)
@option_of_seconds("With --sweep of cores: start no mutant after S seconds.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    metavar="N",
    help="Mutants to drive at the same time; by default one for each core.",
)
@click.option(
    "--within",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Time limit for a mutant, in seconds; by default 20 times what the module takes, at least 10.",
)
@options_of_driving()
@options_of_reporting(FORMATS)
@takes(MutantsRequest)
def mutants(request: MutantsRequest) -> int:
    """Plant bugs into an implementation, one at a time; each must be caught.

    With a driver of your own, as path.py:Class, and --sweep, every operator, comparison, constant, condition and statement of a
    module is mutated in turn, and each mutant is driven along the model; survivors are shown with their lines.

    For a bundled protocol, bugs that real systems had are planted. The table shows what catches each bug, after how many steps: a
    reference implementation; and without it, the model (checker), linearizability of the clients' history, progress after faults
    have ended, Hypothesis, and walks along the edges of the model's state graph. With --sweep, every mutant that the rules
    produce is planted into the cores. For a policy of services the table shows random runs, Hypothesis examples, and steps along
    the graph.
    """
    if request.target in implementations and request.sweep == CORES:
        return sweep_of_cores(request)
    if request.target not in (*implementations, *policies) or request.sweep is not None:
        return sweep_by_driver(request)
    from ratified.bundled.conformance import POLICIES, PROTOCOLS
    from ratified.language.errors import RatifiedError

    protocol = PROTOCOLS.get(request.target)
    known = (protocol or POLICIES[request.target]).mutants()
    for name in request.names:
        if name not in known:
            raise RatifiedError(
                f"there is no bug {name!r} of {request.target}", remedy=f"there are {', '.join(known)}"
            )
    require_hypothesis()
    if protocol is None:
        return mutants_of_policy(request)
    if request.systematic:
        raise RatifiedError(
            f"{request.target} runs in a cluster: systematic mistakes are planted in policies only",
            remedy=f"policies are {', '.join(policies)}",
        )
    from ratified.bundled.conformance import caught_of
    from ratified.cli.report.mutants import Planted
    from ratified.conform.suite import kills
    from ratified.conform.sweeping import Memory

    wanted = request.names or tuple(known)
    width = max(map(len, wanted))
    heads = ("reference", "checker", "linear.", "progress", "hypothesis", "edges")
    found_by = ("reference", "checker", "linearizability", "progress", "hypothesis", "edges")
    table = GrowingTable(request.output)
    table.add(f"{'bug':{width}}  " + "  ".join(f"{head:>10}" for head in heads) + "   time\n")
    began, every = time.monotonic(), []
    memory = Memory.read(_remembered("bugs", request.target))
    learned = {**caught_of(request.target), **memory.caught}
    for kill in kills(
        protocol,
        wanted,
        thorough=not request.quick,
        shrink=request.scripts,
        learned=learned,
        jobs=request.jobs,
    ):
        cells = tuple(getattr(kill, who) for who in found_by)
        row = "  ".join(f"{'-' if c is None else f'{c:,}':>10}" for c in cells)
        table.add(f"{kill.name:{width}}  {row}  {kill.seconds:4.1f} s\n")
        for line in kill.shortest:
            table.add(f"    {line}\n")
        by = dict(zip(found_by, cells, strict=True))
        every.append(Planted(kill.name, by, kill.shortest))
    memory.caught = learned
    memory.write()
    missed = [one.name for one in every if not one.caught]
    table.add(f"\n{len(wanted) - len(missed)} of {len(wanted)} caught; numbers are steps until caught\n")
    if missed:
        table.add(f"not caught: {', '.join(missed)}\n")
    return reported(request, table, every, time.monotonic() - began)


def _remembered(what: str, target: str) -> Path:
    """Where it is remembered who caught what."""
    from ratified.explore.native.compile import cache_folder

    return cache_folder() / "caught" / f"{what}-{target}.json"


def sweep_of_cores(request: MutantsRequest) -> int:
    """Plant every mistake into the cores of a protocol, or a sample of them, and return the exit status."""
    from ratified.bundled.conformance import PROTOCOLS, cores_of, explained_of
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.cli.report.cores import cores_json, cores_summary, cores_text
    from ratified.cli.report.render import renderer
    from ratified.conform.ending import after, interruptible
    from ratified.conform.sweeping import Memory, Sweep
    from ratified.language.errors import RatifiedError

    if not (cores := cores_of(request.target)):
        swept = ", ".join(name for name in implementations if cores_of(name))
        raise RatifiedError(f"the cores of {request.target} cannot be swept", remedy=f"those of {swept} are")
    if request.names:
        raise click.UsageError("With --sweep no bugs are named.")
    require_hypothesis()
    began = time.monotonic()
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None

    def show(what: str) -> None:
        if live and time.monotonic() > began + SHOWN_AFTER:
            live.show(what)

    with live or nullcontext(), interruptible() as interrupted:
        sweep = Sweep(
            PROTOCOLS[request.target],
            cores,
            explained_of(request.target),
            Memory.read(_remembered("sweep", request.target)),
        )
        over = after(request.seconds, interrupted)
        try:
            sweep.watch(show)
            swept_cores = sweep.run(
                request.sample,
                request.driving.seed,
                request.jobs,
                lambda done, of: show(f"{done:,} of {of:,} mistakes"),
                over,
            )
        except ValueError as error:
            raise RatifiedError(
                f"{request.target} cannot be swept: without a mistake it does not conform\n{error}"
            ) from None
    took = time.monotonic() - began
    text = cores_text(swept_cores, took)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005 - it has no colours
        lambda: cores_json(swept_cores, took),
        lambda: cores_summary(swept_cores, text, took),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return swept_cores.verdict.exit_status


class GrowingTable:
    """A table that grows by a row at a time, which is printed as it comes wherever text goes to standard output."""

    def __init__(self, to: Output) -> None:
        self.printed = not to.quiet and (to.form == "text" or to.file is not None)
        self.text = ""

    def add(self, lines: str) -> None:
        """Add lines, each of which ends in a newline."""
        self.text += lines
        if self.printed:
            echo(lines)


def reported(request: MutantsRequest, table: GrowingTable, every: Sequence[Planted], seconds: float) -> int:
    """Report what became of mistakes that were planted, and return the exit status."""
    from ratified.cli.report.held import planted_summary
    from ratified.cli.report.mutants import planted_headline, planted_json
    from ratified.cli.report.render import renderer

    target = request.target
    rendered = renderer(
        lambda color: table.text,  # noqa: ARG005 - it has no colours
        lambda: planted_json(target, every, seconds),
        lambda: planted_summary(target, every, seconds),
    )
    deliver(request.output, rendered, planted_headline(target, every), printed=table.printed)
    return 0 if all(one.settled for one in every) else 1


def sweep_by_driver(request: MutantsRequest) -> int:
    """Plant every mistake into a module, put each to a driver, and return the exit status."""
    from ratified.cli.driving import instantiated, modelled
    from ratified.cli.loading import load_driver
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.cli.report.held import sweep_summary
    from ratified.cli.report.render import renderer
    from ratified.cli.report.sweep import sweep_json, sweep_text
    from ratified.conform.driving.engine import drive
    from ratified.conform.driving.sweep import DrivingAnswer, sweep
    from ratified.language.errors import RatifiedError
    from ratified.results.result import Limits

    if ":" not in request.target:
        raise RatifiedError(
            f"there is no implementation {request.target!r}",
            remedy=f"bundled: {', '.join((*implementations, *policies))}; write a driver of your own as path.py:Class",
        )
    if request.sweep is None or request.sweep == CORES:
        raise click.UsageError(
            "With a driver, --sweep needs the module to plant mistakes in: --sweep MODULE.py."
        )
    settings = read_settings(click.get_current_context(), click.Argument(["names"]), request.names)
    driving = request.driving

    def run() -> DrivingAnswer:
        cls = load_driver(request.target)
        model = modelled(cls, None, settings)
        result = drive(
            instantiated(cls),
            model,
            edges=driving.edges,
            forbidden=driving.forbidden,
            walks=driving.walks,
            length=driving.length,
            seed=driving.seed,
            limits=Limits(states=driving.states),
            shrink=False,
        )
        why = result.deviation.what if result.deviation is not None else result.stopped or ""
        return DrivingAnswer(result.verdict.value, why)

    began = time.monotonic()
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None

    def progress(done: int, of: int) -> None:
        if live and time.monotonic() > began + SHOWN_AFTER:
            live.show(f"{done:,} of {of:,} mistakes")

    with live or nullcontext():
        swept = sweep(
            request.sweep,
            run,
            jobs=request.jobs,
            within=request.within,
            sample=request.sample,
            seed=driving.seed,
            told=progress,
        )
    took = time.monotonic() - began
    text = sweep_text(swept, took)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005 - it has no colours
        lambda: sweep_json(swept, took),
        lambda: sweep_summary(swept, text, took),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return swept.verdict.exit_status


def mutants_of_policy(request: MutantsRequest) -> int:
    """Plant bugs, or every systematic mistake, into a policy, and return the exit status."""
    from ratified.bundled.conformance import POLICIES
    from ratified.cli.report.mutants import Planted
    from ratified.cli.report.policies import WIDEST, kill_heading, kill_row, kill_sum
    from ratified.conform.operators import mutations
    from ratified.conform.policies import PolicyKill, kills, systematic_kills

    policy = POLICIES[request.target]
    explained = policy.survivors()
    if request.systematic:
        names = tuple(mutation.name for mutation in mutations(policy.sources))
        found = systematic_kills(policy, quick=request.quick)
    else:
        names = request.names or tuple(policy.mutants())
        found = kills(policy, names, quick=request.quick, shrink=request.scripts)
    width = min(WIDEST, max(map(len, names), default=3))
    began, table = time.monotonic(), GrowingTable(request.output)
    table.add(kill_heading("mutant" if request.systematic else "bug", width))
    every: list[PolicyKill] = []
    for kill in found:
        every.append(kill)
        table.add(kill_row(kill, width, explained))
    table.add(kill_sum(every, explained))
    planted = [
        Planted(
            kill.name,
            {"random": kill.chance, "hypothesis": kill.hypothesis, "edges": kill.edges},
            kill.script,
            explained.get(kill.name, ""),
        )
        for kill in every
    ]
    return reported(request, table, planted, time.monotonic() - began)
