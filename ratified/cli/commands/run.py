"""`ratified run`: an implementation in the simulator."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ratified.bundled import implementations
from ratified.cli.commands.options import (
    option_of_diagram,
    option_of_seconds,
    options_of_reporting,
    read_settings,
)
from ratified.cli.output import deliver, read, write
from ratified.cli.requests import RunRequest, takes

if TYPE_CHECKING:
    from ratified import simulator
    from ratified.cli.report.run import SimulatedRuns


class WithServices(click.Command):
    """`run`, of which `run services` is a command of its own: it has no cluster, and other options."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments, of whichever of the two it is."""
        if args[:1] != ["services"]:
            return super().make_context(info_name, args, parent, **extra)
        from ratified.cli.commands.run_services import services

        return services.make_context(f"{info_name} services", args[1:], parent, **extra)


@click.command(cls=WithServices, short_help="Run an implementation in a simulated cluster, with faults.")
@click.argument("protocol", type=click.Choice(list(implementations)))
@click.argument("settings", nargs=-1, metavar="[SETTING=VALUE]...", callback=read_settings)
@click.option(
    "--nodes",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Size of the cluster.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    default=400,
    show_default=True,
    metavar="N",
    help="Length of the phase with faults, in steps.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="S", help="Random seed of the first run."
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of runs, each with the next seed.",
)
@click.option("--vary", is_flag=True, help="Draw a new configuration for each seed.")
@click.option("--calm", is_flag=True, help="Disable fault injection.")
@option_of_seconds()
@click.option("--transcript", is_flag=True, help="Show the last run, step by step.")
@click.option("--shrink/--no-shrink", default=True, help="Look for a shorter run with the same violation.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the schedule of the last run, for --schedule.",
)
@click.option(
    "--schedule",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Repeat a schedule, with the seed it was made with.",
)
@option_of_diagram("the end of the last run")
@options_of_reporting(("text", "json"))
@takes(RunRequest)
def run(request: RunRequest) -> int:
    """Run the implementation of a protocol in the simulator, with injected faults.

    A cluster goes through delays, losses, partitions, crashes and slow disks; then the faults end. Agreement, durability,
    linearizable reads and the protocol's own guarantees are checked at every step; once the faults have ended, every request of a
    client must be answered. The same seed gives the same run; a violation is shown with the shortest run found.

    \b
      ratified run raft --seed 7 --nodes 5 --steps 400 --transcript
      ratified run raft --seeds 10000 --vary
      ratified run raft pre_vote=no max_batch=1 --save schedule.txt

    Balancing, retries and health checks run against nodes that fail: `ratified run services --help`.
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.drawing import check_drawable
    from ratified.cli.report.run import run_headline, run_json, run_text

    check_drawable(request.diagram)
    runs = _runs(request)
    if request.save is not None:
        write(request.save, runs.last.script())
    if request.shrink and runs.last.violation is not None:
        runs = replace(runs, shortest=runs.last.shrink())

    def rendered(form: str, *, color: bool = False) -> str:
        return (
            run_json(runs) if form == "json" else run_text(runs, transcript=request.transcript, color=color)
        )

    deliver(request.output, rendered, run_headline(runs))
    if request.diagram is not None:
        from ratified.conform.drawing import run_diagram

        run_diagram(runs.shortest or runs.last).save(request.diagram)
    return runs.verdict.exit_status


def _runs(request: RunRequest) -> SimulatedRuns:
    """Do the runs, up to the first with a violation or the end of the time."""
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.cli.report.run import SimulatedRuns
    from ratified.results.seen import INTERRUPTED

    began, used = time.monotonic(), time.process_time()
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None
    schedule = read(request.schedule) if request.schedule is not None else None
    wanted = 1 if schedule is not None else request.seeds
    done = inputs = applied = operations = 0
    last, stopped = None, "time limit reached"
    with live or nullcontext():
        while True:
            try:
                one = _one(request, request.seed + done, schedule)
            except KeyboardInterrupt:
                if last is None:
                    raise
                stopped = INTERRUPTED
                break
            last = one
            done, inputs, applied = done + 1, inputs + last.inputs, applied + last.applied
            operations += len(last.history)
            passed = time.monotonic() - began
            if live and passed > SHOWN_AFTER and done % 20 == 0:
                live.show(f"{request.protocol}  {done:,} of {wanted:,} runs")
            late = request.seconds is not None and passed >= request.seconds
            if last.violation is not None or done == wanted or late:
                break
    seconds = time.process_time() - used
    return SimulatedRuns(
        request.protocol, wanted, done, inputs, applied, operations, seconds, last, stopped=stopped
    )


def _one(request: RunRequest, seed: int, schedule: str | None) -> simulator.SimulatedRun:
    """Do one run: with a seed, or along a schedule."""
    from ratified.bundled.systems import make_system
    from ratified.impl.system import SettingError
    from ratified.language.errors import RatifiedError
    from ratified.simulator import EVERY_FAULT, NO_FAULTS, ScheduleError, read_schedule, replay, simulate

    try:
        system = make_system(request.protocol, request.settings, seed=seed if request.vary else None)
        if schedule is not None:
            return replay(system, request.nodes, seed, read_schedule(schedule, system))
        return simulate(
            system, request.nodes, request.steps, seed, NO_FAULTS if request.calm else EVERY_FAULT
        )
    except SettingError as error:
        raise RatifiedError(str(error)) from None
    except ScheduleError as error:
        raise RatifiedError(f"{request.schedule}: {error}") from None
