"""What each command is asked for: one frozen, typed value a command, made from its options and arguments.

Guarantees: importing this imports neither the language nor an engine; a field has the name of the option or argument that it
comes from, and parts that commands share (where to report to, how to explore) are values of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

Request = TypeVar("Request")


@dataclass(frozen=True, slots=True)
class Output:
    """Where a report goes, and how it looks. Without a `file` it goes to standard output; `color` None: on a terminal."""

    form: str
    file: Path | None
    quiet: bool
    color: bool | None

    def __post_init__(self) -> None:
        """Refuse a file that cannot be written before an exploration that may take hours."""
        if self.file is not None and not self.file.parent.is_dir():
            from ratified.language.errors import RatifiedError

            raise RatifiedError(f"{self.file} cannot be written: there is no folder {self.file.parent}")


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many processes share the work, and on which machines (a file of theirs), if not on this one."""

    ranks: int | None
    hosts: Path | None

    def __post_init__(self) -> None:
        """Refuse machines without a number of processes."""
        if self.hosts is not None and self.ranks is None:
            import click

            raise click.UsageError("--hosts says where the ranks run; give their number with --ranks.")


@dataclass(frozen=True, slots=True)
class Exploring:
    """How to explore a model: at which named size, how far, with what. None is the model's own choice, or no limit."""

    size: str | None
    symmetry: bool | None
    depth: int | None
    states: int | None
    seconds: float | None
    memory: int | None  # bytes
    threads: int | None
    engine: str


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Explore models, each with its settings, or with none given all that is configured.

    `reduce` if of steps that come to the same in any order one order is enough.

    `dump` is where the generated C goes, `diagram` where the counterexample is drawn. `expect` is a verdict and perhaps the name
    of the claim that is violated. `cache` is a folder of verdicts to use in place of the configured one, if any.
    """

    models: tuple[tuple[str, Mapping[str, str]], ...]
    claims: tuple[str, ...]
    checkpoint: Path | None
    sharing: Sharing
    reduce: bool
    dump: Path | None
    deadlock: bool
    diagram: Path | None
    expect: tuple[str, str | None] | None
    expect_states: int | None
    expect_depth: int | None
    cache: Path | None
    no_cache: bool
    exploring: Exploring
    output: Output


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Explore every model of a protocol."""

    protocol: str
    exploring: Exploring
    output: Output


@dataclass(frozen=True, slots=True)
class ProveRequest:
    """Prove a model for every size; `timeout` is in seconds, for one obligation, `seconds` for all of it."""

    model: str
    goals: tuple[str, ...]
    without: tuple[str, ...]
    solver: str
    cross_check: bool
    timeout: float
    seconds: float | None
    processes: int | None
    smt2: Path | None
    certificate: Path | None
    diagram: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class CertifiedRequest:
    """Check the certificates of a folder; `against` is a model whose obligations they have to be."""

    folder: Path
    against: str | None
    form: str


@dataclass(frozen=True, slots=True)
class InductRequest:
    """Try a candidate for a lemma, or keep what is inductive of all invariants; exactly one of the two."""

    model: str
    claim: str | None
    houdini: bool
    timeout: float
    seconds: float | None
    output: Output


