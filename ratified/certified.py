"""The checker of certificates: whether what is written down shows that an SMT-LIB 2 script has no model.

Guarantees: a certificate is accepted only if the assertions of its script, as SMT-LIB 2.6 reads them, cannot all be true. It has
their instances, clauses that hold by equality or by arithmetic alone, and others that follow by unit propagation, the last one
empty. What is not understood is refused, with its line. docs/certificates.md has the format, and each step here in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, combinations, count, pairwise, product
from typing import Any, NamedTuple

WORD, NUMBER = r"[A-Za-z0-9~!@$%^&*_+=<>.?/-]+", re.compile(r"[1-9][0-9]{0,8}")
SYMBOL, NUMERAL = re.compile(rf"(?![0-9@.]){WORD}"), re.compile(r"0|[1-9][0-9]{0,999}")
TOKEN = re.compile(rf'(?:[ \t\r\n]+|;[^\r\n]*)+|([()]|"(?:[^"]|"")*"|\|[^|\\]*\||:?{WORD})')
MANY, HUGE = 200_000, 10**10_000  # steps to flatten a formula or to add products up; how large numbers are
INTEGER, RESERVED = ("-", "+", "*", "div", "mod"), {"!", "_", "as", "let", "forall", "exists", "match", "par"}
OPERATORS = {"not": ("Bool", 1, 1), "xor": ("Bool", 2, 2), "=>": ("Bool", 2, MANY), "-": ("Int", 1, MANY)}
OPERATORS |= dict.fromkeys(("and", "or"), ("Bool", 1, MANY)) | dict.fromkeys(("=", "distinct"), ("", 2, MANY))
OPERATORS |= dict.fromkeys(("<=", "<", ">=", ">", *INTEGER[1:]), ("Int", 2, MANY))  # sort, fewest, most
TAKEN = {*OPERATORS, *RESERVED, "ite", "true", "false", "abs", "Bool", "Int"}
DECLARED, THEORY, VARIABLE = 0, -1, -2  # where a symbol is from; from 1 on: the formula it was made for
Expression = Any  # a token, or the list of expressions between two parentheses
Clause = tuple[int, ...]  # of literals: a formula, negative if it is negated


class CertificateRejected(Exception):
    """What was given does not show what it should: in which line, and why."""


def need(condition: object, why: str) -> None:
    """Refuse what does not meet a condition."""
    if not condition:
        raise CertificateRejected(why)


class Symbol(NamedTuple):
    """A function: its name, the sorts of its arguments and of its result, and where it is from."""

    name: str
    arguments: tuple[str, ...]
    result: str
    owner: int


class Terms:
    """Terms and formulas: each is made once and called by its number. Formulas are of `not`, `and`, `forall` and atoms."""

    def __init__(self) -> None:
        self.heads, self.parts, self.free = list[Symbol](), list[tuple[int, ...]](), list[frozenset[int]]()
        self.known, self.flat = dict[tuple[Symbol | str, tuple[int, ...]], int](), dict[int, Flattening]()
        self.names, self.memory = list[str](), dict[str, Any]()  # words of the language; commands once read
        self.one, self.true, self.false = (self.make(name) for name in ("1", "true", "false"))

    def make(self, head: Symbol | str, *parts: int) -> int:
        """The term of a symbol, or of one of the language itself. The sides of an equality have no order."""
        key = head, (parts := tuple(sorted(parts)) if head == "=" else parts)
        if key not in self.known:
            if isinstance(head, str):
                sort = "Int" if head in INTEGER or NUMERAL.fullmatch(head) else "Bool"
                sort = self.heads[parts[1]].result if head == "ite" else sort
                head = Symbol(head, self.sorts(parts), sort, THEORY)
            need(self.sorts(parts) == head.arguments, f"{head.name} is not for terms of these sorts")
            free = frozenset([len(self.heads)] if head.owner == VARIABLE else ())
            bound = parts[:-1] if head.owner == THEORY and head.name == "forall" else ()
            self.free.append(free.union(*(self.free[p] for p in parts)).difference(bound))
            self.heads.append(head)
            self.names.append(head.name if head.owner == THEORY else "")
            self.parts.append(parts)
            self.known[key] = len(self.heads) - 1
        return self.known[key]

    def any(self, *formulas: int) -> int:
        """The disjunction of formulas."""
        return self.make("not", self.make("and", *(self.make("not", f) for f in formulas)))

    def choice(self, test: int, then: int, orelse: int) -> int:
        """The formula that is one formula if the test is true, and another if it is false."""
        return self.make("and", self.any(self.make("not", test), then), self.any(test, orelse))

    def sorts(self, terms: Iterable[int]) -> tuple[str, ...]:
        """The sorts of terms."""
        return tuple([self.heads[t].result for t in terms])

    def variables(self, terms: Iterable[int]) -> tuple[int, ...]:
        """The free variables of terms, in the order of their binders."""
        return tuple(sorted({v for t in terms for v in self.free[t]}, key=lambda v: int(self.heads[v].name)))

    def replace(self, term: int, done: dict[int, int]) -> int:
        """A term with others in place of some in it. Each binder has variables of its own, so that none is captured."""
        if done and term not in done:
            parts = [self.replace(p, done) for p in self.parts[term]]
            done[term] = self.make(self.names[term] or self.heads[term], *parts)
        return done.get(term, term)

    def inside(self, term: int) -> int:
        """The first `ite` in an atom, or formula that is neither a variable nor true nor false; 0 if there is none."""
        for part in self.parts[term]:
            head = self.heads[part]
            formula = head.result == "Bool" and head.owner != VARIABLE and part > self.false
            if found := part if formula or self.names[part] == "ite" else self.inside(part):
                return found
        return 0

    def by_equality(self, clause: Clause) -> bool:
        """Whether a clause holds in every structure: its negation, closed under congruence, contradicts itself."""
        equal, different = list[tuple[int, ...]](), list[tuple[int, ...]]([(self.true, self.false)])
        for literal in clause:
            pair = self.parts[abs(literal)] if self.names[abs(literal)] == "=" else (abs(literal), self.true)
            (equal if literal < 0 else different).append(pair)
        leader, new = dict[int, int](), {term for pair in (*equal, *different) for term in pair}
        while new:
            leader |= {term: term for term in new}
            new = {part for term in new for part in self.parts[term]} - leader.keys()
        different += combinations([t for t in leader if NUMERAL.fullmatch(self.names[t])], 2)
        while equal:
            for one, other in equal:
                leader |= dict.fromkeys([t for t in leader if leader[t] == leader[one]], leader[other])
            same: dict[object, int] = {}
            keys = {t: (self.heads[t], *(leader[p] for p in self.parts[t])) for t in leader}
            equal = [(t, o) for t, key in keys.items() if leader[t] != leader[o := same.setdefault(key, t)]]
        return any(leader[one] == leader[other] for one, other in different)

    def added(self, products: Iterable[Clause]) -> dict[Clause, int]:
        """Products of integers, multiplied out and added up. A literal is what is at least 0 (of `=`: is 0) if it is false."""
        total, steps, waiting = dict[Clause, int](), count(), [(1, Clause(), factors) for factors in products]
        while waiting:
            times, done, factors = waiting.pop()
            need(next(steps) < MANY and len(factors + done) < 100 and abs(times) < HUGE, "a sum is too large")
            head, rest = (*factors, 0)[0], factors[1:]
            name, sides = self.names[abs(head)], self.parts[abs(head)][:: 1 if head > 0 else -1]
            if not factors:
                total[done] = total.get(done, 0) + times
            elif name in ("+", "-", "<=", "="):
                waiting += [(times if sides[1:] else -times, done, (sides[0], *rest))]
                waiting += [(times if name == "+" else -times, done, (side, *rest)) for side in sides[1:]]
                waiting += [(-times, done, rest)] if name == "<=" and head > 0 else []
            elif name == "*" or NUMERAL.fullmatch(name):
                waiting += [(times if sides else times * int(name), done, sides + rest)]
            else:
                waiting += [(times, tuple(sorted((*done, head))), rest)]
        return {factors: times for factors, times in total.items() if times}

    def by_arithmetic(self, products: Sequence[Clause]) -> bool:
        """Whether literals hold of integers: if all were false, products that are at least 0 would add up to less."""
        for factors in products:
            names = [(x, self.names[abs(x)]) for x in factors]
            zero = {x for x, n in names if n == "=" and x < 0 and self.sorts(self.parts[-x])[0] == "Int"}
            least = {x for x, n in names if n == "<=" or (x > 0 and NUMERAL.fullmatch(n))}
            whole = {x for x in factors if zero and x > 0 and self.heads[x].result == "Int"}
            need({*factors} == zero | least | whole, "a product of integers that is at least 0 is expected")
        return (total := self.added(products)).keys() == {()} and total[()] < 0

    def of_integers(self, literal: int) -> Clause:
        """Of `a = b`: or one is less. Of `k <= x div y`, or its negation: so is `k * y <= x`, or y is not positive."""
        name, make, (a, b, *_) = self.names[abs(literal)], self.make, (*self.parts[abs(literal)], 0, 0)
        if name == "=" and literal > 0 and self.heads[a].result == "Int":
            return literal, -make("<=", a, b), -make("<=", b, a)
        if name != "<=" or self.names[b] != "div" or len(over := self.parts[b]) != 2:
            return ()
        same = make("<=", make("*", a, over[1]), over[0])
        return literal, make("<=", over[1], make("0")), -same if literal > 0 else same


class Flattening:
    """A formula as clauses that hold for all values of their variables, and have a model exactly if the formula has one."""

    def __init__(self, terms: Terms, formula: int) -> None:
        self.terms, self.steps, self.number = terms, count(), formula
        self.made, self.named = list[Symbol](), list[Clause]()
        self.clauses = [*self.of(formula, True), *self.named]
        terms.flat[formula] = self

    def new(self, formula: int, result: str) -> int:
        """A new function, of the variables that are free in a formula."""
        free = self.terms.variables([formula])
        self.made.append(Symbol(f"@{len(self.made) + 1}", self.terms.sorts(free), result, self.number))
        return self.terms.make(self.made[-1], *free)

    def of(self, term: int, positive: bool) -> list[Clause]:
        """The clauses of a formula, or of its negation."""
        need(next(self.steps) < MANY, "an assertion is too large when it is flattened")
        terms, parts = self.terms, self.terms.parts[term]
        match terms.names[term]:
            case "true" | "false" as value:
                return [] if (value == "true") is positive else [()]
            case "not":
                return self.of(parts[0], not positive)
            case "and":
                several = [self.of(part, positive) for part in parts]
                return [*chain(*several)] if positive else self.any(parts, several)
            case "forall":
                witnesses = {v: self.new(term, terms.heads[v].result) for v in parts[:-1] if not positive}
                return self.of(terms.replace(parts[-1], witnesses), positive)
        if not (inside := terms.inside(term)):
            return [(term if positive else -term,)]
        how = terms.parts[inside] if terms.names[inside] == "ite" else (inside, terms.true, terms.false)
        return self.of(terms.choice(how[0], *(terms.replace(term, {inside: v}) for v in how[1:])), positive)

    def any(self, operands: Sequence[int], found: list[list[Clause]]) -> list[Clause]:
        """The clauses of a disjunction, multiplied out; but several operands of several clauses are named, and named only."""
        several = [place for place, clauses in enumerate(found) if len(clauses) > 1]
        for place in several if len(several) > 1 else ():
            name = self.new(operands[place], "Bool")
            self.named += [(-name, *clause) for clause in found[place]]
            found[place] = [(name,)]
        return [tuple(dict.fromkeys(x for clause in one for x in clause)) for one in product(*found)]


class Script:
    """An SMT-LIB 2 script, read: what it declares, what it asserts. Raises CertificateRejected, with its line."""

    def __init__(self, text: str, terms: Terms) -> None:
        self.terms, self.assertions, self._asked = terms, list[int](), False
        self._declared = {f"sort {s}": Symbol(f"sort {s}", (), "", DECLARED) for s in ("Bool", "Int")}
        inside, at, start = [list[Expression]()], 0, 0
        try:
            while at < len(text):
                start = at if (outside := len(inside) == 1) else start
                if outside and text[at] == "(" and self._again(line := text[at : text.find("\n", at)]):
                    at += len(line)
                    continue
                if not (found := TOKEN.match(text, at)):
                    raise CertificateRejected(f"{text[at]!r} begins no token")
                at, word = found.end(), found[1]
                need(not outside or word in (None, "("), f"{word} stands where a command should")
                if word == "(":
                    inside.append([])
                elif word == ")":
                    inside[-2].append(inside.pop())
                    if len(inside) == 1:
                        self._command(inside[0].pop(), text[start:at])
                elif word:
                    bare = word[1:-1] if word[0] == "|" else ""
                    inside[-1].append(bare if SYMBOL.fullmatch(bare) and bare not in RESERVED else word)
            need(self._asked and not inside[1:], "the script ends before (check-sat), or in a command")
        except (CertificateRejected, RecursionError) as problem:
            raise CertificateRejected(f"line {text.count(chr(10), 0, at) + 1}: {problem}") from None

    def _command(self, command: Expression, text: str) -> None:
        self._numbers, self._used, symbols, formulas = count(1), set[Symbol](), list[Symbol](), list[int]()
        match command:
            case ["set-logic" | "set-info" | "set-option", str(), *_] | ["exit"]:
                return
            case _ if self._asked:
                raise CertificateRejected("something is said after (check-sat)")
            case ["check-sat"]:
                self._asked = True
                return
            case ["declare-sort", name, "0"]:
                symbols = [Symbol(f"sort {self._name(name)}", (), "", DECLARED)]
            case ["declare-fun", name, list(parts), sort]:
                symbols = [Symbol(self._name(name), tuple(map(self.sort, parts)), self.sort(sort), DECLARED)]
            case ["assert", formula]:
                formulas = [self.apply("and", (self._term(formula, {}),))]
            case _:
                raise CertificateRejected("the command is not understood")
        self.terms.memory[text] = {s.name: s for s in self._used}, {s.name: s for s in symbols}, formulas
        need(self._again(text), f"{command[1]} is declared twice")

    def _again(self, text: str) -> bool:
        """Do a command that was read before; False if it cannot be done here, or does not mean the same."""
        used, symbols, formulas = self.terms.memory.get(text, ({"": None}, {}, []))
        twice = symbols.keys() & self._declared.keys()
        if twice or self._asked or not used.items() <= self._declared.items():
            return False
        self._declared.update(symbols)
        self.assertions += formulas
        return True

    def _name(self, name: Expression) -> str:
        """A name that may be given: not the language's own, nor one for solvers (SMT-LIB 2.6, section 3.1)."""
        symbol = isinstance(name, str) and (name[0] == "|" or SYMBOL.fullmatch(name))
        need(symbol and name not in TAKEN, "a name is expected that can be given")
        return str(name)

    def sort(self, name: Expression) -> str:
        """A sort that was declared."""
        need(isinstance(name, str) and f"sort {name}" in self._declared, "a sort is expected, as declared")
        self._used.add(self._declared[f"sort {name}"])
        return str(name)

    def _term(self, e: Expression, scope: Mapping[str, int]) -> int:
        match e:
            case str():
                return scope[e] if e in scope else self.apply(e, ())
            case ["let", [_, *_] as pairs, body]:
                return self._term(body, {**scope, **self._bind(pairs, lambda e: self._term(e, scope))})
            case ["forall" | "exists" as name, [_, *_] as pairs, body]:
                make, new = self.terms.make, self._numbers
                bound = self._bind(pairs, lambda e: make(Symbol(f"{next(new)}", (), self.sort(e), VARIABLE)))
                formula, sign = self._term(body, {**scope, **bound}), "not" if name == "exists" else "and"
                return make(sign, make("forall", *bound.values(), self.apply(sign, (formula,))))
            case [str(name), _, *_] if name not in scope:
                return self.apply(name, tuple(self._term(part, scope) for part in e[1:]))
        raise CertificateRejected("a term is not understood")

    def _bind(self, pairs: Sequence[Expression], means: Callable[[Expression], int]) -> dict[str, int]:
        need(all(isinstance(pair, list) and len(pair) == 2 for pair in pairs), "a binder has pairs")
        bound = {self._name(name): means(e) for name, e in pairs}
        need(len(bound) == len(pairs), "a binder names nothing twice")
        return bound

    def apply(self, name: str, parts: tuple[int, ...]) -> int:
        """A function that was declared, or an operation of the language, of terms. CertificateRejected if they do not fit."""
        make, choice, sorts = self.terms.make, self.terms.choice, self.terms.sorts(parts)
        if function := self._declared.get(name):
            self._used.add(function)
            return make(function, *parts)
        if not parts and (name in ("true", "false") or NUMERAL.fullmatch(name)):
            return make(name)
        if name == "ite" and len(parts) == 3 and sorts[0] == "Bool" and sorts[1] == sorts[2]:
            return choice(*parts) if sorts[1] == "Bool" else make(name, *parts)
        sort, fewest, most = OPERATORS.get(name, ("", 1, 0))
        need(fewest <= len(parts) <= most and {*sorts} == {sort or sorts[0]}, f"{name} does not take these")
        if name in ("or", "=>"):
            return self.terms.any(*(make("not", p) if name == "=>" else p for p in parts[:-1]), parts[-1])
        if name in ("and", "not", *INTEGER):
            return make(name, *parts)
        atom, found = "<=" if "<" in name or ">" in name else "=", []
        for pair in combinations(parts, 2) if name == "distinct" else pairwise(parts):
            left, right = pair[::-1] if name in ("<", ">=") else pair
            made = choice(left, right, make("not", right)) if sorts[0] == "Bool" else make(atom, left, right)
            found.append(make("not", made) if name in ("distinct", "xor", "<", ">") else made)
        return make("and", *found) if len(found) > 1 else found[0]

    def _flat(self, number: str) -> Flattening:
        return self.terms.flat.get(f := pick(number, self.assertions)) or Flattening(self.terms, f)

    def made(self, head: str, parts: tuple[int, ...]) -> int:
        """A term: of a symbol of the script; `@A.N` is the N-th made for assertion A, `@0.SORT` any of a sort (none is empty)."""
        number, _, name = head[1:].partition(".")
        if head[:1] != "@":
            return self.apply(head, parts)
        some = Symbol(head, (), self.sort(name), DECLARED) if number == "0" else None
        return self.terms.make(some or pick(name, self._flat(number).made), *parts)

    def follows(self, words: list[str], named: list[int], clauses: list[Clause]) -> Clause:
        """The clause that a line states, if it does follow."""
        terms, clause, ok = self.terms, Clause(), False

        def signed(words: Iterable[str]) -> Clause:
            return tuple(pick(w.removeprefix("-"), named) * (-1 if w[:1] == "-" else 1) for w in words)

        match words:
            case ["i", which, *values]:
                number, _, place = which.partition(".")
                clause = pick(place, self._flat(number).clauses)
                free, chosen = terms.variables(map(abs, clause)), [pick(value, named) for value in values]
                need(terms.sorts(free) == terms.sorts(chosen), "the clause is not of values of these sorts")
                done = dict(zip(free, chosen, strict=True))
                return tuple(terms.replace(x, done) if x > 0 else -terms.replace(-x, done) for x in clause)
            case ["e", *rest]:
                ok = terms.by_equality(clause := signed(rest))
            case ["l", *rest]:
                ok = terms.by_arithmetic(products := [signed(word.split("*")) for word in rest])
                clause = tuple(x for x in chain(*products) if terms.sorts([abs(x)]) == ("Bool",))
            case ["o", word]:
                ok = bool(clause := terms.of_integers(signed([word])[0]))
            case ["u", *rest] if ":" in rest:
                clause = signed(rest[: rest.index(":")])
                ok = propagates(clause, [pick(hint, clauses) for hint in rest[rest.index(":") + 1 :]])
        formulas = {*terms.sorts(map(abs, clause))} <= {"Bool"}
        need(ok and formulas, "the line does not hold, or is not understood")
        return clause


