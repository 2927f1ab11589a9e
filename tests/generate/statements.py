"""Generated statements: bodies of actions, of procedures (helpers that change variables) and of pure functions.

A body is a list of lines, nested blocks indented. Names bound inside a block are not used after it, and every local name is
fresh, so that it has one type.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.generate.containers import wrap_element
from tests.generate.scope import Function, Name, Scope, collection_item, constants, wrap
from tests.generate.types import (
    BOOL,
    INTEGER,
    BoolType,
    DisplayType,
    EnumType,
    IntType,
    OptionType,
    RecordType,
    SortType,
    TextType,
    TupleType,
    Type,
    UnionType,
    annotation,
)
from tests.generate.updates import Frame, Lines, Updates, indented


def ends(lines: Lines) -> bool:
    """Whether a block always returns, so that nothing may come after it."""
    return _ends(ast.parse("\n".join(["def f():", *indented(lines)])).body[0])


def _ends(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(body=body):
            return _ends(body[-1])
        case ast.Return():
            return True
        case ast.If(body=body, orelse=orelse):
            return bool(orelse) and _ends(body[-1]) and _ends(orelse[-1])
        case ast.Match(cases=cases):
            return all(_ends(case.body[-1]) for case in cases)
        case _:
            return False


def members_of(kind: Type) -> tuple[RecordType, ...]:
    """The records that a record or a union may be."""
    return kind.members if isinstance(kind, UnionType) else (kind,) if isinstance(kind, RecordType) else ()


def _covered(pattern: ast.pattern) -> Iterator[str]:
    """The classes of which a pattern matches every value."""
    match pattern:
        case ast.MatchOr(patterns=patterns):
            for each in patterns:
                yield from _covered(each)
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _covered(inner)
        case ast.MatchClass(cls=ast.Name(name), patterns=patterns, kwd_patterns=named):
            if all(isinstance(each, ast.MatchAs) and each.pattern is None for each in (*patterns, *named)):
                yield name
        case ast.MatchSingleton(value=None):
            yield "None"
        case ast.MatchSequence(patterns=patterns):
            if all(isinstance(each, ast.MatchAs) and each.pattern is None for each in patterns):
                yield "("
        case _:
            pass


NOTHING = DisplayType(BOOL)
"""Stands for a type without values, where all of a type has been matched."""


class Statements(Updates):
    """Writes statements."""

    # --- blocks -------------------------------------------------------------------------------------------------------

    def effects(self, scope: Scope, frame: Frame, most: int = 3) -> Lines:
        """A block that changes variables: at least one statement, the first of which is likely to have an effect."""
        lines: Lines = []
        for number in self.choose.several(1, most, 45):
            if number == 0 and self.choose.chance(60):
                lines += self.update(scope, frame)
                continue
            more, scope = self.statement(scope, frame)
            lines += more
            if ends(lines):
                break
        return lines

    def statement(self, scope: Scope, frame: Frame) -> tuple[Lines, Scope]:
        """One statement, and the scope after it."""

        def same(lines: Lines) -> tuple[Lines, Scope]:
            return lines, scope

        options: list[tuple[int, Callable[[], tuple[Lines, Scope]]]] = [
            (6, lambda: same(self.update(scope, frame))),
            (3, lambda: self.binding(scope)),
            (1, lambda: same(["pass"])),
        ]
        if frame.depth > 0:
            options += [
                (4, lambda: same(self._if(scope, frame))),
                (3, lambda: same(self._for(scope, frame))),
                (3, lambda: same(self._match(scope, frame))),
            ]
        callable_here = [
            one for one in frame.procedures if all(self.can(scope, kind) for kind in one.parameters)
        ]
        if callable_here:
            options.append((3, lambda: same([self._procedure_call(scope, callable_here)])))
        options += [(1, lambda: self._tested(scope)), (1, lambda: self._claim(scope))]
        return self.choose.weighted(options)

    def _procedure_call(self, scope: Scope, procedures: list[Function]) -> str:
        procedure = self.choose.pick(procedures)
        return f"{procedure.text}({', '.join(self.expr(scope, kind, 1) for kind in procedure.parameters)})"

    # --- local names --------------------------------------------------------------------------------------------------

    def binding(self, scope: Scope) -> tuple[Lines, Scope]:
        """A local name (or several, by unpacking), perhaps changed again at once."""
        atoms = scope.atoms()
        pairs = [atom for atom in atoms if isinstance(atom.kind, TupleType)]
        if pairs and self.choose.chance(40):
            atom = self.choose.pick(pairs)
            assert isinstance(atom.kind, TupleType)
            names = tuple(Name(self.fresh("t"), item) for item in atom.kind.items)
            unpacked = ", ".join(name.text for name in names)
            lines, after = [f"{unpacked} = {atom.text}"], scope.having(*names)
            if all(self.can(after, name.kind) for name in names) and self.choose.chance(30):
                values = ", ".join(self.expr(after, name.kind, 1) for name in names)
                lines += [f"if {self.condition(after, 1)}:", f"    {unpacked} = {values}"]
            return lines, after
        if atoms and self.choose.chance(60):
            atom = self.choose.pick(
                [*(a for a in atoms if isinstance(a.kind, OptionType | UnionType)), *atoms]
            )
            name = Name(self.fresh("y"), atom.kind)
            return [f"{name.text} = {atom.text}"], scope.having(name)
        if self.choose.chance(20):
            return self._display_or_total(scope)
        kind = self._nameable(scope)
        name = Name(self.fresh("y"), kind)
        simple = isinstance(kind, BoolType | IntType | SortType)
        declared = "" if simple and self.choose.chance(75) else f": {annotation(kind, bounds=False)}"
        lines = [f"{name.text}{declared} = {self.expr(scope, kind, 2)}"]
        after = scope.having(name)
        if isinstance(kind, IntType) and self.choose.chance(30):
            lines.append(f"{name.text} {self.choose.pick(['+=', '-=', '*='])} {self.choose.pick(['1', '2'])}")
            after = scope.having(Name(name.text, IntType(-1000, 1000)))
        elif self.choose.chance(15) and simple:
            lines += [f"if {self.condition(after, 1)}:", f"    {name.text} = {self.expr(after, kind, 1)}"]
        return lines, after

    def _display_or_total(self, scope: Scope) -> tuple[Lines, Scope]:
        if self.choose.chance(40):
            kind: IntType | BoolType = BOOL if self.choose.chance(40) else IntType(0, 3)
            lines = self._accumulated(scope, kind)[:-1]
            return lines, scope.having(Name(lines[0].split()[0], INTEGER if kind != BOOL else BOOL))
        clauses, inside = self.clauses(scope, 1)
        simple = (BoolType, IntType, EnumType, SortType, RecordType)
        kinds = [atom.kind for atom in inside.atoms() if isinstance(atom.kind, simple)]
        item = self.choose.pick(kinds) if kinds else BOOL
        name = self.fresh("y")
        text = f"{name} = [{wrap_element(self.expr(inside, item, 1))} {clauses}]"
        return [text], scope.having(Name(name, DisplayType(item)))

    def _nameable(self, scope: Scope) -> Type:
        kinds: list[Type] = [BOOL, IntType(0, 3)]
        known = [atom.kind for atom in scope.atoms() if not isinstance(atom.kind, DisplayType)]
        kinds += [kind for kind in known if self.can(scope, kind)]
        return self.choose.pick(kinds)

    def _tested(self, scope: Scope) -> tuple[Lines, Scope]:
        """An optional local name that is required, and then claimed for the type checker, to be there."""
        options = [name for name in scope.names if name.local and isinstance(name.kind, OptionType)]
        if not options:
            return [f"require({wrap(self.boolean(scope, 1)).replace('False', 'True')})"], scope
        name = self.choose.pick(options)
        assert isinstance(name.kind, OptionType)
        after = scope.having(Name(name.text, name.kind.inner))
        if self.choose.chance(40):
            return [f"if {name.text} is None:", "    return"], after
        return [f"require({name.text} is not None)", f"assert {name.text} is not None"], after

    def _claim(self, scope: Scope) -> tuple[Lines, Scope]:
        """An `assert`: mostly of something that must be so."""
        collections = [atom for atom in scope.atoms() if collection_item(atom.kind)]
        if self.choose.chance(self.careless) or not collections:
            text = self.boolean(scope, 1)
            return [
                f"assert {text}" if self.choose.chance(self.careless) else f"assert {wrap(text)} or True"
            ], scope
        return [f"assert len({self.choose.pick(collections).text}) >= 0"], scope

    # --- control ------------------------------------------------------------------------------------------------------

    def _test(self, scope: Scope) -> tuple[str, Scope, Scope]:
        tests = self.narrowings(scope)
        if tests and self.choose.chance(50):
            return self.choose.pick(tests)
        return self.condition(scope, 2), scope, scope

    def _if(self, scope: Scope, frame: Frame) -> Lines:
        test, true, false = self._test(scope)
        lines = [f"if {test}:", *indented(self._block(true, frame))]
        if self.choose.chance(20):
            other, inside, false = self._test(false)
            lines += [f"elif {other}:", *indented(self._block(inside, frame))]
        if self.choose.chance(40):
            lines += ["else:", *indented(self._block(false, frame))]
        return lines

    def _block(self, scope: Scope, frame: Frame) -> Lines:
        lines = self.effects(scope, frame.deeper(), 2)
        return [*lines, "return"] if self.choose.chance(12) and not ends(lines) else lines

    def _for(self, scope: Scope, frame: Frame) -> Lines:
        clause = self.clause(scope, 1)
        if self.choose.chance(30):
            test, inside, _ = self._test(clause.scope)
            return [
                f"{clause}:",
                f"    if {test}:",
                *indented(indented(self.effects(inside, frame.deeper(), 2))),
            ]
        return [f"{clause}:", *indented(self._block(clause.scope, frame))]

    def _match(self, scope: Scope, frame: Frame) -> Lines:
        return self.match(scope, lambda inside: self._block(inside, frame))

    def match(self, scope: Scope, block: Callable[[Scope], Lines], *, otherwise: bool = False) -> Lines:
        """`match` on something that has cases; with `otherwise`, every value is matched by some case."""
        atoms = [atom for atom in scope.atoms() if self._matchable(atom.kind)]
        if not atoms:
            return block(scope)
        subject = self.choose.pick(
            [*(a for a in atoms if isinstance(a.kind, UnionType | RecordType)), *atoms]
        )
        lines = [f"match {subject.text}:"]
        left = subject.kind
        for _ in self.choose.several(1, 3, 60):
            pattern, names = self._pattern(left, 1, top=True)
            inside = self._within(scope, subject, left, pattern).having(*names)
            guard = f" if {self.condition(inside, 1)}" if self.choose.chance(25) else ""
            lines += [f"    case {pattern}{guard}:", *indented(indented(block(inside)))]
            if not guard:
                remaining = self._remaining(left, pattern)
                if remaining is None:
                    return lines
                left = remaining
                if not self._matchable(left) or left == OptionType(NOTHING):
                    break
        if otherwise or self.choose.chance(50):
            inside = scope
            if subject.local:
                others = replace(scope, names=tuple(name for name in scope.names if name != subject))
                inside = others if left == OptionType(NOTHING) else scope.having(Name(subject.text, left))
            lines += ["    case _:", *indented(indented(block(inside)))]
        return lines

    def _within(self, scope: Scope, subject: Name, kind: Type, pattern: str) -> Scope:
        """What is in scope where a pattern has matched: the subject, narrowed, if it is a local name."""
        if subject.local and pattern == "None":
            return replace(scope, names=tuple(name for name in scope.names if name != subject))
        matched = [member for member in members_of(kind) if f"{member.name}(" in pattern]
        if not subject.local or not matched:
            return scope
        return scope.having(
            Name(subject.text, matched[0] if len(matched) == 1 else UnionType(tuple(matched)))
        )

    def _remaining(self, kind: Type, pattern: str) -> Type | None:
        """What is left to match after a pattern; None if nothing is."""
        tree = ast.parse(f"match 0:\n    case {pattern}:\n        pass").body[0]
        assert isinstance(tree, ast.Match)
        covered = set(_covered(tree.cases[0].pattern))
        members = members_of(kind)
        left = tuple(member for member in members if member.name not in covered)
        if isinstance(kind, OptionType):
            if "None" in covered:
                return kind.inner
            return OptionType(self._remaining(kind.inner, pattern) or NOTHING)
        if "(" in covered:
            return None
        if not members or len(left) == len(members):
            return kind
        return None if not left else left[0] if len(left) == 1 else UnionType(left)

    def _matchable(self, kind: Type) -> bool:
        return isinstance(
            kind, UnionType | RecordType | EnumType | TextType | TupleType | OptionType | BoolType | IntType
        )

    def _pattern(self, kind: Type, depth: int, *, top: bool = False) -> tuple[str, list[Name]]:
        """A pattern for a type, and the names it binds. A `top` pattern does not match everything."""
        if not top and (depth < 0 or self.choose.chance(50)):
            if self.choose.chance(50):
                return "_", []
            name = self.fresh("c")
            return name, [Name(name, kind)]
        match kind:
            case RecordType():
                return self._record_pattern(kind, depth)
            case UnionType(members):
                if self.choose.chance(25):
                    return " | ".join(f"{member.name}()" for member in members[:2]), []
                return self._record_pattern(self.choose.pick(members), depth)
            case TupleType(items):
                parts = [self._pattern(item, depth - 1) for item in items]
                if all(text.isidentifier() for text, _ in parts) and self._matchable(items[0]):
                    parts[0] = self._pattern(items[0], depth - 1, top=True)
                return f"({', '.join(text for text, _ in parts)})", [
                    name for _, names in parts for name in names
                ]
            case OptionType(inner) if self._seen_through(inner, top) and self.choose.chance(70):
                return self._pattern(inner, depth - 1, top=True)
            case _:
                return self._value_pattern(kind)

    def _seen_through(self, inner: Type, top: bool) -> bool:
        """Whether a pattern of the inner type is one of the optional (and at the top does not match all but `None`)."""
        return isinstance(inner, RecordType) if top else self._matchable(inner)

    def _value_pattern(self, kind: Type) -> tuple[str, list[Name]]:
        values = constants(kind)
        if not values or isinstance(kind, SortType):
            name = self.fresh("c")
            return name, [Name(name, kind)]
        if len(values) > 2 and self.choose.chance(35):
            return " | ".join(values[:2]), []
        return self.choose.pick(values), []

    def _record_pattern(self, kind: RecordType, depth: int) -> tuple[str, list[Name]]:
        names: list[Name] = []
        texts: list[str] = []
        positional = self.choose.chance(35)
        for field, each in kind.fields:
            if not positional and self.choose.chance(40):
                continue
            text, bound = self._pattern(each, depth - 1)
            texts.append(text if positional else f"{field}={text}")
            names += bound
        whole = f"{kind.name}({', '.join(texts)})"
        if self.choose.chance(15):
            name = self.fresh("c")
            return f"{whole} as {name}", [*names, Name(name, kind)]
        return whole, names

    # --- pure functions -----------------------------------------------------------------------------------------------

    def pure(self, scope: Scope, result: Type, depth: int = 2) -> Lines:
        """The body of a function that returns a value: local names, then tests with early returns, then a `return`."""
        lines: Lines = []
        for _ in self.choose.several(0, 1, 30):
            more, scope = self.binding(scope)
            lines += more

        def give(inside: Scope) -> Lines:
            return [f"return {self.expr(inside, result, depth)}"]

        match self.choose.below(6):
            case 0 | 1:
                pass
            case 2:
                test, true, scope = self._test(scope)
                lines += [f"if {test}:", *indented(give(true))]
            case 3:
                clause = self.clause(scope, 1)
                test = wrap_element(self.condition(clause.scope, 1))
                lines += [f"{clause}:", f"    if {test}:", *indented(indented(give(clause.scope)))]
            case 4:
                return [*lines, *self.match(scope, give, otherwise=True)]
            case _:
                lines += self._accumulated(scope, result)
                if lines and lines[-1].startswith("return"):
                    return lines
        return [*lines, *give(scope)]

    def _accumulated(self, scope: Scope, result: Type) -> Lines:
        """A local name that a loop changes, returned in the end."""
        if not isinstance(result, BoolType | IntType):
            return []
        name = self.fresh("total")
        clause = self.clause(scope, 1)
        inside = clause.scope.having(Name(name, result))
        if isinstance(result, BoolType):
            step = f"{name} = {wrap(self.boolean(inside, 1))} or {name}"
            return [f"{name} = False", f"{clause}:", f"    {step}", f"return {name}"]
        bound = f"max({result.low}, min({result.high}, {name}))" if abs(result.low) < 100 else name
        return [
            f"{name} = 0",
            f"{clause}:",
            f"    {name} += {self.expr(inside, IntType(0, 2), 1)}",
            f"return {bound}",
        ]
