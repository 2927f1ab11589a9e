"""What became of mistakes that were planted into what is bundled, whoever looked for them.

Guarantees: rendering is pure; nothing here decides anything that the one who looked does not say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ratified.results.result import Verdict
from ratified.version import __version__

SCHEMA = "ratified-mutants/1"


@dataclass(frozen=True, slots=True)
class Planted:
    """A mistake, after how much each of those who looked noticed it (None: not), and a script that shows it.

    `explained` says why it is none, where that is known.
    """

    name: str
    by: Mapping[str, int | None]
    script: tuple[str, ...] = ()
    explained: str = ""

    @property
    def caught(self) -> bool:
        """By anybody."""
        return any(after is not None for after in self.by.values())

    @property
    def settled(self) -> bool:
        """Whether it was caught, or is no mistake."""
        return self.caught or bool(self.explained)


def planted_headline(target: str, every: Sequence[Planted]) -> str:
    """Return what it came to in a line."""
    word = "HOLDS" if all(one.settled for one in every) else "VIOLATED"
    explained = sum(not one.caught and bool(one.explained) for one in every)
    others = f", {explained} explained" if explained else ""
    return f"{word}  {target}: {sum(one.caught for one in every)} of {len(every)} caught{others}"


def planted_json(target: str, every: Sequence[Planted], seconds: float) -> str:
    """Return everything that is known, as one JSON object."""
    verdict = Verdict.HOLDS if all(one.settled for one in every) else Verdict.VIOLATED
    report = {
        "schema": SCHEMA,
        "ratified": __version__,
        "target": target,
        "verdict": verdict.value,
        "exit_status": verdict.exit_status,
        "mutants": [
            {
                "name": one.name,
                "caught": one.caught,
                "by": dict(one.by),
                "script": list(one.script),
                "explained": one.explained or None,
            }
            for one in every
        ],
        "seconds": round(seconds, 3),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"
