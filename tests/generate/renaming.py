"""Names of generated proof scripts: words of solvers, of the translation, of other things of the model, and nearly one name."""

from __future__ import annotations

import re

from tests.generate.choices import Chooser
from tests.generate.declared import DECLARED, VARIABLES

HOSTILE_CLASSES = (
    *(
        "Int",
        "Bool",
        "Real",
        "Array",
        "String",
        "RoundingMode",
        "RegLan",
        "BitVec",
        "List",
        "Table",
        "Relation",
        "Float32",
    ),
    *(
        "Majority",
        "Nodes",
        "Sort_0",
        "Elem",
        "Tuple",
        "Pair",
        "Unit",
        "UString",
        "FloatingPoint",
        "Lambda",
        "Übung",
    ),
)
HOSTILE_NAMES = (
    *(
        "store",
        "select",
        "ite",
        "forall",
        "exists",
        "distinct",
        "let",
        "par",
        "some",
        "none",
        "le",
        "has",
        "at",
        "size",
    ),
    *(
        "length",
        "next",
        "previous",
        "unknown",
        "x",
        "x0",
        "q",
        "node",
        "ballot",
        "union",
        "member",
        "choose",
        "mod",
        "div",
    ),
    *(
        "rem",
        "xor",
        "root",
        "bv",
        "const",
        "insert",
        "concat",
        "iff",
        "implies",
        "push",
        "pop",
        "check_sat",
        "define_fun",
    ),
    *(
        "is_Ask",
        "true",
        "false",
        "to_int",
        "emptyset",
        "tuple_select",
        "Small",
        "prod",
        "é",
        "state",
        "arg",
        "param",
    ),
)
RENAMED_CLASSES = ("Node", "Ballot", "Ask", "Grant")
FIELDS = ("sender", "ballot", "mark")
OF_PARTS = ("some", "has", "at", "length", "size", "first", "last", "majority")
"""Words for parts of things, which a translation may use for its own."""

NEARLY_ONE = (("store", "store_"), ("é", "è"), ("x_", "x"), ("ß", "ð"), ("le", "le_"), ("até", "atê"))
"""Two names that are one for who drops or replaces a letter."""
RENAMED = (
    *VARIABLES,
    *DECLARED,
    "bad",
    "sender",
    "ballot",
    "mark",
    "see0",
    "see1",
    "told0",
    "told1",
    "never",
    "IDLE",
    "BUSY",
)


def renamed(text: str, choose: Chooser) -> str:
    """A script in which some things have other names; imports keep theirs."""
    if not choose.chance(45):
        return text
    head, _, rest = text.partition("\n\n\n")
    used = set(re.findall(r"\w+", text))
    names: dict[str, str] = {}
    for pool, wanted in ((HOSTILE_CLASSES, RENAMED_CLASSES), (HOSTILE_NAMES, RENAMED)):
        left = list(pool)
        for name in wanted:
            if left and choose.chance(50):
                names[name] = left.pop(choose.below(len(left)))
    if choose.chance(55):
        left = list(OF_PARTS)
        names |= {field: left.pop(choose.below(len(left))) for field in FIELDS}
    variables = [v for v in (*VARIABLES, *DECLARED) if v in used]
    if len(variables) > 1 and choose.chance(20):
        names |= dict(zip(variables, choose.pick(NEARLY_ONE), strict=False))
    later = ""
    if choose.chance(20):
        names |= _like_a_sort(choose, names, [*variables, "see0"], used)
        later = "from __future__ import annotations\n\n"  # what a sort's name means inside of the class is another thing
    names = {old: new for old, new in names.items() if new not in used or new in RENAMED_CLASSES}
    doc, _, imports = head.partition("\n\n")
    head = f"{doc}\n\n{later}{imports}"
    return head + "\n\n\n" + re.sub(r"\b\w+\b", lambda m: names.get(m[0], m[0]), rest)


def _like_a_sort(choose: Chooser, names: dict[str, str], things: list[str], used: set[str]) -> dict[str, str]:
    """A variable or an action that is called like a sort, and a field or an argument like one of the sort's ends."""
    sort = names.get("Ballot", "Ballot")
    found = {choose.pick([t for t in things if t not in ("limit", "log")] or ["see0"]): sort}
    end = choose.pick([e for e in ("first", "last") if e not in used] or ["ballot"])
    return found | {"ballot": end, "c": end} if end != "ballot" else found
