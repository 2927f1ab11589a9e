"""The examples of docs/cluster.md do what the page says."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path

import pytest

from ratified.conformance.cluster.torture import known_kinds, known_plants
from ratified.impl.runtime.observing import COUNTERS, GAUGES
from ratified.impl.runtime.settings import TOP, settings_of


@pytest.fixture
def page(checkout: Path) -> str:
    return (checkout / "docs" / "cluster.md").read_text(encoding="utf-8")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_example_in_python_runs(page: str) -> None:
    (example,) = blocks(page, "python")
    asked, sep, run = example.partition("asyncio.run(main())")
    assert sep
    assert not run.strip()
    given: dict[str, object] = {}
    exec(compile(asked, "docs/cluster.md", "exec"), given)  # noqa: S102 - the page's own example
    main = given["main"]
    assert callable(main)
    asyncio.run(main())


def test_the_settings_are_read(page: str, tmp_path: Path) -> None:
    (example,) = blocks(page, "toml")
    settings = settings_of(tomllib.loads(example), tmp_path)
    assert settings.tls is not None
    assert settings.tls.key == tmp_path / "n1.key"
    assert settings.nodes["n3"].client == "10.0.0.3:7102"


def test_every_setting_metric_fault_and_plant_is_there(page: str) -> None:
    for name in TOP:
        assert (
            f"`{name}`" in page or f"\n{name} = " in page or f"`[{name}]`" in page or f"\n[{name}]" in page
        ), name
    for metric in (*GAUGES, *(f"{name}_total" for name in COUNTERS)):
        assert f"_{metric}`" in page
    for kind in known_kinds():
        assert f"`{kind}`" in page
    of_cores, of_others = page.split("\nBugs around the core")
    for plant in re.findall(r"^\| `([a-z-]+)` \| the (?:history|traces)", of_cores, re.MULTILINE):
        assert plant in known_plants()
    for plant in re.findall(r"^\| `([a-z-]+)` \|", of_others, re.MULTILINE):
        assert plant in known_plants(machine="etcd")
