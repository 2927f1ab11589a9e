"""How many examples Hypothesis tries: few and always the same in CI, many and new ones with RATIFIED_HYPOTHESIS=long."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings


def examples(usual: int, many: int) -> settings:
    """The settings of a test that tries `usual` examples, or `many` where there is time."""
    long = os.environ.get("RATIFIED_HYPOTHESIS") == "long"
    return settings(
        max_examples=many if long else usual,
        derandomize=not long,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        print_blob=long,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
