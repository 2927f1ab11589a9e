"""`ratified cluster`: a cluster on this machine, started, looked at and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import click

from ratified.bundled import hosted
from ratified.cli.output import colorful, complain, echo
from ratified.cli.requests import (
    ClusterCertificatesRequest,
    ClusterKillRequest,
    ClusterNode,
    ClusterPauseRequest,
    ClusterResumeRequest,
    ClusterStartRequest,
    ClusterStatusRequest,
    ClusterStopRequest,
    takes,
)
from ratified.cli.running import is_alive, is_stopped, node_of, reports, runtime_faults, state_of, table

COLORS = {"running": "green", "restarting": "yellow", "paused": "yellow", "no answer": "yellow"}

option_of_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default="cluster",
    show_default=True,
    metavar="DIR",
    help="Folder of the cluster.",
)


@click.group(short_help="Start, watch and stop a cluster on this machine.")
def cluster() -> None:
    """Run a cluster on this machine: a process for each node, supervised and restarted.

    \b
      ratified cluster start --nodes 3 --data demo --insecure
      ratified cluster status --data demo
      ratified cluster kill n1 --data demo
      ratified cluster stop --data demo
    """  # noqa: D301  # click takes \b for "keep these lines"


@cluster.command(short_help="Start a cluster, or restart one.")
@click.option(
    "--nodes", type=click.IntRange(1, 99), default=3, show_default=True, metavar="N", help="Number of nodes."
)
@option_of_data
@click.option("--protocol", default="raft", show_default=True, metavar="NAME", help=f"{' or '.join(hosted)}.")
@click.option(
    "--machine", default="kv", show_default=True, metavar="NAME", help="State machine to replicate."
)
@click.option(
    "--certificates",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    metavar="DIR",
    help="TLS, with the certificates in DIR; see `ratified cluster certificates`.",
)
@click.option(
    "--permissions",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="FILE",
    help="With --machine etcd and TLS: TOML with tables [etcd.permissions.NAME]. `operator` may do everything.",
)
@click.option("--insecure", is_flag=True, help="Run without TLS; loopback only.")
@click.option(
    "--trace", is_flag=True, help="Have nodes write traces for `ratified trace`: DIR/*/trace.ndjson."
)
@click.option(
    "--restarts",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="Give up on a node that exits by itself more than N times in a minute.",
)
@click.option("--foreground", is_flag=True, help="Stay in the foreground, until Ctrl-C or SIGTERM.")
@takes(ClusterStartRequest)
def start(request: ClusterStartRequest) -> int:
    """Start a cluster and wait until it has a leader.

    A cluster that is in the folder already is restarted. Nodes and their supervisor run in the background,
    until `ratified cluster stop`.
    """
    import asyncio

    from ratified.language.errors import RatifiedError

    if request.certificates is None and not request.insecure:
        raise RatifiedError(
            "nodes need certificates to trust each other",
            remedy="--certificates DIR (ratified cluster certificates makes some), or --insecure to use none, on loopback",
        )
    if request.permissions is not None and (request.certificates is None or request.machine != "etcd"):
        raise RatifiedError(
            "permissions are for names in certificates, and for the store",
            remedy="--machine etcd --certificates DIR",
        )
    with runtime_faults():
        if request.foreground:
            return asyncio.run(_run(request))
        return _in_background(request)


def _permissions(request: ClusterStartRequest) -> str:
    """Return what node.toml says of who may do what: what the file says, and that the operator may do everything."""
    from ratified.language.errors import RatifiedError

    if request.certificates is None or request.machine != "etcd":
        return ""
    operator = "[etcd.permissions.operator]\nadministrator = true\n"
    if request.permissions is None:
        return operator
    try:
        said = tomllib.loads(given := request.permissions.read_text("utf-8"))
    except ValueError as error:
        raise RatifiedError(f"{request.permissions} is not TOML: {error}") from None
    match said:
        case {"etcd": {"permissions": {"operator": _}}}:
            return given
    return f"{given}\n{operator}"


def _cluster(request: ClusterStartRequest) -> Any:
    from ratified.impl.runtime.cluster import Cluster, Restarts

    return Cluster(
        request.nodes,
        request.data,
        protocol=request.protocol,
        machine=request.machine,
        certificates=request.certificates,
        tables=_permissions(request),
        trace=request.trace,
        restarts=Restarts(most=request.restarts),
    )


async def _run(request: ClusterStartRequest) -> int:
    """Supervise until somebody ends it."""
    import asyncio

    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    made = _cluster(request)
    starting = asyncio.ensure_future(made.__aenter__())
    ending = asyncio.ensure_future(over.wait())
    await asyncio.wait({starting, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return 0
    starting.result()
    echo(f"{len(made.names)} nodes are running in {request.data}\n")
    await ending
    await made.close()
    return 0


def _in_background(request: ClusterStartRequest) -> int:
    from ratified.impl.runtime.cluster import read_state
    from ratified.language.errors import RatifiedError

    known = read_state(request.data)
    if known is not None and known["supervisor"] is not None:
        raise RatifiedError(
            f"a cluster is already running in {request.data}",
            remedy=f"ratified cluster stop --data {request.data}",
        )
    if known is not None and len(known["founders"]) != request.nodes:
        raise RatifiedError(
            f"the cluster in {request.data} has {len(known['founders'])} nodes",
            remedy=f"--nodes {len(known['founders'])}",
        )
    try:
        request.data.mkdir(parents=True, exist_ok=True)
        log = (request.data / "supervisor.log").open("wb")
    except OSError as error:
        raise RatifiedError(f"{request.data} cannot be written: {error.strerror}") from None
    command = [
        sys.executable,
        "-m",
        "ratified",
        "cluster",
        "start",
        "--foreground",
        "--nodes",
        str(request.nodes),
    ]
    command += ["--data", str(request.data), "--protocol", request.protocol, "--machine", request.machine]
    command += ["--restarts", str(request.restarts)]
    command += ["--trace"] * request.trace + ["--insecure"] * request.insecure
    if request.certificates is not None:
        command += ["--certificates", str(request.certificates)]
    if request.permissions is not None:
        command += ["--permissions", str(request.permissions)]
    with log:
        null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        outputs = [(os.POSIX_SPAWN_DUP2, log.fileno(), number) for number in (1, 2)]
        process = os.posix_spawn(
            sys.executable, command, os.environ, file_actions=[null, *outputs], setsid=True
        )
    try:
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            if "nodes are running in" in (request.data / "supervisor.log").read_text(errors="replace"):
                break
            time.sleep(0.05)
        else:
            said = (request.data / "supervisor.log").read_text(errors="replace").strip()
            raise RatifiedError(
                said.removeprefix("Error: ") or "the supervisor exited without an error message"
            )
    except KeyboardInterrupt:  # it has not begun, and does not begin without whoever waits for it
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)
        raise
    return _show(request.data, "text")


@cluster.command(short_help="Show the state of the nodes.")
@option_of_data
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="Format of the report.",
)
@click.option("--watch", is_flag=True, help="Keep refreshing, until Ctrl-C.")
@takes(ClusterStatusRequest)
def status(request: ClusterStatusRequest) -> int:
    """Show role, term, commit, lag and health of every node. Exit status: 0 if a majority of the founders is healthy, else 1."""
    with runtime_faults():
        while request.watch:
            if colorful(sys.stdout, None):
                echo("\x1b[H\x1b[2J")
            _show(request.data, request.form)
            time.sleep(1)
        return _show(request.data, request.form)


def _show(data: Path, form: str) -> int:
    import asyncio

    state = state_of(data)
    rows = asyncio.run(reports(state))
    well = [r for r in rows if r.get("leader") and r["node"] in state["founders"]]
    if form == "json":
        echo(json.dumps({"supervisor": state["supervisor"], "nodes": rows}, indent=1) + "\n")
    else:
        colored = colorful(sys.stdout, None)
        echo(
            table(rows, lambda text, what: click.style(text, fg=COLORS.get(what, "red")) if colored else text)
        )
    return 0 if 2 * len(well) > len(state["founders"]) else 1


@cluster.command(short_help="Stop the cluster.")
@option_of_data
@takes(ClusterStopRequest)
def stop(request: ClusterStopRequest) -> int:
    """Stop all nodes gracefully, and their supervisor."""
    from ratified.impl.runtime.folder import holder

    with runtime_faults():
        state = state_of(request.data)
        for node in state["nodes"].values():
            if node["process"] is not None:
                with contextlib.suppress(ProcessLookupError):  # it may be between two starts
                    os.kill(node["process"], signal.SIGCONT)
        _send(state["supervisor"], signal.SIGTERM)
        while holder(request.data) == state["supervisor"]:
            time.sleep(0.02)
    echo(f"the cluster in {request.data} has stopped\n")
    return 0


@cluster.command(short_help="Kill a node; it is restarted.")
@click.argument("node")
@option_of_data
@takes(ClusterKillRequest)
def kill(request: ClusterKillRequest) -> int:
    """Kill the process of NODE (SIGKILL). Its supervisor restarts it."""
    return _signal(request, signal.SIGKILL, "was killed")


@cluster.command(short_help="Suspend a node.")
@click.argument("node")
@option_of_data
@takes(ClusterPauseRequest)
def pause(request: ClusterPauseRequest) -> int:
    """Suspend the process of NODE (SIGSTOP), as if its machine hung."""
    return _signal(request, signal.SIGSTOP, "is paused")


@cluster.command(short_help="Resume a paused node.")
@click.argument("node")
@option_of_data
@takes(ClusterResumeRequest)
def resume(request: ClusterResumeRequest) -> int:
    """Resume the process of NODE (SIGCONT)."""
    return _signal(request, signal.SIGCONT, "goes on")


def _signal(request: ClusterNode, number: int, told_as: str) -> int:
    with runtime_faults():
        process = node_of(state_of(request.data), request.node)["process"]
        _send(process, number)
        while number == signal.SIGSTOP and is_alive(process) and not is_stopped(process):
            time.sleep(0.005)  # a signal is sent before it takes effect
    echo(f"{request.node} {told_as}\n")
    return 0


def _send(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        complain(f"process {process} has exited in the meantime")


@cluster.command(short_help="Make test certificates for TLS.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--nodes",
    type=click.IntRange(1, 99),
    default=3,
    show_default=True,
    metavar="N",
    help="Number of nodes: n1 to nN.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Also make one for the client NAME (may be repeated).",
)
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    metavar="N",
    help="Number of days they are valid.",
)
@takes(ClusterCertificatesRequest)
def certificates(request: ClusterCertificatesRequest) -> int:
    """Make an authority, and a certificate from it for each node and for `operator`, in FOLDER.

    They are for tests: keys are not encrypted.
    """
    with runtime_faults():
        from ratified.impl.runtime.certificates import make_certificates

        names = [*(f"n{i}" for i in range(1, request.nodes + 1)), "operator", *request.names]
        written = make_certificates(request.folder, names, days=request.days)
    echo("".join(f"wrote {path}\n" for path in written))
    return 0
