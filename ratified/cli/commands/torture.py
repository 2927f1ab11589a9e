"""`ratified torture`: a cluster that runs, with everything going wrong, and what came of it decided."""

from __future__ import annotations

from pathlib import Path

import click

from ratified.bundled import hosted
from ratified.cli.commands.options import FORMATS, options_of_reporting
from ratified.cli.output import deliver
from ratified.cli.requests import TortureRequest, takes
from ratified.cli.running import runtime_faults


@click.command(short_help="Inject every kind of fault into a running cluster.")
@click.argument("target", type=click.Choice(("cluster",)))
@click.option(
    "--nodes", type=click.IntRange(1, 9), default=3, show_default=True, metavar="N", help="Number of nodes."
)
@click.option(
    "--spares",
    type=click.IntRange(0, 3),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of further nodes, which join and leave (raft).",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1, max=86_400),
    default=60.0,
    show_default=True,
    metavar="S",
    help="How long to inject faults.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="S",
    help="Random seed of faults and operations.",
)
@click.option(
    "--clients",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    metavar="N",
    help="Number of clients.",
)
@click.option(
    "--every",
    type=click.FloatRange(min=0.05),
    default=0.5,
    show_default=True,
    metavar="S",
    help="Seconds between two faults, on average.",
)
@click.option(
    "--pause",
    type=click.FloatRange(min=0),
    default=0.05,
    show_default=True,
    metavar="S",
    help="Seconds between two operations of a client, on average.",
)
@click.option(
    "--protocol",
    type=click.Choice(hosted),
    default="raft",
    show_default=True,
    help="Protocol of the nodes.",
)
@click.option(
    "--machine",
    type=click.Choice(("kv", "etcd")),
    default="kv",
    show_default=True,
    help="State machine: a small key-value store, or the store behind etcd's interface, used through it.",
)
@click.option(
    "--trace/--no-trace",
    default=True,
    help="Have nodes write traces, and check them against the model.",
)
@click.option(
    "--plant",
    metavar="BUG",
    help="Plant a bug, which must be found: no-fsync, one of the protocol's mutants, or one around the core (docs/cluster.md).",
)
@click.option(
    "--fault",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Inject only faults of this kind (may be repeated).",
)
@click.option(
    "--data",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for nodes, history, traces and picture; by default a new one, which is named and kept.",
)
@options_of_reporting(FORMATS)
@takes(TortureRequest)
def torture(request: TortureRequest) -> int:
    """Start a cluster, have clients use it under fault injection, and check what they saw.

    \b
      ratified torture cluster --nodes 3 --seconds 120 --seed 7
      ratified torture cluster --seconds 30 --plant forgets-vote

    Nodes are killed, stopped and restarted, cut off from each other, removed and added; disks are slow or full, or tear
    a write when a node is killed; clocks jump, if libfaketime is installed. The verdict is HOLDS if the clients' history is
    linearizable, the model explains the traces of all nodes, and all nodes end with the same state.
    """  # noqa: D301  # click takes \b for "keep these lines"
    with runtime_faults():
        from ratified.conformance.cluster.torture import Plan, known_kinds, known_plants
        from ratified.conformance.cluster.torture import torture as run

        plants = known_plants(request.protocol, request.machine)
        if request.plant is not None and request.plant not in plants:
            raise click.UsageError(f"there is no bug {request.plant!r}; there are {', '.join(plants)}")
        kinds = known_kinds()
        for kind in request.kinds:
            if kind not in kinds:
                raise click.UsageError(f"there is no fault {kind!r}; there are {', '.join(kinds)}")
        found = run(
            Plan(
                _folder(request.folder),
                request.nodes,
                request.spares,
                request.seconds,
                request.seed,
                request.clients,
                request.every,
                request.pause,
                request.protocol,
                request.machine,
                request.trace,
                request.plant,
                request.kinds,
            )
        )
    from ratified.cli.report.render import renderer
    from ratified.cli.report.torture import torture_json, torture_summary, torture_text

    text = torture_text(found)
    rendered = renderer(
        lambda color: text,  # noqa: ARG005 - it has no colours
        lambda: torture_json(found),
        lambda: torture_summary(found),
    )
    deliver(request.output, rendered, text.partition("\n")[0])
    return found.verdict.exit_status


def _folder(given: Path | None) -> Path:
    """Return the folder to work in: the one that was given, if there is nothing in it."""
    import tempfile

    from ratified.language.errors import RatifiedError

    if given is None:
        return Path(tempfile.mkdtemp(prefix="ratified-torture-"))
    if given.exists() and any(given.iterdir()):
        raise RatifiedError(f"{given} is not empty", remedy="a run needs a folder of its own")
    return given
