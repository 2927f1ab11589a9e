"""A state graph as a page that needs nothing else: no server, no network, no Graphviz.

Guarantees: whatever a model's author wrote reaches the page as text and never as markup or script.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ratified.diagram.export import to_dict
from ratified.diagram.picture import Picture
from ratified.diagram.render import svg_of

TEMPLATE = Path(__file__).resolve().parent / "graph.html"


def to_html(graph: Picture) -> str:
    """The page. Raises TooLarge if there is more than anybody could read."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(graph.title), svg=svg_of(graph), json=in_script(to_dict(graph))
    )


def in_script(value: Any) -> str:
    """JSON that may stand inside a script element, whatever text is in it."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c").replace("&", "\\u0026")
