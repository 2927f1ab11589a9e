"""Every bundled model, every broken variant included, agrees with TLC; the table of docs/tla.md says what both found.

CI asks TLC about some of them, `python3 dev.py long tlc` about all.
"""

from __future__ import annotations

import pytest

from ratified.bundled import models as bundled
from tests.tla.service import Service
from tests.tla.sizes import SMALL
from tests.tla.table import hold, names, row, rows

pytestmark = pytest.mark.xdist_group("tlc")


EACH = 16
"""TLC is asked about one bundled model of so many."""


def test_the_table_has_every_bundled_model() -> None:
    assert names("small") == list(bundled)


@pytest.mark.slow
def test_some_bundled_models_agree_with_tlc(service: Service) -> None:
    table = rows("small")
    found = [row(service, name, SMALL.get(name, {}), 300) for name in list(bundled)[::EACH]]
    assert [row for row in found if row not in table] == []


@pytest.mark.long(suite="tlc")
def test_every_bundled_model_agrees_with_tlc(service: Service) -> None:
    hold("small", [row(service, name, SMALL.get(name, {}), 300) for name in bundled])
