"""The checker of certificates: whether what is written down shows that SMT-LIB 2 scripts have no model.

Guarantees: a script is accepted only if its assertions, as SMT-LIB 2.6 reads them, cannot all be true. A certificate lists
instances of the assertions, clauses that hold by equality or by linear arithmetic alone, and clauses that follow by unit
propagation, the last of them empty. Whatever is not understood is refused, with its line; nothing is skipped.

This file trusts no solver, imports only the standard library, and runs alone: `python certified.py SCRIPT.smt2 CERTIFICATE`. docs/certificates.md
describes the format, so that others can write a checker of their own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import combinations, pairwise, product
from typing import Any, NamedTuple

LIMIT = 200_000  # formulas that are visited to flatten one assertion; more is refused
CHARACTERS = "A-Za-z0-9~!@$%^&*_+=<>.?/-"
TOKEN = re.compile(rf'[ \t\r\n]+|;[^\n]*|([()]|"(?:[^"]|"")*"|\|[^|\\]*\||:?[{CHARACTERS}]+)')
BLANK = re.compile(r"(?:[ \t\r\n]+|;[^\n]*)*")
SYMBOL = re.compile(rf"(?![0-9])[{CHARACTERS}]+")
NUMERAL = re.compile(r"0|[1-9][0-9]{0,999}")
CONNECTIVES = {"not": 1, "and": 1, "or": 1, "=>": 2, "xor": 2}  # and how many operands they have at least
INTEGER = {"-": 1, "+": 2, "*": 2, "div": 2, "mod": 2}
# What is said of pairs of operands: an equality or `<=`, of the pair turned round, negated.
PAIRED = {"=": ("=", False, False), "distinct": ("=", False, True), "<=": ("<=", False, False)}
PAIRED |= {"<": ("<=", True, True), ">=": ("<=", True, False), ">": ("<=", False, True)}
RESERVED = {"!", "_", "as", "let", "forall", "exists", "match", "par"}
TAKEN = {*CONNECTIVES, *INTEGER, *PAIRED, *RESERVED, "ite", "true", "false", "abs", "Bool", "Int"}
DECLARED, THEORY, VARIABLE = (
    0,
    -1,
    -2,
)  # where a symbol is from; from 1 on: the formula whose flattening made it

Expression = Any  # a token, or the list of expressions between two parentheses
Clause = tuple[int, ...]  # of literals: terms, negative if negated


class Refused(Exception):
    """What was given does not show what it should. `line` says where, if it is in a line."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(why)
        self.why, self.line = why, line


class Symbol(NamedTuple):
    """A function: its name, the sorts of its arguments and of its result, and where it is from."""

    name: str
    arguments: tuple[str, ...]
    result: str
    owner: int


