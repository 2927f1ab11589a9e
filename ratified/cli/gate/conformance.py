"""Implementations in a configuration: something bundled, or what a file has under a name.

What a file may have: a driver (`ratified.Driver`), a `Protocol` (`ratified.conform.protocol`), a `Policy`
(`ratified.conform.policy`), a state machine of Hypothesis, which is run with the profile in force, or a function without
arguments that returns an answer with a verdict.

Guarantees: an answer without a verdict is refused, so that a function that forgot to return one has not passed.
"""

from __future__ import annotations

import inspect
import sys
import time
from typing import Any

from ratified.bundled import implementations, policies
from ratified.cli.commands.conform import require_hypothesis
from ratified.cli.gate.configuration import ConformanceEntry
from ratified.cli.loading import load_module, staying
from ratified.cli.report.checks import OtherOutcome, allowed
from ratified.language.errors import RatifiedError
from ratified.results.result import Decided, Limits, Unexpected, Verdict


def held(entry: ConformanceEntry, target: str) -> OtherOutcome:
    """Hold an implementation to its model and return what came of it. Raises RatifiedError."""
    began = time.monotonic()
    try:
        with staying():
            verdict, headline, text = _held(entry, target)
    except BaseException as error:  # whatever it raises: what makes pytest skip a test would be green
        if isinstance(error, RatifiedError | KeyboardInterrupt) or type(error).__module__.startswith(
            "ratified."
        ):
            raise
        says = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise RatifiedError(
            f"{target} ends with {says}", span=entry.span, remedy="return an answer, or a Verdict"
        ) from error
    verdict, headline = allowed(verdict, headline, entry.undecided_allowed)
    return OtherOutcome(
        entry.label, "conformance", verdict, headline, text, time.monotonic() - began, entry.span
    )


USUAL_SECONDS = 10.0
"""How long what is bundled is run, unless something else is configured; a driver is driven along all of its graph."""


def _time(entry: ConformanceEntry) -> float:
    return USUAL_SECONDS if entry.seconds is None else entry.seconds


EntryOutcome = tuple[Verdict, str, str]
"""A verdict, in a line, and in full."""


def _held(entry: ConformanceEntry, target: str) -> EntryOutcome:
    from ratified.conform.driving.driver import Driver
    from ratified.conform.policy import Policy
    from ratified.conform.protocol import Protocol

    found = _found(target)
    if inspect.isclass(found) and issubclass(found, Driver):
        return _driver(found, entry)
    if entry.settings:
        raise RatifiedError(f"{target} takes no sizes", remedy="they are for drivers of your own")
    if isinstance(found, Protocol):
        return _protocol(found, entry)
    if isinstance(found, Policy):
        return _policy(found, entry)
    if _is_state_machine(found):
        return _machine(found, target)
    if inspect.isclass(found) or not callable(found):
        raise RatifiedError(
            f"{target} cannot be checked against a model",
            remedy="write a Driver, a Protocol, a Policy, a state machine of Hypothesis, or a function that returns an answer",
        )
    return _function(found, target)


def _found(target: str) -> Any:
    if target in implementations or target in policies:
        require_hypothesis()
        from ratified.bundled.conformance import POLICIES, PROTOCOLS

        return PROTOCOLS[target] if target in implementations else POLICIES[target]
    if ":" not in target:
        raise RatifiedError(
            f"there is no bundled implementation {target!r}",
            remedy=f"bundled: {', '.join([*implementations])}; write your own as path.py:name or module:name",
        )
    module, _, name = target.rpartition(":")
    loaded = load_module(module)
    if not hasattr(loaded, name):
        raise RatifiedError(f"{module} has no `{name}`", remedy="it is defined at the top of the module")
    return getattr(loaded, name)


