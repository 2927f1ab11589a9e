"""Sequence diagrams as Mermaid text (https://mermaid.js.org/syntax/sequenceDiagram.html), for Markdown.

Guarantees: the text is one diagram; what Mermaid reads as its own marks is written as entities. Mermaid draws arrows
level, so a message stands where it arrives, and says in which step it was sent unless that was the step before.
"""

from __future__ import annotations

from collections import defaultdict

from ratified.diagram.rows import Fate, Message, SequencePicture


def to_mermaid(diagram: SequencePicture) -> str:
    """The diagram as Mermaid reads it."""
    lines = ["sequenceDiagram", f"    %% {' '.join(diagram.title.split())}"]
    lines += [f"    participant p{k} as {text(name)}" for k, name in enumerate(diagram.lifelines)]
    arriving: dict[int, list[Message]] = defaultdict(list)
    for message in diagram.messages:
        arriving[message.ended].append(message)
    if diagram.lifelines:
        for k, row in enumerate(diagram.rows, 1):
            if diagram.loop is not None and diagram.loop == k - 1:
                lines.append("    loop for ever")
            lines += [
                f"    {line}" for m in arriving[k] if m.fate is not Fate.IN_FLIGHT for line in _arrow(m)
            ]
            lines.append(f"    Note over {_over(row.actor, diagram)}: {text(f'{k} {row.call}')}")
            for place, changes in row.changes:
                lines.append(f"    Note over p{place}: {'<br/>'.join(map(text, changes))}")
        if diagram.loop is not None and diagram.loop < len(diagram.rows):
            lines.append("    end")
        for message in diagram.messages:
            if message.fate is Fate.IN_FLIGHT:
                lines += [f"    {line}" for line in _arrow(message)]
        if diagram.ending is not None:
            mark = "\u2717 " if diagram.ending.bad else ""
            said = "<br/>".join(
                text(line) for line in (f"{mark}{diagram.ending.headline}", *diagram.ending.lines)
            )
            lines.append(f"    Note over {_over(None, diagram)}: {said}")
    return "\n".join([*lines, ""])


def _over(actor: int | None, diagram: SequencePicture) -> str:
    if actor is not None:
        return f"p{actor}"
    last = len(diagram.lifelines) - 1
    return f"p0,p{last}" if last else "p0"


def _arrow(m: Message) -> list[str]:
    label = text(m.label)
    if m.fate is Fate.IN_FLIGHT:
        to = m.receiver if m.receiver is not None else m.sender
        return [f"p{m.sender}--)p{to}: {label} (sent in step {m.sent}, still in flight)"]
    sent = (
        ""
        if m.sent == m.ended - 1
        else f" (sent in step {m.sent})"
        if m.sent
        else " (there from the beginning)"
    )
    repeated = " (repeated)" if m.copy else ""
    overtakes = " (overtakes)" if m.overtakes else ""
    to = m.receiver if m.receiver is not None else m.sender
    if m.fate is Fate.LOST:
        return [f"p{m.sender}-xp{to}: {label}{sent}{repeated} lost"]
    return [f"p{m.sender}->>p{to}: {label}{sent}{repeated}{overtakes}"]


def text(words: str) -> str:
    """Words without what Mermaid would take for a mark, a comment or the end of a line."""
    marks = {"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "%": "#37;", "\n": " "}
    # A lower-case "end" by itself closes a block, wherever it stands.
    return " ".join(
        "e#110;d" if word == "end" else word for word in "".join(marks.get(c, c) for c in words).split()
    )
