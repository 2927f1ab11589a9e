"""What the commands that drive a system share: the model of a driver, and a driving that is watched and reported.

Guarantees: importing this imports neither the language nor an engine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ratified.cli.output import deliver
from ratified.cli.requests import Driving, Output

if TYPE_CHECKING:
    from ratified.conform.driving.driver import Driver
    from ratified.language.model import Model


def modelled(driver: type[Driver] | Driver, size: str | None, settings: Mapping[str, str]) -> Model:
    """Return the model of a driver, at the size asked for. Raises RatifiedError."""
    from ratified.cli.instances import resized

    return resized(_said(driver if isinstance(driver, type) else type(driver)), size, settings)


def _said(cls: type[Driver]) -> type[Model] | Model:
    """What a driver says is its model. Raises RatifiedError."""
    from ratified.follow.meaning import method_span
    from ratified.language.errors import RatifiedError
    from ratified.language.model import Model

    model: object = cls.model
    if not (isinstance(model, Model) or (isinstance(model, type) and issubclass(model, Model))):
        raise RatifiedError(
            f"{cls.__name__} does not say its model",
            span=method_span(cls, None),
            remedy="write `model = Lock` in the class, with the model's class, or `model = Lock(Client=2)`",
        )
    return model


def driven(
    make: Callable[[], Driver], model: Model, driving: Driving, seconds: float | None, to: Output
) -> int:
    """Drive a system, report, and return the exit status."""
    from ratified.cli.progress import SHOWN_AFTER, LiveText
    from ratified.cli.report.drive import drive_headline, drive_json, drive_text
    from ratified.cli.report.held import drive_summary
    from ratified.cli.report.render import renderer
    from ratified.conform.driving.engine import drive
    from ratified.results.result import Limits

    live = LiveText(sys.stderr) if sys.stderr.isatty() and not to.quiet else None
    shown = time.monotonic() + SHOWN_AFTER

    def progress(taken: int, edges: int, asked: int) -> None:
        nonlocal shown
        if live and time.monotonic() > shown:
            shown = time.monotonic() + 0.1
            live.show(f"{model.module.name}  {taken:,} of {edges:,} steps driven  {asked:,} forbidden asked")

    with live or nullcontext():
        result = drive(
            instantiated(make),
            model,
            edges=driving.edges,
            forbidden=driving.forbidden,
            walks=driving.walks,
            length=driving.length,
            seed=driving.seed,
            limits=Limits(seconds=seconds, states=driving.states),
            progress=progress,
        )
    rendered = renderer(
        lambda color: drive_text(result),  # noqa: ARG005 - it has no colours
        lambda: drive_json(result),
        lambda: drive_summary(result, model.module),
    )
    deliver(to, rendered, drive_headline(result))
    return result.verdict.exit_status


def instantiated(make: Callable[[], Driver]) -> Driver:
    """Return a driver. Raises RatifiedError where its class cannot be instantiated."""
    from ratified.language.errors import RatifiedError

    try:
        return make()
    except TypeError as problem:
        raise RatifiedError(
            f"{getattr(make, '__name__', 'the driver')} cannot be instantiated: {problem}",
            remedy="it is instantiated without arguments",
        ) from None


def replayed(target: str, given: Mapping[str, Any], walk: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Replay a walk that was exported by a driver, at sizes and with parameters. Raises AssertionError where it deviates."""
    from ratified.cli.loading import load_driver
    from ratified.conform.driving.export import replay

    cls = load_driver(target)
    model = _said(cls)
    replay(instantiated(cls), (model if isinstance(model, type) else type(model))(**given), walk)