class Terms:
    """Terms and formulas: each is made once and called by its number, which is larger than those of its parts."""

    def __init__(self) -> None:
        self.heads = [Symbol("", (), "", THEORY)]
        self.parts: list[tuple[int, ...]] = [()]
        self.free: list[frozenset[int]] = [frozenset()]  # the variables that are not bound inside
        self.plain = [True]  # whether there is neither a formula nor an `ite` inside
        self.flat: dict[int, Flattening] = {}  # of formulas that were asserted
        self._known: dict[tuple[Symbol, tuple[int, ...]], int] = {}
        self.true, self.false = self.theory("true"), self.theory("false")

    def make(self, head: Symbol, *parts: int) -> int:
        """The term of that head and these parts. Raises Refused if the sorts do not fit."""
        if (known := self._known.get((head, parts))) is not None:
            return known
        if self.sorts(parts) != head.arguments:
            raise Refused(
                f"{head.name} is of ({' '.join(head.arguments)}), not ({' '.join(self.sorts(parts))})"
            )
        number = self._known[head, parts] = len(self.heads)
        bound = parts[:-1] if head.owner == THEORY and head.name in ("forall", "exists") else ()
        free = frozenset([number]) if head.owner == VARIABLE else frozenset[int]()
        self.heads.append(head)
        self.parts.append(parts)
        self.free.append(free.union(*(self.free[p] for p in parts)).difference(bound))
        choice = head.owner == THEORY and head.name == "ite"
        self.plain.append(not choice and all(self.plain[p] and not self.formula(p) for p in parts))
        return number

    def theory(self, name: str, *parts: int) -> int:
        """The term of a symbol of the language itself. The sides of an equality have no order."""
        result = "Int" if name in INTEGER or NUMERAL.fullmatch(name) else "Bool"
        result = self.heads[parts[1]].result if name == "ite" else result
        parts = tuple(sorted(parts)) if name == "=" else parts
        return self.make(Symbol(name, self.sorts(parts), result, THEORY), *parts)

    def some(self, sort: str) -> int:
        """Some element of a sort: none is empty."""
        return self.make(Symbol(f"@0.{sort}", (), sort, DECLARED))

    def sorts(self, terms: Iterable[int]) -> tuple[str, ...]:
        """The sorts of terms."""
        return tuple(self.heads[t].result for t in terms)

    def name(self, term: int) -> str:
        """The operation of the language itself that a term is, or nothing."""
        return self.heads[term].name if self.heads[term].owner == THEORY else ""

    def formula(self, term: int) -> bool:
        """Whether a term is a formula, other than a constant of the language or a variable."""
        head = self.heads[term]
        return head.result == "Bool" and head.owner != VARIABLE and term not in (self.true, self.false)

    def variables(self, terms: Iterable[int]) -> tuple[int, ...]:
        """The free variables of terms, in the order of their binders."""
        found = frozenset[int]().union(*(self.free[t] for t in terms))
        return tuple(sorted(found, key=lambda v: int(self.heads[v].name)))

    def replace(self, term: int, done: dict[int, int]) -> int:
        """A term with others in place of some in it. Each binder has variables of its own, so that none is captured."""
        if term not in done:
            parts = [self.replace(p, done) for p in self.parts[term]]
            ordered = sorted(parts) if self.name(term) == "=" else parts
            done[term] = self.make(self.heads[term], *ordered)
        return done[term]

    def instance(self, clause: Clause, values: dict[int, int]) -> Clause:
        """A clause with values in place of its variables."""
        return tuple(self.replace(x, values) if x > 0 else -self.replace(-x, values) for x in clause)


class Flattening:
    """A formula as clauses that hold for all values of their variables.

    They have a model exactly if the formula has one: `made` are the Skolem functions, and the names of conjunctions.
    """

    def __init__(self, terms: Terms, formula: int) -> None:
        self.terms, self.steps, self.number = terms, 0, formula
        self.made: list[Symbol] = []
        self.named: list[Clause] = []
        self.clauses = [*self.of(formula, True), *self.named]

    def new(self, term: int, result: str) -> int:
        """A new function of the variables that occur in a formula."""
        free = self.terms.variables([term])
        self.made.append(Symbol(f"@{len(self.made) + 1}", self.terms.sorts(free), result, self.number))
        return self.terms.make(self.made[-1], *free)

    def of(self, term: int, positive: bool) -> list[Clause]:
        """The clauses of a formula, or of its negation."""
        self.steps += 1
        if self.steps > LIMIT:
            raise Refused("an assertion is too large when it is flattened")
        terms, parts = self.terms, self.terms.parts[term]
        match terms.name(term):
            case "true" | "false" as value:
                return [] if (value == "true") is positive else [()]
            case "not":
                return self.of(parts[0], not positive)
            case "and" | "or" as name if (name == "and") is positive:
                return [c for p in parts for c in self.of(p, positive)]
            case "and" | "or":
                return self.any(*((p, positive) for p in parts))
            case "=" if terms.sorts(parts) == ("Bool", "Bool"):
                return self.either(parts[0], (parts[1], positive), (parts[1], not positive))
            case "ite":
                return self.either(parts[0], (parts[1], positive), (parts[2], positive))
            case "forall" | "exists" as name:
                if (name == "forall") is not positive:
                    witnesses = {v: self.new(term, terms.heads[v].result) for v in parts[:-1]}
                    return self.of(terms.replace(parts[-1], witnesses), positive)
                return self.of(parts[-1], positive)
        if terms.plain[term]:
            return [(term if positive else -term,)]
        inside, test, then, orelse = self.choice(term)
        one, other = (terms.replace(term, {inside: value}) for value in (then, orelse))
        return self.either(test, (one, positive), (other, positive))

    def either(self, test: int, then: tuple[int, bool], orelse: tuple[int, bool]) -> list[Clause]:
        """The clauses of: if the test is true this, and if it is false that."""
        return self.any((test, False), then) + self.any((test, True), orelse)

    def any(self, *operands: tuple[int, bool]) -> list[Clause]:
        """The clauses of a disjunction: multiplied out, but if several operands have several clauses, these get names.

        The name of an operand is a new predicate of its variables, of which no more is said than that its clauses follow.
        """
        found = [self.of(*operand) for operand in operands]
        if sum(len(clauses) > 1 for clauses in found) > 1:
            for place, clauses in enumerate(found):
                if len(clauses) > 1:
                    name = self.new(operands[place][0], "Bool")
                    self.named += [(-name, *clause) for clause in clauses]
                    found[place] = [(name,)]
        return [tuple(dict.fromkeys(x for clause in one for x in clause)) for one in product(*found)]

    def choice(self, term: int) -> tuple[int, int, int, int]:
        """The first `ite` or formula in an atom: itself, its test, what it is if that is true, and if it is false."""
        part = next(p for p in self.terms.parts[term] if self.terms.formula(p) or not self.terms.plain[p])
        if self.terms.formula(part):
            return part, part, self.terms.true, self.terms.false
        if self.terms.name(part) != "ite":
            return self.choice(part)
        test, then, orelse = self.terms.parts[part]
        return part, test, then, orelse


