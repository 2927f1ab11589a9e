"""The gallery, the pages about published bugs and services: each picture is what the command above it makes, and legible."""

from __future__ import annotations

import os
import re
import shlex
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from ratified.cli.main import run

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    CHECKOUT / "docs" / "gallery.md",
    CHECKOUT / "docs" / "published.md",
    *sorted((CHECKOUT / "docs" / "services").glob("*.md")),
]
PAGE = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
COMMANDS = re.findall(r"^ratified (.*(?:-o|--diagram) docs/pictures/(\S+)\.svg.*)$", PAGE, flags=re.MULTILINE)
CHANGING = {"raft-implementation"}
"""What these show may change with every change of an implementation: of them only the headings are compared."""

SEARCHED_LONG = {"published-zyzzyva", "published-epaxos-ballot"}
"""Pictures of runs that are found in seconds; CI makes those of the other bugs of their page."""

SVG = "{http://www.w3.org/2000/svg}"


def test_there_are_enough_pictures_and_each_has_its_command() -> None:
    shown = re.findall(r"\]\((?:\.\./)?pictures/(\S+)\)", PAGE)
    assert len(shown) >= 12
    assert {f"{name}.svg" for _, name in COMMANDS} | {"explorer.png"} == set(shown)
    assert {f"pictures/{name}" for name in shown} == {
        f"pictures/{p.name}" for p in (CHECKOUT / "docs" / "pictures").iterdir()
    }


@pytest.mark.parametrize(
    ("command", "name"),
    [
        pytest.param(c, name, id=name, marks=pytest.mark.long(suite="rows") if name in SEARCHED_LONG else ())
        for c, name in COMMANDS
    ],
)
def test_a_picture_is_what_its_command_makes(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv("NO_COLOR", "1")
    made = tmp_path / f"{name}.svg"
    kept = CHECKOUT / "docs" / "pictures" / f"{name}.svg"
    words = [str(made) if word == f"docs/pictures/{name}.svg" else word for word in shlex.split(command)]
    assert run(words) in (0, 1, 3)
    new, old = made.read_text(encoding="utf-8"), kept.read_text(encoding="utf-8") if kept.exists() else ""
    if name in CHANGING and old:
        assert headings(new) == headings(old)
        return
    # Pictures of load are laid out here, from numbers alone; others in part by Graphviz, of which there are versions.
    same = new == old if command.startswith("run services ") else told(new) == told(old)
    if not same and os.environ.get("RATIFIED_UPDATE_GOLDENS"):
        kept.write_text(new, encoding="utf-8")
        pytest.fail(f"wrote {kept.name}: look at it, and run again without RATIFIED_UPDATE_GOLDENS")
    assert same, (
        f"docs/pictures/{kept.name} is not what its command makes; see CONTRIBUTING.md on how to write it anew"
    )


def told(svg: str) -> Counter[tuple[str, str]]:
    """What a picture says, wherever it stands: versions of Graphviz place things differently."""
    if not svg:
        return Counter()
    root = ET.fromstring(svg)
    found = Counter(("text", "".join(t.itertext())) for t in root.iter(f"{SVG}text"))
    found.update(("class", g.get("class") or "") for g in root.iter(f"{SVG}g") if g.get("class"))
    return found


def headings(svg: str) -> list[str]:
    """The title and the names over lifelines."""
    return [t.text or "" for t in ET.fromstring(svg).iter(f"{SVG}text") if t.get("font-weight") == "bold"]


@pytest.mark.parametrize("name", [name for _, name in COMMANDS])
def test_no_text_is_cut_and_letters_are_large_enough(name: str) -> None:
    root = ET.fromstring((CHECKOUT / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8"))
    left, top, width, height = (float(n) for n in (root.get("viewBox") or "").split())
    shift = re.search(r"translate\(([\d.-]+) ([\d.-]+)\)", ET.tostring(root, encoding="unicode"))
    dx, dy = (float(shift[1]), float(shift[2])) if shift else (0.0, 0.0)
    for text in root.iter(f"{SVG}text"):
        size = float(text.get("font-size") or 0)
        assert size >= 9
        wide = len("".join(text.itertext())) * size * 0.602
        x = float(text.get("x") or 0) + dx
        begin = {"start": x, "middle": x - wide / 2, "end": x - wide}[text.get("text-anchor") or "start"]
        assert left - 1 <= begin, "".join(text.itertext())
        assert begin + wide <= left + width + 1, "".join(text.itertext())
        assert top <= float(text.get("y") or 0) + dy <= top + height
