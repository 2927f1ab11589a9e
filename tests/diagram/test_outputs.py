"""What graphs are written as: DOT, SVG with and without Graphviz, a page, JSON, GraphML, networkx; and files."""

from __future__ import annotations

import json
import os
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest

from ratified import RatifiedError, graph
from ratified.diagram import layered
from ratified.diagram.graph import StateGraph
from ratified.diagram.layers import rows
from ratified.diagram.palette import looks
from ratified.diagram.render import laid_out
from ratified.models.paxos.paxos import Paxos
from tests.diagram.toys import Grid, Lease

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def lease() -> StateGraph:
    return graph(Lease(Client=2))


@pytest.fixture(scope="module")
def paxos() -> StateGraph:
    return graph(Paxos(Acceptor=3, Value=2, Ballot=2), fold=True)


def test_dot(lease: StateGraph, golden: Callable[[str, str], None]) -> None:
    golden("lease.dot", lease.to_dot())


def test_dot_of_a_projection(golden: Callable[[str, str], None]) -> None:
    golden("lease_by_holders.dot", graph(Lease(Client=2), view="holders").to_dot())


def test_graphviz_takes_the_text_as_it_is_meant(paxos: StateGraph) -> None:
    svg = paxos.to_svg()
    root = ET.fromstring(svg)
    nodes = [g for g in root.iter(f"{SVG}g") if g.get("class") == "node"]
    edges = [g for g in root.iter(f"{SVG}g") if g.get("class") == "edge"]
    levels = len(rows(paxos).level)
    assert len(nodes) == len(paxos.nodes) + levels
    assert len(edges) == len(paxos.drawn_edges)
    shown = "\n".join(t.text or "" for t in root.iter(f"{SVG}text")).replace("\u00a0", " ")
    for node in paxos.nodes:
        assert all(line in shown for line in node.lines)
    for name in {e.action for e in paxos.drawn_edges}:
        assert shown.count(name) >= 2  # at an edge and in the legend


def test_edges_lead_downwards_unless_they_close_a_circle(lease: StateGraph, paxos: StateGraph) -> None:
    for g in (lease, paxos):
        placed = rows(g)
        for node in g.nodes:
            for other in g.nodes:
                assert node.level >= other.level or placed.of[node.number] < placed.of[other.number]
        assert all(placed.of[e.source] != placed.of[e.target] for e in g.drawn_edges)


def test_actions_look_different() -> None:
    styles = looks([f"action_{k}" for k in range(21)])
    assert len({(look.line, look.style) for look in styles.values()}) == 21
    for a, b in zip(list(styles.values()), list(styles.values())[1:], strict=False):
        assert a.line != b.line
        assert a.style != b.style
    for look in styles.values():
        assert contrast(look.text) >= 4.5


