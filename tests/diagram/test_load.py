"""Pictures of load: numbers in, the same SVG out; nothing sticks out, whatever is drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ratified.diagram.load import LEFT, WIDE, Lane, LoadPicture, LoadSpan, Panel
from ratified.language.errors import RatifiedError

SVG = "{http://www.w3.org/2000/svg}"

LANE = Lane(
    "a & <b>",
    (4, 0, 8),
    (1, 0, 6),
    (0, 0, 1),
    (0, 0, 2),
    (LoadSpan(0.5, 99.0, "paused"), LoadSpan(50.0, 60.0, "late")),
    (LoadSpan(1.0, 2.0),),
)


def drawn(*lanes: Lane, slice_s: float = 1.0) -> ET.Element:
    return ET.fromstring(LoadPicture("title", slice_s, (Panel("heading", lanes),)).to_svg())


def test_bars_are_as_high_as_what_they_count_and_hollow_where_it_failed() -> None:
    bars = [r for r in drawn(LANE).iter(f"{SVG}rect") if r.get("stroke-width") == "0.8"]
    looks = {"#0072b2": "answered", "#cfe8f7": "cancelled", "#ffffff": "failed"}
    counts = [
        (round((float(r.get("height") or 0) + 0.8) / 76 * 8, 1), looks[r.get("fill") or ""]) for r in bars[:5]
    ]
    # The highest is as high as a lane, less the room between bars; they stand on each other, failures on top.
    assert counts == [
        (3.0, "answered"),
        (1.0, "failed"),
        (1.0, "answered"),
        (1.0, "cancelled"),
        (6.0, "failed"),
    ]


def test_what_lasts_longer_than_the_picture_ends_with_it() -> None:
    root = drawn(LANE)
    (hatched,) = [
        r for r in root.iter(f"{SVG}rect") if r.get("fill") == "url(#trouble)" and float(r.get("x") or 0) > 90
    ]
    assert float(hatched.get("x") or 0) + float(hatched.get("width") or 0) == pytest.approx(
        LEFT + WIDE, abs=0.2
    )
    assert "late" not in texts(root)
    assert {"paused", "a & <b>", "12"} <= set(texts(root))


def texts(root: ET.Element) -> list[str]:
    return ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]


def test_the_legend_names_what_is_there_and_nothing_else() -> None:
    every = "\n".join(texts(drawn(LANE)))
    assert all(word in every for word in ("hollow", "pale", "dark line", "hatched", "bar on top"))
    plain = "\n".join(texts(drawn(Lane("a", (1,), (0,), (0,), (0,)))))
    assert not any(word in plain for word in ("hollow", "pale", "dark line", "hatched", "bar on top"))


@pytest.mark.parametrize("slice_s", [0.001, 0.05, 1.0, 100.0])
def test_the_axis_has_a_mark_for_every_few_slices(slice_s: float) -> None:
    marks = [
        t
        for t in texts(drawn(Lane("a", (1,) * 50, (0,) * 50, (0,) * 50, (0,) * 50), slice_s=slice_s))
        if re.fullmatch(r"[\d.e+]+ s", t)
    ]
    assert 1 <= len(marks) <= 17
    assert marks[0] == "0 s"


def test_nothing_at_all_can_be_drawn() -> None:
    assert texts(drawn())[:2] == ["title", "heading"]
    assert texts(drawn(Lane("a", (), (), (), ())))[:2] == ["title", "heading"]


def test_it_is_saved_as_its_name_ends(tmp_path: Path) -> None:
    picture = LoadPicture("title", 1.0, (Panel("heading", (LANE,)),))
    picture.save(tmp_path / "load.svg")
    assert (tmp_path / "load.svg").read_text(encoding="utf-8") == picture.to_svg()
    picture.save(str(tmp_path / "load.html"))
    assert "<title>title</title>" in (tmp_path / "load.html").read_text(encoding="utf-8")
    with pytest.raises(RatifiedError, match=r"\.png files cannot be written"):
        picture.save(tmp_path / "load.png")
