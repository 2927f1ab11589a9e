"""What a node is translated in: the words of the module, the names in force, the variables as they stand, and what is known.

The tables of rules are joined in translation.py and travel with the context, so that a rule in one file applies those of others.

Guarantees: a scope inside another changes nothing of it, but for the names given out, which stay taken in the whole operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ratified.language.ir import Expr, Node, Which
from ratified.language.rules import Rules
from ratified.tla.formulas import FALSE, string
from ratified.tla.linear import LinearSum
from ratified.tla.names import NameSupply
from ratified.tla.syntax import Apply, Definition, Leaf, Primed, Tla
from ratified.tla.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class UpdatedPlace:
    """A place in a variable that is being given a value: what stands there now is `@`."""

    variable: str
    path: tuple[str, ...]


class NeedsInlining(Exception):
    """A variable that a procedure's own operator gives its value is wanted before the step ends: the call must be written out."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class GivenByCall(Leaf):
    """The value of a variable that a procedure's operator gives."""

    def __init__(self, key: str) -> None:
        super().__init__("")
        object.__setattr__(self, "key", key)

    key: str


class Unassigned(Apply):
    """What stands in place of the value of a variable that `init` has not given one yet: TLC stops where that is wanted."""

    def __init__(self, variable: str) -> None:
        super().__init__("Assert", (FALSE, string(f"{variable} has no value")))


@dataclass(frozen=True, slots=True)
class TlaRules:
    """The rules by which nodes are translated, one table for each sort of node.

    A rule for a statement adds to the run and says whether that certainly returned; None if a loop may have.
    """

    expressions: Rules[TlaContext, Tla]
    statements: Rules[TranslatedStatements, bool | None]


@dataclass(slots=True)
class TranslatedStatements:
    """Statements translated so far: names defined, guards, calls of procedures, and comments on variables.

    What is defined stands around everything if it is `hoisted`, else around what comes after it. `rest` are the statements after
    the one that is being translated. `said` are guards that are said elsewhere (where a parameter comes from), `apart` the
    procedures that are to be written out rather than called, `initial` whether initial states are being computed.
    """

    frame: TlaContext
    definitions: list[Definition]
    guards: list[Tla] = field(default_factory=list)
    calls: list[Tla] = field(default_factory=list)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shrunk: set[str] = field(default_factory=set)
    top: bool = True
    hoisted: bool = True
    rest: Sequence[Node] = ()
    said: frozenset[str] = frozenset()
    written_out: frozenset[str] = frozenset()
    initial: bool = False

    def __post_init__(self) -> None:
        self.frame.run = self

    def statements(self, body: Sequence[Node]) -> bool | None:
        """Statements in order. True if they certainly returned, None if a loop among them may have."""
        for place, statement in enumerate(body):
            self.rest = body[place + 1 :]
            if (ended := self.frame.translation.statements(statement, self)) is not False:
                return ended
        return False

    def define(self, name: str, value: Tla, comment: tuple[str, ...] = ()) -> Leaf:
        """Give a value a name."""
        names = self.frame.names
        text = names.give_apart(name) if self.hoisted else names.give(name)
        self.definitions.append(Definition(text, value, comment=comment))
        return Leaf(text)

    def fork(self) -> TranslatedStatements:
        """What happens on one of two ways."""
        return TranslatedStatements(
            self.frame.inside(),
            self.definitions,
            shrunk=set(self.shrunk),
            top=False,
            hoisted=self.hoisted,
            said=self.said,
            written_out=self.written_out,
            initial=self.initial,
        )


@dataclass(slots=True)
class TlaContext:
    r"""Where an expression stands.

    `now` holds the variables that have been changed, as they are now; `changed` says which. In a claim about a step (`step`),
    NOW is after it and OLD before it; while what was before it is computed (`past`), NOW is before it. `present` holds texts
    like `m \in messages` that are known to be true. `acting` where TLC may look for steps, or initial states, in what is said.
    """

    words: Vocabulary
    translation: TlaRules
    names: NameSupply
    env: dict[str, Tla] = field(default_factory=dict)
    sums: dict[str, LinearSum] = field(default_factory=dict)
    now: dict[str, Tla] = field(default_factory=dict)
    facts: tuple[LinearSum, ...] = ()
    present: frozenset[str] = frozenset()
    step: bool = False
    acting: bool = False
    place: UpdatedPlace | None = None
    own: str | None = None
    run: TranslatedStatements | None = None

    def expr(self, node: Expr) -> Tla:
        """An expression in TLA+."""
        return self.translation.expressions(node, self)

    def standing(self, name: str, text: str) -> Tla:
        """The value that a variable has come to so far."""
        value = self.now.get(name, Leaf(text))
        if isinstance(value, GivenByCall):
            raise NeedsInlining(value.key)
        return value

    def variable(self, name: str, which: Which, text: str) -> Tla:
        """A variable as it stands: what it has been changed to is given a name, unless it is being changed once more."""
        if self.step:
            return Primed(Leaf(text)) if which is Which.NOW else Leaf(text)
        value = self.now.get(name)
        if value is None:
            return Leaf(text)
        if isinstance(value, GivenByCall):
            raise NeedsInlining(value.key)
        if isinstance(value, Unassigned):
            self.words.need("TLC")
            return value
        # What binds names of its own may not be written where one of these may be bound already.
        once_more = self.own == name and not value.binds
        if isinstance(value, Leaf) or once_more or self.run is None:
            return value
        made = self.run.define(f"new_{name}", value)
        self.now[name] = made
        if self.run.frame.now.get(name) is value:
            self.run.frame.now[name] = made
        return made

    def binding(self, name: str) -> tuple[TlaContext, Leaf]:
        """A frame inside a scope that binds one name, and that name."""
        names = self.names.inner()
        bound = Leaf(names.give(name))
        return replace(self, names=names), bound

    def inside(self, env: Mapping[str, Tla] | None = None) -> TlaContext:
        """A frame inside this one, with more names."""
        return replace(self, env={**self.env, **(env or {})}, sums=dict(self.sums), now=dict(self.now))

    def knowing(self, *facts: LinearSum) -> TlaContext:
        """A frame in which more is known."""
        return replace(self, facts=(*self.facts, *facts))
