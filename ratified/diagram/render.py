"""Files: which kinds there are, the `dot` program, and what is said where something is missing.

Guarantees: a file is written whole or not at all; what cannot be made is refused with what to do instead.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

from ratified.diagram import layered
from ratified.diagram.dot import FONT, to_dot
from ratified.diagram.palette import FONTS, PAPER
from ratified.diagram.picture import Picture
from ratified.extras import install
from ratified.language.errors import RatifiedError

KINDS = ("svg", "png", "pdf", "dot", "html", "json", "graphml")
DRAWN = ("svg", "png", "pdf", "dot", "html")
"""Those that are looked at: they are refused where there is more than anybody could read."""


class Drawing(Protocol):
    """Anything that has an SVG."""

    def to_svg(self) -> str:
        """The picture."""


def kind_of(file: Path, kinds: tuple[str, ...] = KINDS) -> str:
    """What a file is to hold, by how its name ends. Raises RatifiedError for what there is none of."""
    kind = file.suffix[1:].lower()
    if kind in kinds:
        return kind
    what = f".{kind} files cannot be written" if kind else "the file name has no extension"
    raise RatifiedError(f"{file}: {what}", remedy=f"end it with one of {', '.join(f'.{k}' for k in kinds)}")


def check_writable(file: Path) -> None:
    """Refuse a file that cannot be written before anything that takes long. Raises RatifiedError."""
    if not file.parent.is_dir():
        raise RatifiedError(f"{file} cannot be written: there is no folder {file.parent}")
    if file.is_dir():
        raise RatifiedError(f"{file} cannot be written: it is a folder")
    place = file if file.exists() else file.parent
    if not os.access(place, os.W_OK):
        raise RatifiedError(f"{file} cannot be written: permission denied")


def write(file: Path, content: str | bytes) -> None:
    """Write a file, whole. Raises RatifiedError if it cannot be."""
    data = content.encode() if isinstance(content, str) else content
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RatifiedError(f"{file} cannot be written: {error.strerror}") from None


class NoDot(RatifiedError):
    """The `dot` program, or the package that calls it, is missing."""


def laid_out(dot: str, form: str) -> bytes:
    """What Graphviz makes of a text in DOT. Raises NoDot, and RatifiedError if it fails."""
    try:
        import graphviz
    except ImportError:
        raise NoDot(
            "drawing needs the graphviz package",
            remedy=f"{install('diagram')}; or write .dot or .html",
        ) from None
    try:
        made: bytes = graphviz.pipe("dot", form, dot.encode(), quiet=True)
    except graphviz.ExecutableNotFound:
        raise NoDot(
            "drawing needs Graphviz, and its program `dot` is not there",
            remedy="install it (`apt install graphviz`, `brew install graphviz`); or write .dot or .html, which need none",
        ) from None
    except graphviz.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        raise RatifiedError(
            f"Graphviz failed: {said[0] if said else error}",
            remedy="write .dot to see what it was given, or .html, which does not need it",
        ) from None
    return made


def svg_of(graph: Picture) -> str:
    """The picture as SVG: by Graphviz, or, where that is missing, laid out here."""
    dot = to_dot(graph)
    try:
        return plain_svg(laid_out(dot, "svg").decode())
    except NoDot:
        return layered.to_svg(graph)


def plain_svg(svg: str) -> str:
    """What Graphviz wrote, without what only a file of its own needs, and with fonts that every machine has one of."""
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    reader = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))  # noqa: S314  # Graphviz has just written it
    root = ET.fromstring(svg, reader)  # noqa: S314  # likewise
    for text in root.iter(f"{{{_SVG}}}text"):
        if text.get("font-family", "").partition(",")[0] == FONT:
            text.set("font-family", FONTS)
    # Labels of edges come last, each with a halo, so that no line strikes one out.
    graph = root[0]
    for edge in graph.findall("*[@class='edge']"):
        for part in list(edge.iter()):
            for label in part.findall(f"{{{_SVG}}}text"):
                part.remove(label)
                label.attrib |= _HALO
                graph.append(label)
    return ET.tostring(root, encoding="unicode") + "\n"


_SVG = "http://www.w3.org/2000/svg"
_HALO = {"paint-order": "stroke", "stroke": PAPER, "stroke-width": "3", "stroke-linejoin": "round"}
