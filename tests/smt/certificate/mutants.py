"""Certificates with a line dropped or a token changed, and obligations with an axiom weakened, one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from ratified.certified import DECLARED, Flattening, Script, Symbol, Terms
from ratified.smt.certificate.folder import ARCHIVE, _unpacked
from tests.smt.certificate.committed import folder_of

PROTOCOLS = ("two-phase-commit", "paxos", "failover", "reweighted")
"""A protocol without quorums, one with quorums and an order, one with integers, one that multiplies them."""

WEAK = "weak!"
"""The proposition with which axioms are weakened."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """An obligation and a certificate, one of them changed: `what` says how, `kind` what kind of change that is."""

    kind: str
    what: str
    text: str
    lines: str


@cache
def committed(protocol: str) -> tuple[tuple[str, str, str], ...]:
    """The obligations of a bundled protocol: name, text, certificate."""
    files = {name: content.decode() for name, content in _unpacked(folder_of(protocol) / ARCHIVE)}
    names = [name.removesuffix(".smt2") for name in files if name.endswith(".smt2")]
    return tuple((name, files[f"{name}.smt2"], files[f"{name}.proof"]) for name in names)


def mutants_of(text: str, lines: str) -> Iterator[Mutant]:
    """Every mutant of a certificate and of its obligation."""
    yield from without_a_line(text, lines)
    yield from with_a_token_changed(text, lines)
    yield from with_an_axiom_weakened(text, lines)


def without_a_line(text: str, lines: str) -> Iterator[Mutant]:
    """The certificate, each time without one of its lines."""
    every = lines.splitlines(keepends=True)
    for place, line in enumerate(every):
        what = f"line {place + 1}: {line.strip()}"
        yield Mutant("line", what, text, "".join(every[:place] + every[place + 1 :]))


def with_a_token_changed(text: str, lines: str) -> Iterator[Mutant]:
    """The certificate, each time with one token that is another one of its kind."""
    functions = re.findall(r"declare-fun (\S+)", text)
    every = lines.splitlines()
    for row, line in enumerate(every):
        words = line.split(" ")
        for column, word in enumerate(words):
            for other in _others(word, column, words, functions):
                changed = " ".join([*words[:column], other, *words[column + 1 :]])
                rest = "\n".join([*every[:row], changed, *every[row + 1 :]])
                if changed != line:
                    yield Mutant(
                        f"token: {_role(words, column)}",
                        f"line {row + 1}: {line}  ->  {changed}",
                        text,
                        f"{rest}\n",
                    )


def _role(words: list[str], column: int) -> str:
    """What a token is for."""
    if column == 0:
        return "the kind of a line"
    match words[0]:
        case "t":
            return "the function of a term" if column == 1 else "an argument of a term"
        case "i":
            return "the assertion or clause of an instance" if column == 1 else "a value of an instance"
        case "u" if column > words.index(":"):
            return "a hint"
        case "u" if column < words.index(":"):
            return "a literal of a step"
        case "u":
            return "the colon"
    return "a literal of a lemma"


def _others(word: str, column: int, words: list[str], functions: list[str]) -> Iterator[str]:
    if column == 0:
        yield from ("t", "i", "e", "l", "o", "u", "x")
        return
    if word == ":":
        yield from ("1", "-1", "::")
        return
    if words[0] == "t" and column == 1:
        at = functions.index(word) if word in functions else -1
        yield from {
            functions[(at + 1) % len(functions)],
            functions[(at - 1) % len(functions)],
            "true",
            "=",
            "@1.1",
        } - {word}
        return
    if "." in word:
        assertion, _, place = word.partition(".")
        yield from (
            f"{int(assertion) + 1}.{place}",
            f"{assertion}.{int(place) + 1}",
            f"{assertion}.0",
            assertion,
        )
        return
    if "*" in word:
        factors = word.split("*")
        yield "*".join(factors[:-1])
        yield "*".join([*factors, factors[-1]])
        for at, factor in enumerate(factors):
            for other in _others(factor, column, words, functions):
                yield "*".join([*factors[:at], other, *factors[at + 1 :]])
        return
    number = abs(int(word))
    sign = "-" if word[0] == "-" else ""
    yield from (
        f"{sign}{number + 1}",
        f"{sign}{number - 1}",
        f"-{number}" if not sign else str(number),
        "0",
        "x",
    )


def with_an_axiom_weakened(text: str, lines: str) -> Iterator[Mutant]:
    """The obligation, each time with a part of an assertion that the certificate uses made weaker by a new proposition.

    What stands for truth is put in a disjunction with it, what stands for falsehood in a conjunction. (No name of an obligation
    of a bundled protocol has a parenthesis or a space in it.)
    """
    used = {int(n) for n in re.findall(r"^i (\d+)\.", lines, flags=re.MULTILINE)}
    every = text.splitlines()
    places = [i for i, line in enumerate(every) if line.startswith("(assert ")]
    first = next(i for i, line in enumerate(every) if line.startswith("(declare-fun") or i in places)
    for number in sorted(used):
        place = places[number - 1]
        for weaker, part in _weaker(_parsed(every[place])[1], positive=True):
            changed = [*every[:place], f"(assert {_text(weaker)})", *every[place + 1 :]]
            new = "\n".join([*changed[:first], f"(declare-fun {WEAK} () Bool)", *changed[first:]]) + "\n"
            yield Mutant("axiom", f"assertion {number}: {_text(part)}", new, lines)


def _parsed(text: str) -> list[object]:
    stack: list[list[object]] = [[]]
    for word in re.findall(r"[()]|[^\s()]+", text):
        if word == "(":
            stack.append([])
        elif word == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    found = stack[0][0]
    assert isinstance(found, list)
    return found


def _text(tree: object) -> str:
    return f"({' '.join(map(_text, tree))})" if isinstance(tree, list) else str(tree)


def _weaker(tree: object, *, positive: bool) -> Iterator[tuple[object, object]]:
    """A formula that is weaker, and the part of it that was made so."""
    yield ["or" if positive else "and", tree, WEAK], tree
    if not isinstance(tree, list):
        return
    head = tree[0]
    if head in ("and", "or", "not"):
        for place, part in enumerate(tree[1:], 1):
            for weaker, what in _weaker(part, positive=positive is (head != "not")):
                yield [*tree[:place], weaker, *tree[place + 1 :]], what
    elif head in ("forall", "exists"):
        for weaker, what in _weaker(tree[2], positive=positive):
            yield [head, tree[1], weaker], what


def instances_of(text: str, lines: str) -> str:
    """The instances that an accepted certificate has, as a script of their own: they have to contradict each other."""
    script = Script(text, Terms())
    terms, named, found = script.terms, list[int](), list[str]()
    symbols: dict[str, str] = {}

    def flat(number: str) -> Flattening:
        formula = script.assertions[int(number) - 1]
        return terms.flat.get(formula) or Flattening(terms, formula)

    def shown(term: int) -> str:
        symbol, parts = terms.heads[term], terms.parts[term]
        name = symbol.name if symbol.owner <= 0 else f"new{symbol.owner}.{symbol.name[1:]}"
        if symbol.owner > 0:
            symbols[name] = f"(declare-fun {name} ({' '.join(symbol.arguments)}) {symbol.result})"
        return f"({' '.join([name, *map(shown, parts)])})" if parts else name

    for line in lines.splitlines():
        kind, head, *rest = line.split(" ")
        if head.startswith("@0."):
            sort = script.sort(head.removeprefix("@0."))
            named.append(terms.make(Symbol(head.replace("@0.", "some."), (), sort, DECLARED)))
            symbols[head] = f"(declare-const some.{sort} {sort})"
        elif kind == "t" and head[0] == "@":
            number, _, place = head[1:].partition(".")
            named.append(terms.make(flat(number).made[int(place) - 1], *(named[int(p) - 1] for p in rest)))
        elif kind == "t":
            named.append(script.apply(head, tuple(named[int(p) - 1] for p in rest)))
        elif kind == "i":
            number, _, place = head.partition(".")
            clause = flat(number).clauses[int(place) - 1]
            values = dict(
                zip(terms.variables(map(abs, clause)), (named[int(v) - 1] for v in rest), strict=True)
            )
            literals = [terms.replace(x, values) if x > 0 else -terms.replace(-x, values) for x in clause]
            body = " ".join(shown(x) if x > 0 else f"(not {shown(-x)})" for x in literals)
            found.append(f"(assert (or false {body}))")
    declared = [line for line in text.splitlines() if line.startswith("(declare-")]
    return "\n".join([*declared, *symbols.values(), *found]) + "\n"
