"""The loop that the subjects of etcd's models share."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from ratified.conformance.etcd import loop as shared


@pytest.fixture
def complaints() -> Any:
    """What the loop reports to its exception handler."""
    said: list[str] = []
    shared.loop().set_exception_handler(lambda _, context: said.append(context["message"]))
    yield said
    shared.loop().set_exception_handler(None)


def test_a_task_that_nobody_refers_to_is_kept_until_it_is_cancelled(complaints: list[str]) -> None:
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("cancelled")

    shared.loop().create_task(wait())
    shared.spin()
    gc.collect()
    assert (complaints, ended) == ([], [])
    shared.end()
    assert (complaints, ended) == ([], ["cancelled"])
