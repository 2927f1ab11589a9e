"""Names and strings as TLA+ can write them, and every version of its tools can read.

Guarantees: a name that TLA+ has stays as it is; two names that differ stay two.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

_WORDS = """
    ACTION ASSUME ASSUMPTION AXIOM BOOLEAN BY CASE CHOOSE CONSTANT CONSTANTS COROLLARY DEF DEFINE DEFS DOMAIN ELSE
    ENABLED EXCEPT EXTENDS FALSE HAVE HIDE IF IN INSTANCE LAMBDA LEMMA LET LOCAL MODULE NEW OBVIOUS OMITTED ONLY
    OTHER PICK PROOF PROPOSITION PROVE QED RECURSIVE STATE STRING SUBSET SUFFICES TAKE TEMPORAL THEN THEOREM TRUE
    UNCHANGED UNION USE VARIABLE VARIABLES WITH WITNESS SF_ WF_
"""

KEYWORDS = frozenset(_WORDS.split())
"""Words of the language, which name nothing: no operator, no parameter, no field."""


def legal(name: str) -> str:
    """A name as TLA+ can write it: letters, digits and underscores, not beginning with one."""
    text = re.sub(r"[^A-Za-z0-9_]", lambda found: f"u{ord(found[0]):x}", name).lstrip("_")
    text = text if re.search("[A-Za-z]", text) else f"x{text}"
    return f"x{text}" if text.startswith(("WF_", "SF_")) else text


def apart(name: str, taken: Container[str]) -> str:
    """A legal name like this one that is no keyword and not taken."""
    text = legal(name)
    while text in KEYWORDS or text in taken:
        text += "_"
    return text


def told_apart(names: Iterable[str], taken: frozenset[str] = frozenset()) -> dict[str, str]:
    """Legal names for all of these, each another one; those that are legal as they are keep theirs."""
    names = list(dict.fromkeys(names))
    made: dict[str, str] = {}
    for name in sorted(names, key=lambda n: apart(n, taken) != n):
        made[name] = apart(name, taken.union(made.values()))
    return {name: made[name] for name in names}
