"""Where the guards of actions stand: which statements `require`, which change variables, and where the last guard ends.

Guarantees: procedures count as what they do; "after" is meant in the order of the text, so that what a machine that runs the text
ran into after the last guard is told from its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ratified.language import ir
from ratified.language.errors import Span
from ratified.language.ir import Function, Node
from ratified.language.uses import nodes

SourcePosition = tuple[int, int]
"""A line, and a column in it."""


@dataclass(frozen=True, slots=True)
class Guards:
    """Answers for the functions of a module."""

    functions: Mapping[str, Function]

    def guarded(self, body: Iterable[Node]) -> bool:
        """Whether there is a guard in some statements, or in a procedure that they call."""
        return any(isinstance(n, ir.Require) for n in self._all(body))

    def changing(self, body: Iterable[Node]) -> bool:
        """Whether some statements change variables, or call a procedure that does."""
        return any(isinstance(n, ir.Store) for n in self._all(body))

    def late(self, body: Iterable[Node], changed: bool = False) -> bool:
        """Whether a guard comes after a change, in a loop perhaps in a later turn."""
        for statement in body:
            match statement:
                case ir.If(_, _, then, orelse):
                    if self.late(then, changed) or self.late(orelse, changed or self.changing(then)):
                        return True
                case ir.For(_, _, _, inner):
                    if self.guarded(inner) and (changed or self.changing(inner)):
                        return True
                case ir.Do(_, key):
                    if self.guarded((statement,)) and (changed or self.late(self.functions[key].body)):
                        return True
                case ir.Require() if changed:
                    return True
            changed = changed or self.changing((statement,))
        return False

    def until_last(self, body: Iterable[Node], more: bool = False) -> tuple[Node, ...]:
        """Some statements up to the last guard in them; all of them if `more` come after them. A loop with guards is whole."""
        found: list[Node] = []
        for statement in reversed(tuple(body)):
            guarded = self.guarded((statement,))
            match statement:
                case ir.If(span, test, then, orelse) if guarded and not more:
                    then = self.until_last(then, self.guarded(orelse))
                    found.append(ir.If(span, test, then, self.until_last(orelse)))
                case _ if guarded or more:
                    found.append(statement)
            more = more or guarded
        return tuple(reversed(found))

    def after(self, function: Function, place: Span) -> bool:
        """Whether a place is in the text of a function that makes a step, or of a procedure with guards there, after these."""
        for one in self._asked(function):
            spans = list(_spans(one.body))
            begins = min((_begin(s) for s in spans), default=_begin(one.span))
            ends = max((_end(s) for s in spans), default=begins)
            here = _begin(place)
            if one.span.file == place.file and begins <= here <= ends:
                return here >= self._last(one)
        return False

    def _last(self, function: Function) -> SourcePosition:
        """Where the last guard of a function ends."""
        ends = [_end(s) for s in self._ends(self.until_last(function.body))]
        return max(ends, default=(0, 0))

    def _ends(self, body: Iterable[Node]) -> Iterator[Span]:
        for statement in body:
            match statement:
                case ir.If(_, _, then, orelse):
                    yield from self._ends((*then, *orelse))
                case ir.For(_, _, _, inner) if self.guarded(inner):
                    yield from _spans((statement,))
                case _ if self.guarded((statement,)):
                    yield statement.span

    def _asked(self, function: Function) -> Iterator[Function]:
        yield function
        for node in nodes(function.body):
            if isinstance(node, ir.Do) and self.guarded((node,)):
                yield from self._asked(self.functions[node.function])

    def _all(self, body: Iterable[Node]) -> Iterator[Node]:
        for node in nodes(body):
            if isinstance(node, Node):
                yield node
            if isinstance(node, ir.Do):
                yield from self._all(self.functions[node.function].body)


def _spans(body: Iterable[Node]) -> Iterator[Span]:
    return (node.span for node in nodes(body) if isinstance(node, Node))


def _begin(span: Span) -> SourcePosition:
    return (span.line, span.column)


def _end(span: Span) -> SourcePosition:
    return (span.end_line, span.end_column)