@dataclass(frozen=True, slots=True)
class BmcRequest:
    """Ask a solver about the runs of a model up to a length."""

    model: str
    settings: Mapping[str, str]
    size: str | None
    depth: int
    induction: bool
    claims: tuple[str, ...]
    deadlock: bool
    seconds: float | None
    solver: str
    diagram: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class SimulateRequest:
    """Take random walks through a model, of at most `depth` steps. Where there are `measures`, they are what is asked."""

    model: str
    settings: Mapping[str, str]
    size: str | None
    runs: int
    depth: int
    seed: int
    seconds: float | None
    memory: int | None
    show: bool
    measures: tuple[str, ...]
    since: int | None
    until: str | None
    weights: tuple[str, ...]
    confidence: float | None
    engine: str | None
    threads: int | None
    sharing: Sharing
    claims: tuple[str, ...]
    deadlock: bool
    diagram: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Run an implementation in the simulator, `seeds` times from `seed` on, or once along a `schedule`."""

    protocol: str
    settings: Mapping[str, str]
    nodes: int
    steps: int
    seed: int
    seeds: int
    vary: bool
    calm: bool
    seconds: float | None
    transcript: bool
    shrink: bool
    save: Path | None
    schedule: Path | None
    diagram: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class ServicesRequest:
    """Run policies against nodes with faults, every combination of them. Times, nodes and faults are still text."""

    policies: tuple[str, ...]
    nodes: str
    zone: str | None
    requests: int
    rate: int | None
    writes: int
    service: str
    workers: int
    fail: tuple[str, ...]
    slow: tuple[str, ...]
    pause: tuple[str, ...]
    slow_factor: int
    deadline: str
    timeout: str
    attempts: int
    backoff: str
    budgets: tuple[str, ...]
    hedges: tuple[str, ...]
    healths: tuple[str, ...]
    seed: int
    diagram: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class PlayRequest:
    """Play a scenario."""

    script: Path


@dataclass(frozen=True, slots=True)
class Driving:
    """How to drive a system along its model: `walks` are random ones, of `length` steps; `states` bounds the graph."""

    edges: bool
    forbidden: bool
    walks: int
    length: int
    states: int
    seed: int


@dataclass(frozen=True, slots=True)
class ConformRequest:
    """Hold an implementation to its model for some time, or with chaos alone until `events` have been followed.

    `target` is a bundled protocol or policy, or a driver; settings, size and how to drive are for drivers alone.
    """

    target: str
    settings: Mapping[str, str]
    size: str | None
    seconds: float | None
    events: int | None
    record: Path | None
    driving: Driving
    output: Output


@dataclass(frozen=True, slots=True)
class DriveRequest:
    """Drive a process along a model; `target` is the model, or a driver. `export` and `serve` drive nothing."""

    target: str
    settings: Mapping[str, str]
    size: str | None
    command: tuple[str, ...]
    answer_within: float
    seconds: float | None
    export: str | None
    file: Path | None
    serve: bool
    driving: Driving
    form: str


@dataclass(frozen=True, slots=True)
class MutantsRequest:
    """Plant bugs into an implementation: all that are known, or those named.

    With `sweep`, every mistake is planted: into the cores of a bundled protocol, or, where it is a module and `target` a driver,
    into that; `names` are then settings. Of a protocol, a `sample` that is drawn with the seed of the driving.
    """

    target: str
    names: tuple[str, ...]
    quick: bool
    scripts: bool
    systematic: bool
    sweep: Path | None
    sample: int | None
    seconds: float | None
    jobs: int
    within: float | None
    driving: Driving
    output: Output


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """Follow recorded runs. `settings` and `size` are for a run in ITF alone, where `binding` is a model."""

    binding: str
    traces: tuple[Path, ...]
    settings: Mapping[str, str]
    size: str | None
    follow: bool
    unobserved: int | None
    states: int
    events: int | None
    seconds: float | None
    claims_every: int
    clock: str | None
    error: str | None
    orders: int
    coverage: bool
    diagram: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class LinearizableRequest:
    """Decide whether a history is linearizable; `initial` is JSON, `operations` the longest history that is tried."""

    history: Path
    model: str
    initial: str | None
    seconds: float | None
    operations: int
    html: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class BrowseRequest:
    """Serve a model to the browser; `seconds` is how long one search may take."""

    model: str
    settings: Mapping[str, str]
    size: str | None
    port: int
    seconds: float
    open_: bool


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """Draw a model's state graph."""

    model: str
    settings: Mapping[str, str]
    file: Path | None
    view: str | None
    focus: str | None
    radius: int
    fold: bool
    loops: bool
    coverage: Path | None
    most: int | None
    size: str | None
    depth: int | None
    states: int | None
    seconds: float | None
    engine: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class ExportTlaRequest:
    """Write a model in TLA+, into a folder or (None) to standard output."""

    model: str
    settings: Mapping[str, str]
    size: str | None
    symmetry: bool
    folder: Path | None


