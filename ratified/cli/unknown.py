"""Names that a model's file uses and nobody defines: where they come from, or what says the same here.

Guarantees: a remedy names only what the language has; where nothing is near there is none.
"""

from __future__ import annotations

import difflib
import re

from ratified import language

ELSEWHERE = {
    "stable": "claim with @step_invariant that it stays once it is true",
    "always": "a claim about every state is an @invariant, one about every step a @step_invariant",
    "fair": "fairness belongs to an action: @action(fair='weak') or @action(fair='strong')",
    "next_state": "an action assigns the variables of the state after it: self.x = ...",
    "forall": "write all(... for x in X)",
    "exists": "write any(... for x in X)",
    "Dict": "write Map[K, V]",
    "List": "write Annotated[Seq[T], AtMost(n)]",
    "FrozenSet": "write Set[T]",
    "Int": "write int, or Annotated[int, Range(low, high)]",
    "Nat": "write Annotated[int, Range(0, high)]",
    "String": 'write Literal["idle", "busy"] listing every value, or an Enum',
}
"""What other languages call it, and what it is here."""

_IMPORTED = re.compile(r"cannot import name '(\w+)' from 'ratified'")


def remedy_for(error: BaseException) -> str:
    """What to write where a name is not there; empty if the error is of another kind, or nothing is known of the name."""
    imported = _IMPORTED.match(str(error)) if isinstance(error, ImportError) else None
    name = imported[1] if imported else error.name if isinstance(error, NameError) else None
    if not name:
        return ""
    if name in language.__all__:
        return f"import it: from ratified import {name}"
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    near = difflib.get_close_matches(name, language.__all__, n=1, cutoff=0.8)
    return f"is it {near[0]}?" if near else ""
