"""Every bundled model, every broken variant included, agrees with TLC; the table of docs/tla.md says what both found."""

from __future__ import annotations

import pytest

from ratified.bundled import models as bundled
from tests.tla.service import Service
from tests.tla.sizes import SMALL
from tests.tla.table import hold, row

pytestmark = pytest.mark.xdist_group("tlc")


@pytest.mark.slow
def test_every_bundled_model_agrees_with_tlc(service: Service) -> None:
    hold("small", [row(service, name, SMALL.get(name, {}), 300) for name in bundled])
