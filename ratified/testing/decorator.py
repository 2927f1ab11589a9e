"""`@model_test`: a model that stands in a file of tests, or is imported there, is tested at the sizes that it is marked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ratified.cli.gate.configuration import Expectation, ModelEntry
from ratified.language.errors import ModelError, RatifiedError
from ratified.language.model import Model
from ratified.results.result import Limits, Verdict

M = TypeVar("M", bound=type[Model])

_UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class ModelTests:
    """What a class is marked with: for each setting the values it is tested with, in all combinations."""

    sizes: Mapping[str, tuple[object, ...]]
    expect: Verdict
    engine: str
    symmetry: bool | None
    deadlock: bool | None
    limits: Limits


def model_test(
    *,
    expect: Verdict = Verdict.HOLDS,
    engine: str = "auto",
    symmetry: bool | None = None,
    deadlock: bool | None = None,
    limits: Limits = _UNLIMITED,
    **sizes: object,
) -> Callable[[M], M]:
    """Mark a model to be tested by pytest, each claim at each size: `@model_test(Client=[1, 2, 3])`.

    `sizes` are sizes and parameters; a list has several values, which are tested in all combinations. The class is collected
    where a test file defines or imports it. `deadlock` None: states without successors are reported, but do not fail.

    Raises:
        ModelError: not a model.
        RatifiedError: a list is empty, so that nothing would be tested.
    """
    for name, values in sizes.items():
        if values == []:
            raise RatifiedError(
                f"model_test({name}=[]): there are no sizes, so nothing would be tested",
                remedy=f"write {name}=[1, 2, 3], or leave it out",
            )
    several = {n: tuple(v) if isinstance(v, list) else (v,) for n, v in sizes.items()}
    tests = ModelTests(several, expect, engine, symmetry, deadlock, limits)

    def mark(cls: M) -> M:
        given: Any = cls
        if not (isinstance(given, type) and issubclass(given, Model)):
            what = getattr(given, "__name__", type(given).__name__)
            raise ModelError(
                f"{what} is not a model: model_test is for models",
                remedy="mark a class that derives from Model",
            )
        cls.__ratified_tests__ = tests  # type: ignore[attr-defined]  # looked for by the plugin
        return cls

    return mark


def entry_of(cls: type[Model], name: str, settings: Mapping[str, object], tests: ModelTests) -> ModelEntry:
    """Return what would stand in a configuration for one size of a marked class."""
    shown = ",".join(f"{key}={value}" for key, value in settings.items())
    span = cls.module.span
    assert span is not None  # a class that was compiled stands somewhere
    return ModelEntry(
        name,
        name + (f"[{shown}]" if shown else ""),
        None,
        settings,
        tests.engine,
        tests.symmetry,
        False,
        tests.deadlock,
        tests.limits,
        (),
        Expectation(tests.expect),
        span,
        {"sizes": span},
    )