class Script:
    """An SMT-LIB 2 script that is read: what it declares, and the formulas that it asserts.

    `memory` has assertions that were read before: what their names meant, and the formula.
    """

    def __init__(self, text: str, terms: Terms, memory: dict[str, tuple[frozenset[Symbol], int]]) -> None:
        self.text, self.terms = text, terms
        self.declared = {f"sort {s}": Symbol(f"sort {s}", (), "", DECLARED) for s in ("Bool", "Int")}
        self.assertions: list[int] = []
        self._asked, self._bound, self._used = False, 0, set[Symbol]()
        at = start = 0
        while at < len(text):
            at = BLANK.match(text, at).end()  # type: ignore[union-attr]  # it matches always
            line = text[at : text.find("\n", at)]
            uses, formula = memory.get(line, (None, 0))  # a whole command that was read before, or nothing
            if uses is not None and not self._asked and all(self.declared.get(s.name) == s for s in uses):
                self.assertions.append(formula)
                at += len(line)
                continue
            start, at, command = self._expression(at)
            try:
                if command is not None and self._command(command):
                    memory[text[start:at]] = frozenset(self._used), self.assertions[-1]
            except Refused as problem:
                raise self._refused(problem.why, start) from None
        if not self._asked:
            raise self._refused("(check-sat) is missing", at)

    def flat(self, number: int) -> Flattening:
        """An assertion, by its number from 1, as clauses."""
        if not 0 < number <= len(self.assertions):
            raise Refused(f"there is no assertion {number}")
        formula = self.assertions[number - 1]
        if formula not in self.terms.flat:
            self.terms.flat[formula] = Flattening(self.terms, formula)
        return self.terms.flat[formula]

    def _refused(self, why: str, at: int) -> Refused:
        return Refused(why, self.text.count("\n", 0, at) + 1)

    def _expression(self, at: int) -> tuple[int, int, Expression]:
        """Where the next expression begins and ends, and itself: None at the end of the text."""
        open_: list[list[Expression]] = []
        start = at
        while at < len(self.text):
            if not (found := TOKEN.match(self.text, at)):
                raise self._refused(f"{self.text[at]!r} begins no token", at)
            begin, at, token = at, found.end(), found[1]
            if token and not open_ and token != "(":
                raise self._refused(f"{token} stands where a command should", begin)
            if token == "(":
                start = start if open_ else begin
                open_.append([])
            elif token == ")":
                done = open_.pop()
                if not open_:
                    return start, at, done
                open_[-1].append(done)
            elif token:
                bare = token[1:-1] if token[0] == "|" else ""
                open_[-1].append(bare if SYMBOL.fullmatch(bare) and bare not in RESERVED else token)
        if open_:
            raise self._refused("a parenthesis is not closed", start)
        return start, at, None

    def _command(self, command: Expression) -> bool:
        """Do what a command says; whether it was an assertion."""
        self._bound, self._used = 0, set()
        match command:
            case ["set-logic" | "set-info" | "set-option", str(), *_] | ["exit"]:
                pass
            case _ if self._asked:
                raise Refused("something is said after (check-sat)")
            case ["declare-sort", name, "0"]:
                self._declare(f"sort {self._name(name)}", [], "")
            case ["declare-fun", name, list(sorts), result]:
                self._declare(self._name(name), [self.sort(s) for s in sorts], self.sort(result))
            case ["declare-const", name, result]:
                self._declare(self._name(name), [], self.sort(result))
            case ["assert", formula]:
                self.assertions.append(self._formula(formula, {}))
                return True
            case ["check-sat"]:
                self._asked = True
            case _:
                raise Refused("the command is not understood")
        return False

    def _declare(self, name: str, arguments: Sequence[str], result: str) -> None:
        if name in self.declared:
            raise Refused(f"{name} is declared twice")
        self.declared[name] = Symbol(name, tuple(arguments), result, DECLARED)

    def _name(self, name: Expression) -> str:
        """A name that a script may give: not the language's own, nor one for solvers (SMT-LIB 2.6, section 3.1)."""
        if not isinstance(name, str) or not (SYMBOL.fullmatch(name) or name[0] == "|"):
            raise Refused("a name is expected")
        if name in TAKEN or name[0] in "@.":
            raise Refused(f"{name} is not a name to be given")
        return name

    def sort(self, name: Expression) -> str:
        """The name of a sort that was declared."""
        if not isinstance(name, str) or f"sort {name}" not in self.declared:
            raise Refused("a sort is expected that was declared")
        self._used.add(self.declared[f"sort {name}"])
        return name

    def _formula(self, e: Expression, scope: Mapping[str, int]) -> int:
        if self.terms.sorts([term := self._term(e, scope)]) != ("Bool",):
            raise Refused("a formula is expected, not a term of another sort")
        return term

    def _term(self, e: Expression, scope: Mapping[str, int]) -> int:
        match e:
            case str():
                return scope[e] if e in scope else self.apply(e, [])
            case ["let", [_, *_] as bindings, body]:
                return self._term(body, self._inside(scope, bindings, lambda t: self._term(t, scope)))
            case ["forall" | "exists" as name, [_, *_] as binders, body]:
                inside = self._inside(scope, binders, self._variable)
                variables = [inside[binder[0]] for binder in binders]
                return self.terms.theory(name, *variables, self._formula(body, inside))
            case [str(name), _, *_] if name not in scope:
                return self.apply(name, [self._term(part, scope) for part in e[1:]])
        raise Refused("a term is not understood")

    def _inside(
        self, scope: Mapping[str, int], pairs: Sequence[Expression], means: Callable[[Expression], int]
    ) -> dict[str, int]:
        """The scope inside a binder: names of its own, each of something, over those of outside."""
        bound: dict[str, int] = {}
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2 or self._name(pair[0]) in bound:
                raise Refused("a binder has pairs: a name, not twice, and what it stands for")
            bound[pair[0]] = means(pair[1])
        return {**scope, **bound}

    def _variable(self, sort: Expression) -> int:
        self._bound += 1
        return self.terms.make(Symbol(str(self._bound), (), self.sort(sort), VARIABLE))

    def apply(self, name: str, parts: Sequence[int]) -> int:
        """A function, or an operation of the language, of terms. Raises Refused if there is none such for them."""
        make, sorts = self.terms.theory, self.terms.sorts(parts)
        if function := self.declared.get(name):
            self._used.add(function)
            return self.terms.make(function, *parts)
        if not parts and (name in ("true", "false") or NUMERAL.fullmatch(name)):
            return make(name)
        if name == "ite" and len(sorts) == 3 and sorts[0] == "Bool" and sorts[1] == sorts[2]:
            return make(name, *parts)
        if (
            name in PAIRED
            and len(parts) > 1
            and len({*sorts, *(["Int"] if PAIRED[name][0] == "<=" else [])}) == 1
        ):
            atom, turned, negated = PAIRED[name]
            pairs = combinations(parts, 2) if name == "distinct" else pairwise(parts)
            found = [make(atom, *(pair[::-1] if turned else pair)) for pair in pairs]
            found = [make("not", p) for p in found] if negated else found
            return make("and", *found) if len(found) > 1 else found[0]
        if set(sorts) == {"Int"} and len(parts) >= INTEGER.get(name, LIMIT):
            return make(name, *parts)
        if (
            set(sorts) != {"Bool"}
            or len(parts) < CONNECTIVES.get(name, LIMIT)
            or (name == "not" and parts[1:])
        ):
            raise Refused(f"there is no {name} of ({' '.join(sorts)})")
        if name == "=>":
            return make("or", *(make("not", p) for p in parts[:-1]), parts[-1])
        return (
            reduce(lambda a, b: make("not", make("=", a, b)), parts) if name == "xor" else make(name, *parts)
        )