def _driver(driver: Any, entry: ConformanceEntry) -> EntryOutcome:
    from ratified.cli.driving import instantiated, modelled
    from ratified.cli.report.drive import drive_text
    from ratified.conform.driving.engine import drive

    model = modelled(driver, None, {name: str(value) for name, value in entry.settings.items()})
    result = drive(instantiated(driver), model, seed=entry.seed, limits=Limits(seconds=entry.seconds))
    text = drive_text(result)
    return result.verdict, text.partition("\n")[0], text


def _protocol(protocol: Any, entry: ConformanceEntry) -> EntryOutcome:
    require_hypothesis()
    from ratified.cli.report.conform import conform_text
    from ratified.conform.suite import conform

    began = time.monotonic()
    result = conform(protocol, seconds=_time(entry), seed=entry.seed)
    text = conform_text(protocol, result, time.monotonic() - began)
    return result.verdict, text.partition("\n")[0], text


def _policy(policy: Any, entry: ConformanceEntry) -> EntryOutcome:
    require_hypothesis()
    from ratified.cli.report.policies import policy_text
    from ratified.conform.policies import hold

    began = time.monotonic()
    result = hold(policy, seconds=_time(entry), events=None, seed=entry.seed)
    text = policy_text(policy, result, time.monotonic() - began)
    return result.verdict, text.partition("\n")[0], text


def _is_state_machine(found: object) -> bool:
    if "hypothesis" not in sys.modules:  # then nothing that was loaded is one
        return False
    from hypothesis.stateful import RuleBasedStateMachine

    return inspect.isclass(found) and issubclass(found, RuleBasedStateMachine)


def _machine(machine: Any, target: str) -> EntryOutcome:
    """Run a state machine with the profile in force (`settings.load_profile`, `--hypothesis-profile`)."""
    from hypothesis.errors import InvalidArgument
    from hypothesis.stateful import run_state_machine_as_test

    try:
        run_state_machine_as_test(machine)
    except InvalidArgument as error:
        raise RatifiedError(f"{target}: {error}") from None
    except Exception as error:  # noqa: BLE001 - whatever a rule raises is what was found
        notes = "\n".join(getattr(error, "__notes__", ()))
        says = f"{type(error).__name__}: {error}"
        return _told(Verdict.VIOLATED, f"{target}: {says.partition(chr(10))[0]}", f"{says}\n{notes}")
    return _told(Verdict.HOLDS, f"{target}: no rule fails", "")


def _function(function: Any, target: str) -> EntryOutcome:
    """Call a function. What it returns must have a verdict; what it raises because an answer is unexpected is one."""
    try:
        answer = function()
    except Unexpected as found:
        return _told(Verdict.VIOLATED, f"{target}: {str(found).partition(chr(10))[0]}", str(found))
    verdict = getattr(answer, "verdict", answer)
    if not isinstance(verdict, Verdict):
        raise RatifiedError(
            f"{target} returned {type(answer).__name__}, which has no verdict",
            remedy="return an answer, or a Verdict: a check that was forgotten must not pass",
        )
    if verdict is Verdict.HOLDS and _of_nothing(answer):
        return _told(Verdict.UNDECIDED, f"{target}: there was nothing to follow", repr(answer))
    if isinstance(answer, Decided):
        from ratified.cli.report.render import report_of

        text = report_of(answer)
        return verdict, text.partition("\n")[0], text + "\n"
    return _told(verdict, target, "" if isinstance(answer, Verdict) else repr(answer))


def _of_nothing(answer: object) -> bool:
    """Whether an answer is about a run without events, or a history without operations: of these everything holds."""
    from ratified.follow.linearizability.check import HistoryOutcome as OfHistory
    from ratified.follow.tracker import Followed

    if isinstance(answer, Followed):
        return not answer.events
    return isinstance(answer, OfHistory) and not answer.operations


def _told(verdict: Verdict, says: str, more: str) -> EntryOutcome:
    """An answer with a first line of ours."""
    headline = f"{verdict.value.upper()}  {says}"
    return verdict, headline, f"{headline}\n" + (f"\n{more}\n" if more else "")
