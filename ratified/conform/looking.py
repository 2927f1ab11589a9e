"""Hypothesis looks for what a model does not explain; what it finds is no example of Hypothesis, and made shorter elsewhere.

Guarantees: without `derandomize` being turned off, the same examples on every run; nothing is kept from one run to the next.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import HypothesisException
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from ratified.conform.ending import EndedError


def look(
    machine: type[RuleBasedStateMachine],
    *,
    examples: int,
    steps: int,
    ended: Callable[[], str | None],
    derandomize: bool = True,
) -> None:
    """Run so many examples of so many steps, until it is `ended`. Raises what a rule of the machine raises."""
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=derandomize,
                report_multiple_bugs=False,
                print_blob=False,
                phases=(Phase.generate,),  # what is found is a run, which is shrunk as such
                suppress_health_check=tuple(HealthCheck),
            ),
        )
    except (EndedError, HypothesisException):
        # To Hypothesis an example that ends early may be one that does not do the same again.
        if ended() is None:
            raise
