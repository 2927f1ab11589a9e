"""docs/api.md has every field of what is returned, in its order, with its type; no more and no less."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import ratified

ELSEWHERE = {
    "AtMost": "language",
    "Attempt": "idioms",
    "Change": "conformance",
    "Do": "conformance",
    "Either": "conformance",
    "Ending": "diagrams",
    "GraphEdge": "diagrams",
    "GraphNode": "diagrams",
    "Holds": "conformance",
    "Lifelines": "diagrams",
    "Message": "diagrams",
    "Range": "language",
    "Refusal": "idioms",
    "Repeat": "conformance",
    "Row": "diagrams",
    "SequenceDiagram": "diagrams",
    "StateGraph": "diagrams",
}
"""Values that models, bindings and pictures are made of, and the page that is about them."""

PUBLIC = {
    name: value
    for name in ratified.__all__
    if inspect.isclass(value := getattr(ratified, name)) and dataclasses.is_dataclass(value)
}


def told(cls: type) -> list[tuple[str, str]]:
    """Return the fields of a class, and after them its properties, each with its type as it is written."""
    fields = [(f.name, str(f.type)) for f in dataclasses.fields(cls)]
    properties = [
        (name, str(inspect.signature(value.fget or len).return_annotation))
        for base in cls.__mro__
        for name, value in vars(base).items()
        if isinstance(value, property) and not name.startswith("_")
    ]
    return [*fields, *properties]


@pytest.fixture(scope="module")
def page(checkout: Path) -> dict[str, list[tuple[str, str]]]:
    """The rows of each section's table: name and type."""
    text = (checkout / "docs" / "api.md").read_text(encoding="utf-8")
    sections = re.split(r"^##+ (\w+)\n", text, flags=re.MULTILINE)
    row = re.compile(r"^\| `(\w+)` \| `([^`]+)` \|", flags=re.MULTILINE)
    return {
        name: [(field, kind.replace("\\|", "|")) for field, kind in row.findall(body)]
        for name, body in zip(sections[1::2], sections[2::2], strict=True)
    }


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - ELSEWHERE.keys()))
def test_every_field_is_on_the_page(name: str, page: dict[str, list[tuple[str, str]]]) -> None:
    assert page[name] == told(PUBLIC[name])


def test_the_page_is_about_what_there_is(page: dict[str, list[tuple[str, str]]], checkout: Path) -> None:
    assert page.keys() == PUBLIC.keys() - ELSEWHERE.keys()
    for name, where in ELSEWHERE.items():
        assert name in PUBLIC
        assert (checkout / "docs" / f"{where}.md").is_file()
