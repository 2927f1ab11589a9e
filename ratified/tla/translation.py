"""The translation of a model's functions: the rules of all parts, joined.

Guarantees: every kind of expression and statement has a rule.
"""

from __future__ import annotations

from ratified.language.rules import Rules
from ratified.tla.calls import CALLS
from ratified.tla.comprehensions import COMPREHENSIONS
from ratified.tla.containers import CONTAINERS
from ratified.tla.context import TlaRules
from ratified.tla.expressions import EXPRESSIONS
from ratified.tla.loops import LOOPS
from ratified.tla.statements import STATEMENTS
from ratified.tla.stores import STORES

TRANSLATION = TlaRules(
    Rules.joined("TLA+ of expressions", EXPRESSIONS, CONTAINERS, COMPREHENSIONS, CALLS),
    Rules.joined("TLA+ of statements", STATEMENTS, STORES, LOOPS),
)
