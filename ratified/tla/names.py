"""Names in TLA+ modules: no two things in scope of each other may have one name, and some names are taken.

Guarantees: a name of the model stays as it is unless TLA+ has no such name, or it is taken where it stands; then it gets `_` at
its end. The same model gets the same names.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from ratified.interchange.names import KEYWORDS, legal

_OPERATORS = """
    Nat Int Real Infinity Seq Len Append Head Tail SubSeq SelectSeq IsFiniteSet Cardinality
    Print PrintT Assert JavaTime TLCGet TLCSet Permutations SortSeq RandomElement Any ToString TLCEval
    IsABag BagToSet SetToBag BagIn EmptyBag CopiesIn BagUnion SubBag BagOfAll BagCardinality
    RandomSubset RandomSetOfSubsets TestRandomSetOfSubsets RTBound RTnow
"""
_OWN = "None TypeOK Init Next Spec vars Symmetry"
_CONFIGURATION = """
    CONSTANT CONSTANTS CONSTRAINT CONSTRAINTS ACTION_CONSTRAINT ACTION_CONSTRAINTS INVARIANT INVARIANTS INIT NEXT VIEW
    SYMMETRY SPECIFICATION PROPERTY PROPERTIES TYPE TYPE_CONSTRAINT ALIAS POSTCONDITION CHECK_DEADLOCK
    _PERIODIC _RL_REWARD
"""

RESERVED = KEYWORDS.union(_OPERATORS.split(), _OWN.split(), _CONFIGURATION.split())
"""Words of the language, operators of the standard modules, what every exported module defines, and the words of configurations,
in which a claim of such a name would be no claim."""

_MODULES = """
    Naturals Integers Reals ProtoReals Sequences FiniteSets Bags TLC TLCExt RealTime Toolbox Randomization Peano
    Strings TransitiveClosure AnySet BuiltInModuleHelper IOUtils Json CSV SVG HTML VectorClocks Combinatorics
    BagsExt BitwiseExt Bitwise DyadicRationals FiniteSetsExt Folds Functions Graphs Relation SequencesExt ShiViz
    Statistics UndirectedGraphs TLAPS TLC Apalache Option Variants NaturalsInduction WellFoundedInduction
    FiniteSetTheorems FunctionTheorems SequenceTheorems MC
"""


def module_name(name: str, taken: Container[str]) -> str:
    """What the module of a model is called: like its class, unless a module that TLC brings or overrides is, or another of these.

    `taken` are names in small letters: not all file systems tell letters apart by their size.
    """
    text = legal(name)
    while text.lower() in _TAKEN_MODULES or text.lower() in taken:
        text += "_"
    return text


_TAKEN_MODULES = frozenset(word.lower() for word in (*_MODULES.split(), *KEYWORDS))


@dataclass
class _Module:
    """The names of a whole module: all that were ever given in it, and those of its own that were given late."""

    all: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)


class NameSupply:
    """Names given out so far, in one scope and those around it.

    What is bound in a scope may be bound again beside it; a definition of a LET may stand around what was bound before it was
    thought of, and so gets a name that nothing in its operator has had; and a definition of the module, if it is thought of late,
    one that nothing in the whole module has had.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*RESERVED, *taken}
        self._module = _Module()
        self.ever: set[str] = set()

    def give(self, name: str) -> str:
        """A name like this one that nothing around has."""
        return self._given(name, ())

    def give_apart(self, name: str) -> str:
        """A name like this one that nothing in the whole operator has had."""
        return self._given(name, self.ever)

    def give_late(self, name: str) -> str:
        """A name like this one that nothing in the whole module has had, nor will have."""
        chosen = self._given(name, self._module.all)
        self._module.late.add(chosen)
        return chosen

    def _given(self, name: str, others: Container[str]) -> str:
        chosen = legal(name)
        while chosen in self._taken or chosen in self._module.late or chosen in others:
            chosen += "_"
        self._taken.add(chosen)
        self.ever.add(chosen)
        self._module.all.add(chosen)
        return chosen

    def inner(self) -> NameSupply:
        """A scope inside this one."""
        made = NameSupply()
        made._taken = set(self._taken)
        made._module = self._module
        made.ever = self.ever
        return made

    def operator(self) -> NameSupply:
        """The scope of an operator of a module whose names these are."""
        made = self.inner()
        made.ever = set()
        return made

    def was_given(self, name: str) -> bool:
        """Whether anything in the module has a name."""
        return name in self._module.all

    def __contains__(self, name: str) -> bool:
        return name in self._taken