def by_equality(terms: Terms, clause: Clause) -> bool:
    """Whether a clause holds in every structure: its negation, closed under congruence, contradicts itself."""
    leader: dict[int, int] = {}

    def find(term: int) -> int:
        while term in leader:
            term = leader[term]
        return term

    def merge(one: int, other: int) -> bool:
        one, other = find(one), find(other)
        if one != other:
            leader[one] = other
        return one != other

    equal: list[tuple[int, ...]] = []
    different: list[tuple[int, ...]] = [(terms.true, terms.false)]
    for literal in clause:
        if terms.name(abs(literal)) == "=":
            left, right = terms.parts[abs(literal)]
            (equal if literal < 0 else different).append((left, right))
        else:
            equal.append((abs(literal), terms.true if literal < 0 else terms.false))
    inside, waiting = set[int](), [t for pair in (*equal, *different) for t in pair]
    while waiting:
        if (term := waiting.pop()) not in inside:
            inside.add(term)
            waiting += terms.parts[term]
    different += combinations((t for t in inside if NUMERAL.fullmatch(terms.name(t))), 2)
    changed = any([merge(*pair) for pair in equal])
    while changed:
        same: dict[object, int] = {}
        keys = [((terms.heads[t], *map(find, terms.parts[t])), t) for t in inside if terms.parts[t]]
        changed = any([merge(same.setdefault(key, t), t) for key, t in keys])
    return any(find(one) == find(other) for one, other in different)


