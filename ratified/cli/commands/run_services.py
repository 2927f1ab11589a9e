"""`ratified run services`: policies side by side, with nodes that fail, slow down and pause, in virtual time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ratified.cli.commands.options import options_of_reporting
from ratified.cli.output import deliver
from ratified.cli.requests import ServicesRequest, takes
from ratified.impl.services.balancing import BALANCERS, Balancer, PriorityLevels, ZoneAware
from ratified.impl.services.endpoints import Endpoint

if TYPE_CHECKING:
    from ratified.impl.services.simulation import Load, Outcome, Setup

BUDGETS = ("throttle", "share", "in-flight", "adaptive", "none")
HEALTH = ("eject", "breaker", "none")
DRAWN = ("svg", "html")

_at_least_one = click.IntRange(min=1)
_span = "NODE@FROM..UNTIL"


@click.command("services", short_help="Run balancing and retry policies against nodes that fail.")
@click.option(
    "--policy",
    "policies",
    multiple=True,
    type=click.Choice(list(BALANCERS)),
    default=("smooth-weighted",),
    show_default=True,
    help="A balancing policy. It may be repeated, as --budget, --hedge and --health may: all get the same requests.",
)
@click.option(
    "--nodes",
    default="a=1,b=1,c=1",
    show_default=True,
    metavar="NAME=WEIGHT,...",
    help="The nodes. NAME=WEIGHT@ZONE/LEVEL gives a node's zone and its level of priority: level 0 is used first.",
)
@click.option(
    "--zone",
    metavar="ZONE",
    help="Zone of the client, which prefers nodes of its own zone; each zone has such a client.",
)
@click.option(
    "--requests",
    type=_at_least_one,
    default=10_000,
    show_default=True,
    metavar="N",
    help="Number of requests to send.",
)
@click.option(
    "--rate",
    type=_at_least_one,
    metavar="N",
    help="Requests a second; by default half of what all nodes together can serve.",
)
@click.option(
    "--writes",
    type=click.IntRange(0, 100),
    default=20,
    show_default=True,
    metavar="PERCENT",
    help="The share of requests that must not be executed twice.",
)
@click.option(
    "--service", default="10ms", show_default=True, metavar="TIME", help="Mean time to serve a request."
)
@click.option(
    "--workers",
    type=_at_least_one,
    default=2,
    show_default=True,
    metavar="N",
    help="Requests that a node serves concurrently, for each unit of its weight.",
)
@click.option("--fail", multiple=True, metavar=_span, help="Kill a node and restart it later: a@2s..4s.")
@click.option("--slow", multiple=True, metavar=_span, help="Slow a node down for a while.")
@click.option("--pause", multiple=True, metavar=_span, help="Pause a node for a while.")
@click.option(
    "--slow-factor",
    type=_at_least_one,
    default=10,
    show_default=True,
    metavar="N",
    help="Factor by which a slow node is slower.",
)
@click.option("--deadline", default="1s", show_default=True, metavar="TIME", help="Time limit for a request.")
@click.option(
    "--timeout", default="300ms", show_default=True, metavar="TIME", help="Time limit for an attempt."
)
@click.option(
    "--attempts",
    type=click.IntRange(1, 5),
    default=3,
    show_default=True,
    metavar="N",
    help="Attempts of a request, the first included.",
)
@click.option(
    "--backoff",
    default="50ms",
    show_default=True,
    metavar="TIME",
    help="Back-off before the first retry; it doubles each time, with full jitter.",
)
@click.option(
    "--budget",
    "budgets",
    multiple=True,
    type=click.Choice(BUDGETS),
    default=("throttle",),
    show_default=True,
    help="What limits retries: gRPC's throttle; a share of requests (Finagle); of those in flight (Envoy); adaptive (SRE).",
)
@click.option(
    "--hedge",
    "hedges",
    multiple=True,
    default=("none",),
    metavar="TIME",
    help="Send a read a second time if it takes longer than this, instead of retries.",
)
@click.option(
    "--health",
    "healths",
    multiple=True,
    type=click.Choice(HEALTH),
    default=("eject",),
    show_default=True,
    help="How failing nodes are avoided: ejected after 5 failures in a row (for 1 s or more, at most half), or circuit breakers.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Random seed.")
@click.option(
    "--diagram",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw load, outages, retries and ejections over time: .svg or .html.",
)
@options_of_reporting(("text", "json"))
@takes(ServicesRequest)
def services(request: ServicesRequest) -> int:
    """Run a client with balancing, retries, budget and health checks against nodes that fail, slow down and pause.

    The client is that of `ratified.impl.services`, in virtual time: the same seed gives the same run. What is certain is checked:
    no write is applied twice, and what was acknowledged was applied. The rest is measured.

    \b
      ratified run services --policy smooth-weighted --nodes a=5,b=1,c=1 --fail a@2s..4s
      ratified run services --policy random --policy two-choices --nodes a,b,c,d --pause b@1s..3s
      ratified run services --nodes a@east,b@east,c@west,d@west/1 --zone east --fail a@1s..2s
      ratified run services --budget none --attempts 5 --fail a@1s..2s --diagram load.svg
    """  # noqa: D301  # click takes \b for "keep these lines"
    from ratified.cli.report.services import Compared, services_headline, services_json, services_text

    load = load_of(request)
    if request.diagram is not None:
        from ratified.diagram.render import check_writable, kind_of

        kind_of(request.diagram, DRAWN)
        check_writable(request.diagram)
    compared = Compared(load, described(request), _outcomes(request, load))

    def rendered(form: str, *, color: bool = False) -> str:
        return services_json(compared) if form == "json" else services_text(compared, color=color)

    deliver(request.output, rendered, services_headline(compared))
    if request.diagram is not None:
        from ratified.cli.report.services import services_picture

        services_picture(compared).save(request.diagram)
    return 0 if compared.sound else 1


def _outcomes(request: ServicesRequest, load: Load) -> tuple[Outcome, ...]:
    """Run every combination of policies, with a line of progress on a terminal."""
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.impl.services.simulation import simulate

    setups, began = setups_of(request), time.monotonic()
    live = LiveText(sys.stderr) if sys.stderr.isatty() and not request.output.quiet else None
    outcomes = []
    with live or nullcontext():
        for number, setup in enumerate(setups, 1):
            if live and time.monotonic() - began > SHOWN_AFTER:
                live.show(f"services  {number:,} of {len(setups):,}: {setup.name}")
            outcomes.append(simulate(load, setup))
    return tuple(outcomes)


def load_of(request: ServicesRequest) -> Load:
    """What is asked of whom, and what goes wrong. Raises RatifiedError."""
    from ratified.cli.services import read_fault, read_ms, read_nodes
    from ratified.impl.services.simulation import Load, Trouble

    nodes = read_nodes("--nodes", request.nodes)
    names = [node.name for node in nodes]
    given = ((Trouble.FAIL, request.fail), (Trouble.SLOW, request.slow), (Trouble.PAUSE, request.pause))
    faults = tuple(read_fault(trouble, text, names) for trouble, texts in given for text in texts)
    return Load(
        nodes,
        request.requests,
        request.rate,
        read_ms("--service", request.service),
        request.workers,
        request.slow_factor,
        request.writes,
        read_ms("--deadline", request.deadline),
        faults,
        request.seed,
    )


def balancer_of(policy: str, nodes: Sequence[Endpoint], zone: str | None) -> Callable[[], Balancer]:
    """A policy, by levels of priority and by zones where there are any."""
    make = BALANCERS[policy]
    if zone is not None:
        clients = {node.zone: 1 for node in nodes} | {zone: 1}
        make = partial(ZoneAware, make, zone, clients, 1)
    return partial(PriorityLevels, make) if any(node.priority for node in nodes) else make


def setups_of(request: ServicesRequest) -> list[Setup]:
    """The policies of the client, in every combination, named by what is not the same for all. Raises RatifiedError."""
    from itertools import product

    from ratified.cli.services import read_ms, read_nodes, read_zone, time_of
    from ratified.impl.services import budgets
    from ratified.impl.services.budgets import Budget
    from ratified.impl.services.health import CircuitBreaker, OutlierConfig, Outliers
    from ratified.impl.services.hedging import Hedge
    from ratified.impl.services.retry import Backoff, RetryPolicy
    from ratified.impl.services.simulation import Setup

    nodes = read_nodes("--nodes", request.nodes)
    zone = None if request.zone is None else read_zone("--zone", request.zone, nodes)
    base, timeout_ms = read_ms("--backoff", request.backoff), read_ms("--timeout", request.timeout)
    made: dict[str, Any] = {
        "throttle": budgets.Throttle,
        "share": Budget,
        "in-flight": budgets.RetriesInFlight,
        "adaptive": partial(budgets.Adaptive, window_ms=10_000),
        "none": partial(Budget, 1000, 1_000_000),
    }
    nobody = OutlierConfig(most_percent=0)
    out = {"eject": OutlierConfig(base_ms=1_000, longest_ms=10_000, most_percent=50)}
    hedges = {text: None if text == "none" else read_ms("--hedge", text) for text in request.hedges}
    varied = [dict.fromkeys(all_) for all_ in (request.policies, request.budgets, request.healths, hedges)]
    setups = []
    for policy, budget, health, hedge in product(*varied):
        hedge_ms = hedges[hedge]
        words = (policy, budget, health, "no hedge" if hedge_ms is None else f"hedge {time_of(hedge_ms)}")
        named = [word for n, word in enumerate(words) if n == 0 or len(varied[n]) > 1]
        setups.append(
            Setup(
                "/".join(named),
                balancer_of(policy, nodes, zone),
                RetryPolicy(request.attempts, Backoff(base, max(base, 10_000))),
                made[budget],
                None if hedge_ms is None else partial(Hedge, hedge_ms, request.attempts),
                partial(Outliers, out.get(health, nobody)),
                partial(CircuitBreaker, open_ms=1_000) if health == "breaker" else None,
                timeout_ms,
            )
        )
    return setups


HEALTH_WORDS = {
    "eject": "5 failures in a row eject for 1 s, longer each time, at most half of the nodes",
    "breaker": "circuit breakers, which half of 20 requests that fail in 10 s open for 1 s",
    "none": "no node is avoided",
}


def described(request: ServicesRequest) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The options that say how the client behaves, in words. Raises RatifiedError."""
    from ratified.cli.services import read_ms, time_of

    def said(option: str, text: str) -> str:
        return time_of(read_ms(option, text))

    how = ["none"]
    if request.attempts > 1:
        how = [f"up to {request.attempts} attempts", f"back-off from {said('--backoff', request.backoff)}"]
        how.append(f"budget {' or '.join(dict.fromkeys(request.budgets))}")
        hedges = [
            f"after {said('--hedge', text)}" if text != "none" else "not at all"
            for text in dict.fromkeys(request.hedges)
        ]
        if hedges != ["not at all"]:
            how.append(f"reads hedged {' or '.join(hedges)}")
    limits = (
        f"{said('--timeout', request.timeout)} an attempt",
        f"{said('--deadline', request.deadline)} a request",
    )
    health = tuple(HEALTH_WORDS[name] for name in dict.fromkeys(request.healths))
    where = (("zone", (f"the client is in {request.zone}",)),) if request.zone is not None else ()
    return (*where, ("retries", tuple(how)), ("limits", limits), ("health", health))