@dataclass(frozen=True, slots=True)
class CrosscheckRequest:
    """Explore a model here and with TLC; `seconds` is for each of the two, `tlc` the place of tla2tools.jar."""

    model: str
    settings: Mapping[str, str]
    size: str | None
    symmetry: bool
    claims: tuple[str, ...]
    seconds: float
    workers: int
    tlc: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class TortureRequest:
    """Torture a cluster of the bundled runtime. `folder` None: one that is made for it, and kept."""

    target: str
    nodes: int
    spares: int
    seconds: float
    seed: int
    clients: int
    every: float
    pause: float
    protocol: str
    machine: str
    trace: bool
    plant: str | None
    kinds: tuple[str, ...]
    folder: Path | None
    output: Output


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """Run one node; with `parent`, no longer than the process that started this one."""

    file: Path
    parent: bool


@dataclass(frozen=True, slots=True)
class ClusterStartRequest:
    """Start a cluster on this machine, in the folder `data`."""

    nodes: int
    data: Path
    protocol: str
    machine: str
    certificates: Path | None
    permissions: Path | None
    insecure: bool
    trace: bool
    restarts: int
    foreground: bool


@dataclass(frozen=True, slots=True)
class ClusterStatusRequest:
    """Show how a cluster is, once or again and again."""

    data: Path
    form: str
    watch: bool


@dataclass(frozen=True, slots=True)
class ClusterStopRequest:
    """Stop a cluster."""

    data: Path


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A node of a cluster, to which something is done."""

    node: str
    data: Path


class ClusterKillRequest(ClusterNode):
    """Kill it."""


class ClusterPauseRequest(ClusterNode):
    """Stop it in its tracks."""


class ClusterResumeRequest(ClusterNode):
    """Let it go on."""


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """Ask a store, whose nodes are in a cluster's folder or at addresses."""

    endpoints: str | None
    data: Path
    certificates: Path | None
    name: str


@dataclass(frozen=True, slots=True)
class ClientGetRequest:
    """Read keys."""

    client: ClientRequest
    key: str
    prefix: bool
    revision: int


@dataclass(frozen=True, slots=True)
class ClientPutRequest:
    """Set a key."""

    client: ClientRequest
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ClientDelRequest:
    """Delete keys."""

    client: ClientRequest
    key: str
    prefix: bool


@dataclass(frozen=True, slots=True)
class ClientWatchRequest:
    """Tell changes."""

    client: ClientRequest
    key: str
    prefix: bool
    after: int | None
    count: int | None


@dataclass(frozen=True, slots=True)
class ClientLockRequest:
    """Hold a lock while a command runs."""

    client: ClientRequest
    lock: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterCertificatesRequest:
    """Make certificates for so many nodes, an operator, and clients of these names."""

    folder: Path
    nodes: int
    names: tuple[str, ...]
    days: int


@dataclass(frozen=True, slots=True)
class InitRequest:
    """Begin a project in a folder."""

    folder: Path


@dataclass(frozen=True, slots=True)
class ListRequest:
    """List what is bundled, or show models of these names with their sizes, or with what a binding says of them."""

    names: tuple[str, ...]
    actions: bool
    form: str


def takes(request: type[Request]) -> Callable[[Callable[[Request], int]], Callable[..., int]]:
    """Make a function of a request into one of the options and arguments that click has read."""

    def wrapped(command: Callable[[Request], int]) -> Callable[..., int]:
        @wraps(command)
        def call(**given: Any) -> int:
            made = assembled(request, given)
            assert not given, f"{request.__name__} has no field for {', '.join(given)}"
            return command(made)

        return call

    return wrapped


def assembled(request: type[Request], given: dict[str, Any]) -> Request:
    """Move a request's fields, and those of its parts, out of what click has read."""
    types = get_type_hints(request)
    values: dict[str, Any] = {}
    for field in fields(request):  # type: ignore[arg-type]  # every request is a dataclass
        part = types[field.name]
        shared = isinstance(part, type) and is_dataclass(part)
        values[field.name] = assembled(part, given) if shared else given.pop(field.name)
    return request(**values)