def as_sum(terms: Terms, literal: int) -> dict[int, int]:
    """What a literal about integers says: 0 <= sum, or 0 = sum. How often each term is in it; the term 0 is the number one."""
    left, right = terms.parts[abs(literal)]
    total: dict[int, int] = defaultdict(int, {0: 0 if literal > 0 else -1})  # not (a <= b) is 0 <= a - b - 1
    total[left] -= 1 if literal > 0 else -1
    total[right] += 1 if literal > 0 else -1
    waiting = [left, right]
    while waiting:  # a term is larger than its parts, and so is taken apart once
        waiting.sort()
        term = waiting.pop()
        name, parts, times = terms.name(term), terms.parts[term], total.pop(term, 0)
        known = [int(terms.name(p)) if NUMERAL.fullmatch(terms.name(p)) else None for p in parts]
        if NUMERAL.fullmatch(name):
            inside = [(int(name), 0)]
        elif name == "*" and len(parts) == 2 and None in known and known != [None, None]:
            inside = [(known[0] or known[1] or 0, parts[known.index(None)])]
        elif name in ("+", "-"):
            inside = [(-1 if name == "-" and (i or len(parts) == 1) else 1, p) for i, p in enumerate(parts)]
        else:
            total[term] = times
            continue
        for factor, part in inside:
            total[part] += times * factor
            waiting += [part] if part and part not in waiting else []
    return {term: times for term, times in total.items() if times}


def by_arithmetic(terms: Terms, clause: Clause, factors: Sequence[int]) -> bool:
    """Whether a clause holds of integers since what its negation says, each so many times, adds up to 0 <= a negative number."""
    total: dict[int, int] = defaultdict(int)
    for literal, factor in zip(clause, factors, strict=True):
        name, sorts = terms.name(abs(literal)), terms.sorts(terms.parts[abs(literal)])
        if not (name == "<=" and factor > 0) and not (
            name == "=" and literal < 0 and sorts == ("Int", "Int")
        ):
            return False
        for term, times in as_sum(terms, -literal).items():
            total[term] += factor * times
    return total.pop(0, 0) < 0 and not any(total.values())


def in_order(terms: Terms, equation: int) -> Clause:
    """The clause that two integers are equal, or one is not at most the other."""
    parts = terms.parts[equation]
    if terms.name(equation) != "=" or terms.sorts(parts) != ("Int", "Int"):
        raise Refused("an equality of integers is expected")
    return equation, -terms.theory("<=", *parts), -terms.theory("<=", *parts[::-1])