def propagates(clause: Clause, hints: Iterable[Clause]) -> bool:
    """Whether the negation of a clause, and the one literal that is left of each hint in turn, leave nothing of the last."""
    held, left = {-x for x in clause}, {0}
    for hint in hints:
        before, left = left, {x for x in hint if -x not in held}
        if not before or len(left) > 1 or left & held:
            return False  # a hint after the contradiction, or one that says nothing new
        held |= left
    return not left


def pick(word: str, found: Sequence[Any]) -> Any:
    """One of a sequence, by its number from 1."""
    need(NUMBER.fullmatch(word) and int(word) <= len(found), f"there is no {word} so far")
    return found[int(word) - 1]


def check(script: Script, certificate: str) -> None:
    """Raise CertificateRejected, with the line of the certificate, unless it shows that the script has no model."""
    named, clauses, (*lines, rest) = list[int](), list[Clause](), certificate.split("\n")
    try:
        for line in lines:
            need(() not in clauses[-1:], "something follows the empty clause")
            words = re.findall(r"(?:\|[^|]*\||[^ |])+", line) if "|" in line else line.split(" ")
            if words[:1] == ["t"] and words[1:]:
                named.append(script.made(words[1], tuple(pick(p, named) for p in words[2:])))
            else:
                clauses.append(script.follows(words, named, clauses))
        need(not rest and () in clauses[-1:], "the certificate ends without the empty clause")
    except (CertificateRejected, RecursionError) as problem:
        raise CertificateRejected(f"line {len(named) + len(clauses) + 1}: {problem}") from None