def contrast(colour: str) -> float:
    """How a colour stands out from white (WCAG 2.1)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


# --- without Graphviz ---


def test_without_dot_the_picture_is_laid_out_here(
    lease: StateGraph, paxos: StateGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for g in (lease, paxos, replace(lease, loops=True)):
        assert g.to_svg() == layered.to_svg(g)
        assert "<svg" in g.to_html()
        root = ET.fromstring(g.to_svg())
        boxes = []
        for group in (x for x in root.iter(f"{SVG}g") if x.get("class") == "node"):
            x, y, w, h = (
                float(list(group.iter(f"{SVG}rect"))[-1].get(k, "0")) for k in ("x", "y", "width", "height")
            )
            boxes.append((x, y, x + w, y + h))
        assert len(boxes) == len(g.nodes)
        for a, b in combinations(boxes, 2):
            assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
    for kind in ("png", "pdf"):
        with pytest.raises(RatifiedError) as caught:
            lease.save(tmp_path / f"x.{kind}")
        assert str(caught.value) == (
            "drawing needs Graphviz, and its program `dot` is not there\n"
            "  install it (`apt install graphviz`, `brew install graphviz`); or write .dot or .html, which need none"
        )
    lease.save(tmp_path / "x.dot")


def test_without_the_graphviz_package(lease: StateGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(RatifiedError, match=r"pip install 'graphviz>=0\.20' 'networkx>=3\.1'"):
        laid_out(lease.to_dot(), "png")
    assert lease.to_svg() == layered.to_svg(lease)


def test_without_networkx(lease: StateGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(RatifiedError, match=r"pip install 'graphviz>=0\.20' 'networkx>=3\.1'"):
        lease.to_networkx()


# --- for those who draw their own ---


def test_json(lease: StateGraph) -> None:
    value = json.loads(lease.to_json())
    assert value["schema"] == "ratified.graph/1"
    assert value["explored"] == {"states": 8, "steps": 22, "levels": 5}
    assert value["complete"] is True
    assert value["nodes"][7] == {
        "id": 7,
        "level": 4,
        "states": 1,
        "initial": 0,
        "deadlocked": 0,
        "violated": {"mutual_exclusion": 1},
        "label": ["granted = None"],
        "view": None,
        "state": {"granted": "None", "holds": "{c1: True, c2: True}"},
    }
    assert value["edges"][0] == {
        "source": 0,
        "target": 1,
        "action": "acquire",
        "arguments": ["c1"],
        "steps": 1,
        "sources": 1,
        "partial": False,
        "missed": False,
    }


def test_networkx_and_graphml_are_the_same_graph(lease: StateGraph, tmp_path: Path) -> None:
    made = lease.to_networkx()
    assert isinstance(made, nx.MultiDiGraph)
    assert (made.number_of_nodes(), made.number_of_edges()) == (8, 22)
    assert nx.shortest_path_length(made, 0, 5) == 3
    (tmp_path / "x.graphml").write_text(lease.to_graphml())
    read = nx.read_graphml(tmp_path / "x.graphml", force_multigraph=True)
    assert sorted((u, v, d["action"]) for u, v, d in read.edges(data=True)) == sorted(
        (f"n{u}", f"n{v}", k) for u, v, k in made.edges(keys=True)
    )
    assert read.nodes["n7"]["violated"] == "mutual_exclusion"
    assert read.nodes["n0"]["state.granted"] == "None"


def test_bounds_and_limits_make_it_incomplete() -> None:
    g = graph(Grid(Column=4, most=3), view="totals")
    assert json.loads(g.to_json())["not_followed"] == {"constraints": g.left_out, "bounds": 0}


# --- the page ---


def test_the_page_needs_nothing_else(lease: StateGraph) -> None:
    page = lease.to_html()
    assert not re.search(r'(src|href)="(?!data:)', page.replace("xlink:href", ""))
    data = re.search(r'<script id="graph" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["nodes"] == lease.to_dict()["nodes"]


def test_markup_in_a_model_stays_text_on_the_page(lease: StateGraph) -> None:
    evil = "</script><script>alert(1)</script>"
    nodes = (replace(lease.nodes[0], lines=(evil,), example={evil: 1}), *lease.nodes[1:])
    page = replace(lease, model=evil, nodes=nodes).to_html()
    assert "<script>alert(1)" not in page


# --- files ---


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("svg", b"<svg "),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b"digraph states {"),
        ("html", b"<!DOCTYPE html>"),
        ("json", b"{"),
        ("graphml", b"<?xml "),
    ],
)
def test_files(lease: StateGraph, kind: str, begins: bytes, tmp_path: Path) -> None:
    lease.save(tmp_path / f"x.{kind}")
    assert (tmp_path / f"x.{kind}").read_bytes().startswith(begins)
    assert os.listdir(tmp_path) == [f"x.{kind}"]  # noqa: PTH208 - names are what is compared


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "x.gif",
            ".gif files cannot be written\n  end it with one of .svg, .png, .pdf, .dot, .html, .json, .graphml",
        ),
        ("x", "the file name has no extension"),
        ("no/x.svg", "cannot be written: there is no folder"),
        ("folder.svg", "cannot be written: it is a folder"),
    ],
)
def test_files_that_cannot_be(lease: StateGraph, name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(RatifiedError) as caught:
        lease.save(tmp_path / name)
    assert message in str(caught.value)
    assert os.listdir(tmp_path) == ["folder.svg"]  # noqa: PTH208 - names are what is compared