class Certificate:
    """A certificate that is read against a script: the terms and clauses that it has come to."""

    def __init__(self, script: Script) -> None:
        self.script, self.terms, self.named, self.clauses = script, script.terms, list[int](), list[Clause]()

    def line(self, words: list[str]) -> None:
        """Take one line. Raises Refused if it does not follow."""
        if self.clauses and not self.clauses[-1]:
            raise Refused("something follows the empty clause")
        match words:
            case ["t", head, *parts]:
                self.named.append(self._term(head, [self._known(p) for p in parts]))
                return
            case ["i", which, *values]:
                clause = self._instance(which, [self._known(v) for v in values])
            case ["e", *literals] if by_equality(self.terms, clause := self._clause(literals)):
                pass
            case ["l", *pairs] if by_arithmetic(
                self.terms,
                clause := self._clause(pairs[1::2]),
                [self._number(f) for f in pairs[: len(pairs) // 2 * 2 : 2]],
            ):
                pass
            case ["o", equation]:
                clause = in_order(self.terms, self._known(equation))
            case ["u", *rest] if ":" in rest:
                clause = self._clause(rest[: rest.index(":")])
                self._propagate(clause, [self._number(h) for h in rest[rest.index(":") + 1 :]])
            case _:
                raise Refused("the line does not hold")
        self.clauses.append(clause)

    def _number(self, word: str) -> int:
        if not re.fullmatch("-?[1-9][0-9]{0,8}", word):
            raise Refused(f"{word} is no number")
        return int(word)

    def _known(self, word: str) -> int:
        if not 0 < self._number(word) <= len(self.named):
            raise Refused(f"there is no term {word} so far")
        return self.named[int(word) - 1]

    def _clause(self, words: Sequence[str]) -> Clause:
        terms = [self._known(word.removeprefix("-")) for word in words]
        if {*self.terms.sorts(terms)} - {"Bool"}:
            raise Refused("a literal is not a formula")
        return tuple(-term if word[0] == "-" else term for word, term in zip(words, terms, strict=True))

    def _term(self, head: str, parts: Sequence[int]) -> int:
        if head[0] != "@":
            return self.script.apply(head, parts)
        number, _, place = head[1:].partition(".")
        if number == "0" and not parts:
            return self.terms.some(self.script.sort(place))
        made = self.script.flat(self._number(number)).made
        if not 0 < self._number(place) <= len(made):
            raise Refused(f"there is no symbol {head}")
        return self.terms.make(made[int(place) - 1], *parts)

    def _instance(self, which: str, values: Sequence[int]) -> Clause:
        number, _, place = which.partition(".")
        clauses = self.script.flat(self._number(number)).clauses
        if not 0 < self._number(place) <= len(clauses):
            raise Refused(f"there is no clause {which}")
        clause = clauses[int(place) - 1]
        variables = self.terms.variables(abs(x) for x in clause)
        if self.terms.sorts(variables) != self.terms.sorts(values):
            raise Refused(f"clause {which} is about ({' '.join(self.terms.sorts(variables))})")
        return self.terms.instance(clause, dict(zip(variables, values, strict=True)))

    def _propagate(self, clause: Clause, hints: Sequence[int]) -> None:
        """A clause follows if its negation, and the one literal that each hint has left, leave the last hint none."""
        held, left = {-x for x in clause}, {0}
        for hint in hints:
            if not left or not 0 < hint <= len(self.clauses):
                raise Refused(f"{hint} is no clause so far, or follows the contradiction")
            left = {x for x in self.clauses[hint - 1] if -x not in held}
            if len(left) > 1 or left & held:
                raise Refused(f"clause {hint} has not one literal left")
            held |= left
        if left:
            raise Refused("the hints end without a contradiction")


class Checker:
    """Checks certificates against scripts, and keeps what it read for the next."""

    def __init__(self) -> None:
        self.terms, self._memory = Terms(), dict[str, tuple[frozenset[Symbol], int]]()

    def script(self, text: str) -> Script:
        """A script, read. Raises Refused, with the line of the script."""
        return Script(text, self.terms, self._memory)

    def check(self, script: Script, certificate: str) -> None:
        """Raise Refused, with the line of the certificate, unless it shows that the script has no model."""
        reading, lines = Certificate(script), certificate.splitlines()
        for number, line in enumerate(lines, 1):
            try:
                reading.line(re.findall(r"(?:\|[^|]*\||[^ |])+", line) if "|" in line else line.split(" "))
            except Refused as problem:
                raise Refused(problem.why, number) from None
        if not reading.clauses or reading.clauses[-1]:
            raise Refused("the certificate does not come to the empty clause", len(lines))
