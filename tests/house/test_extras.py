"""What to install where a package is missing: the packages of an extra, whatever Ratified was installed from."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from ratified.extras import install


def test_the_packages_of_each_extra_are_named(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
    for extra, packages in project["optional-dependencies"].items():
        named = sorted(f"'{package.partition(';')[0]}'".lower() for package in packages)
        words = install(extra)
        assert words.startswith("pip install ")
        assert words.endswith(f"  (the extra `{extra}`)")
        assert sorted(re.findall(r"'[^']*'", words.lower())) == named
    assert install("prove") == (
        "pip install 'cvc5>=1.2' 'python-sat>=1.8.dev13' 'z3-solver>=4.13'  (the extra `prove`)"
    )


def test_without_its_metadata_the_extra_is_named_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(_: str) -> list[str]:
        raise metadata.PackageNotFoundError("ratified")

    monkeypatch.setattr(metadata, "requires", requires)
    assert install("prove") == "install the extra `prove` of Ratified"


def test_no_message_names_a_package_that_is_on_no_index(checkout: Path) -> None:
    said = [
        file.relative_to(checkout).as_posix()
        for room in ("ratified", "impl")
        for file in (checkout / room).rglob("*.py")
        if re.search(r"pip install ['\"]?ratified", file.read_text("utf-8"))
    ]
    assert said == []
