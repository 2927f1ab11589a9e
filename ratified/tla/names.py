"""Names in TLA+ modules: no two things in scope of each other may have one name, and some names are taken.

Guarantees: a name of the model stays as it is unless TLA+ has no such name, or it is taken where it stands; then it gets `_` at
its end. The same model gets the same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ratified.interchange.names import legal

_WORDS = """
    ACTION ASSUME ASSUMPTION AXIOM BOOLEAN BY CASE CHOOSE CONSTANT CONSTANTS COROLLARY DEF DEFINE DEFS DOMAIN ELSE
    ENABLED EXCEPT EXTENDS FALSE HAVE HIDE IF IN INSTANCE LAMBDA LEMMA LET LOCAL MODULE NEW OBVIOUS OMITTED ONLY
    OTHER PICK PROOF PROPOSITION PROVE QED RECURSIVE STATE STRING SUBSET SUFFICES TAKE TEMPORAL THEN THEOREM TRUE
    UNCHANGED UNION USE VARIABLE VARIABLES WITH WITNESS SF_ WF_ Nat Int Real Infinity Seq Len Append Head Tail
    SubSeq SelectSeq IsFiniteSet Cardinality Print PrintT Assert JavaTime TLCGet TLCSet Permutations SortSeq
    RandomElement Any ToString TLCEval IsABag BagToSet SetToBag BagIn EmptyBag CopiesIn BagUnion SubBag BagOfAll
    BagCardinality None TypeOK Init Next Spec vars Symmetry
"""

RESERVED = frozenset(re.split(r"\s+", _WORDS.strip()))
"""Words of the language, operators of the standard modules, and what every exported module defines."""


STANDARD = frozenset(
    {"Naturals", "Integers", "Reals", "Sequences", "FiniteSets", "Bags", "TLC", "RealTime", "Toolbox"}
)
"""Modules that come with TLA+."""


def module_name(name: str) -> str:
    """What the module of a model is called: like its class, unless a standard module is."""
    return f"{name}_" if name in STANDARD else legal(name)


class Names:
    """Names given out so far, in one scope and those around it.

    What is bound in a scope may be bound again beside it; a definition of a LET may stand around what was bound before it was
    thought of, and so gets a name that nothing in its operator has had.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*RESERVED, *taken}
        self.ever: set[str] = set()

    def give(self, name: str) -> str:
        """A name like this one that nothing around has."""
        chosen = legal(name)
        while chosen in self._taken:
            chosen += "_"
        self._taken.add(chosen)
        self.ever.add(chosen)
        return chosen

    def give_apart(self, name: str) -> str:
        """A name like this one that nothing in the whole operator has had."""
        chosen = legal(name)
        while chosen in self._taken or chosen in self.ever:
            chosen += "_"
        return self.give(chosen)

    def inner(self) -> Names:
        """A scope inside this one."""
        made = Names()
        made._taken = set(self._taken)
        made.ever = self.ever
        return made

    def operator(self) -> Names:
        """The scope of an operator of a module whose names these are."""
        made = self.inner()
        made.ever = set()
        return made

    def __contains__(self, name: str) -> bool:
        return name in self._taken


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in a text."""
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text) is not None
