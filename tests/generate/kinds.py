"""One fault of each kind that such translations have had, planted into this one's source: which scripts find it, and how.

A fault is a stretch of source and what stands in its place. One that cannot be planted any more (the stretch is gone) is an
error: the table is to follow the translation.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from ratified.language.errors import RatifiedError
from ratified.language.model import Model
from ratified.smt import proving
from ratified.smt.first_order.obligations import Translation
from ratified.smt.script import script_of
from ratified.smt.smtlib import text
from tests.generate.engines import Compared, compared
from tests.generate.planted import all_codes, functions_of, holds, scripts

LOGIC = "ratified.smt.first_order"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: where, the stretch of source, and what stands there instead; perhaps another with it."""

    says: str
    module: str
    old: str
    new: str
    also: Kind | None = None


KINDS = (
    Kind(
        "a name is bound late, or leaks out of its scope",
        f"{LOGIC}.context",
        "return replace(self, env={**self.env, names[0]: value})",
        "self.env.update({names[0]: value})\n            return self",
        Kind(
            "names are not told apart",
            "ratified.language.lower",
            "functions = {key: one(function) for key, function in functions.items()}",
            "functions = {k: f if one is named_apart else one(f) for k, f in functions.items()}",
            Kind(
                "statements share their names",
                f"{LOGIC}.running",
                "made = Context(self.logic, dict(self.env), dict(self.state),",
                "made = Context(self.logic, self.env, dict(self.state),",
                Kind(
                    "names change in place",
                    f"{LOGIC}.statements",
                    "path.env = dict(context.bound(names, context.expr(value)).env)",
                    "context.bound(names, context.expr(value))",
                ),
            ),
        ),
    ),
    Kind(
        "a partial operation counts in a branch that is not taken",
        f"{LOGIC}.context",
        "if test == TRUE or self.hear is unheard:",
        "if True:",
    ),
    Kind(
        "a partial operation has an answer everywhere",
        f"{LOGIC}.context",
        "        if self.hear is unheard:\n            return\n        parts",
        "        if True:\n            return\n        parts",
    ),
    Kind(
        "None is in no universe and no set",
        f"{LOGIC}.variants",
        "return [_none(), *(_present(v) for v in self.variants(item))]",
        "return [_present(v) for v in self.variants(item)]",
    ),
    Kind(
        "bags are compared by what is in them",
        f"{LOGIC}.variants",
        "if count is not None and other is not None:",
        "if False:",
    ),
    Kind(
        "a copy that is taken from a bag takes all",
        f"{LOGIC}.containers",
        "return replace(left, count=fewer)",
        "return replace(left, count=lambda x: choice(same(x, item), Number(0), count(x)))",
    ),
    Kind(
        "the first value of a range is 0",
        f"{LOGIC}.steps",
        "return Atom(choice(within, Number(0), least))",
        "return Atom(Number(0))",
    ),
    Kind(
        "numbered values exist at every size",
        f"{LOGIC}.theory",
        "return known[index], self.at_least(t, index + 1)",
        "return known[index], TRUE",
    ),
    Kind(
        "numbered values are different at every size",
        f"{LOGIC}.theory",
        "fact = implies(enough, neg(equal(made, other)))",
        "fact = neg(equal(made, other))",
    ),
    Kind(
        "an argument and a variable of one name are one",
        f"{LOGIC}.names",
        'return f"arg/{ascii_name(function)}/{ascii_name(name)}"',
        'return f"state/{ascii_name(name)}"',
    ),
    Kind(
        "members of an enum are one symbol",
        f"{LOGIC}.variants",
        'apply(f"{name}={ascii_name(m.name)}", arguments, BOOL)',
        'apply(f"{name}=", arguments, BOOL)',
    ),
    Kind(
        "a loop reads what its other turns have written",
        f"{LOGIC}.turns",
        "if any(_reads(part, v, turn.name, uses) for part in parts for v in written):",
        "if False:",
    ),
    Kind(
        "quorums of the user meet, whatever they are",
        f"{LOGIC}.theory",
        'return self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))',
        'system = self._quorums(name, t.item, self.signature.apply(f"{name}?", (), BOOL))\n'
        '            self.axioms.append(Axiom("they meet", f"{name}/has", meet(system)))\n'
        "            return system",
    ),
    Kind(
        "an assumption is dropped",
        f"{LOGIC}.obligations",
        "self.assumptions.append(Fact(says, self.definitions.plain(formula.term)))",
        "pass",
    ),
    Kind(
        "equal items of a display are read as late as their turns",
        "ratified.language.lower.unroll",
        "found += [ir.Let(loop.span, loop.names, ir.Local(item.span, item.type, name)), *loop.body]",
        "found += [ir.Let(loop.span, loop.names, item), *loop.body]",
    ),
    Kind(
        "the loop over a set display is unrolled in the order of its source",
        "ratified.language.lower.unroll",
        "case ir.MakeSet(items=items) if len(items) <= 1:",
        "case ir.MakeSet(items=items):",
    ),
    Kind(
        "the constant of an inner extremum takes the outer's name",
        "ratified.smt.definite",
        'key = f"{variable.sort} {text(every([variable], fact))}"',
        "key = variable.sort",
    ),
    Kind(
        "a quantifier captures what has the same text",
        "ratified.smt.smtlib",
        "!{len(inside)}",
        "!0",
    ),
    Kind(
        "a map with int keys has all integers for keys",
        f"{LOGIC}.variants",
        "return replace(self.members(t, lambda v, columns: v.within(columns)), typed=True)",
        "return replace(self.members(t, lambda v, columns: TRUE), typed=True)",
    ),
    Kind(
        "a bound that is a text is none",
        f"{LOGIC}.variants",
        "low = TRUE if t.low is None else at_most(self._bound(t.low), term)\n"
        "        return conj(low, TRUE if t.high is None else at_most(term, self._bound(t.high)))",
        "low = TRUE if not isinstance(t.low, int) else at_most(self._bound(t.low), term)\n"
        "        return conj(low, TRUE if not isinstance(t.high, int) else at_most(term, self._bound(t.high)))",
    ),
    Kind(
        "of majorities nothing is known",
        f"{LOGIC}.theory",
        "self.axioms.append(Axiom(says, about, meet(system)))",
        "pass",
    ),
    Kind(
        "what a loop carries is found as the loop leaves it",
        f"{LOGIC}.loops",
        "return Later(lambda: carried.found(place))",
        "return Later(lambda: carried.left())",
    ),
    Kind(
        "the last turn is taken for the first",
        f"{LOGIC}.loops",
        "last=True,",
        "last=False,",
    ),
    Kind(
        "a loop goes on after a return",
        f"{LOGIC}.loops",
        "return [*self._ended(places), *found] if ends else found",
        "return found",
    ),
    Kind(
        "a loop counts all turns",
        f"{LOGIC}.collecting",
        "there = lambda x, k=amount: conj(passes(x), equal(number(x), k))",
        "there = lambda x, k=amount: passes(x)",
    ),
    Kind(
        "items of a loop are read in the state that earlier turns left",
        f"{LOGIC}.turns",
        "if at < len(found) - 1 and uses.reads(node.domain, Which.NOW) & uses.writes(turn.statement):",
        "if False:",
    ),
    Kind(
        "an assertion is skipped",
        f"{LOGIC}.statements",
        "if not path.tried:\n                context.demand(Failing.ERROR",
        "if False:\n                context.demand(Failing.ERROR",
    ),
    Kind(
        "two records of one name are one",
        f"{LOGIC}.names",
        'return [n if plain.count(n) == 1 else f"{n}~{i}" for i, n in enumerate(plain)]',
        "return plain",
        Kind(
            "classes are called by the last part of their names",
            f"{LOGIC}.names",
            'cls.__qualname__.rpartition("<locals>.")[2]',
            "cls.__name__",
        ),
    ),
    Kind(
        "the values of a map in a sequence are its keys",
        f"{LOGIC}.containers",
        'case "keys", Function():',
        'case "keys" | "values", Function():',
    ),
    Kind(
        "a negative index is beyond the end",
        f"{LOGIC}.containers",
        "return choice(less(index, Number(0)), plus(length, index), index)",
        "return index",
    ),
    Kind(
        "an order is taken for the other way round",
        f"{LOGIC}.logic",
        "return neg(order(b, a)) if strict else order(a, b)",
        "return neg(order(a, b)) if strict else order(b, a)",
    ),
    Kind(
        "a model without a beginning begins",
        "ratified.smt.proving",
        "if all(f.formula == TRUE for f in self.facts):",
        "if True:",
    ),
    Kind(
        "of a majority nothing but that two meet is looked for in small models",
        f"{LOGIC}.small",
        "counted = [_counted(s, sizes) for s in symbols if is_majority(s)]",
        "counted = []",
    ),
    Kind(
        "the state before is the state after",
        f"{LOGIC}.logic",
        "context.old",
        "context.now",
    ),
)


@contextlib.contextmanager
def planted(kind: Kind) -> Iterator[None]:
    """The translation with a fault of a kind in it. Raises LookupError if its source is not what the table says."""
    module = importlib.import_module(kind.module)
    source = inspect.getsource(module)
    if kind.old not in source:
        raise LookupError(f"{kind.says}: {kind.module} has no {kind.old!r}")
    before = {(c.co_name, c.co_firstlineno): c for c in all_codes(compile(ast.parse(source), "", "exec"))}
    wrong_source = source.replace(kind.old, kind.new)
    shift = kind.new.count("\n") - kind.old.count("\n")
    at = source[: source.index(kind.old)].count("\n") + 1
    made = {
        (c.co_name, c.co_firstlineno): c
        for c in all_codes(compile(wrong_source, module.__file__ or "", "exec"))
    }
    changed = []
    for function in functions_of(module):
        name, line = function.__code__.co_name, function.__code__.co_firstlineno
        code = made.get((name, line + shift if line > at else line))
        old = before.get((name, line))
        if code is None or code == old or code.co_freevars != function.__code__.co_freevars:
            continue
        changed.append((function, function.__code__, code))
    if not changed:
        raise LookupError(f"{kind.says}: no function of {kind.module} is changed by it")
    for function, _, wrong in changed:
        function.__code__ = wrong
    try:
        with contextlib.nullcontext() if kind.also is None else planted(kind.also):
            yield
    finally:
        for function, right, _ in changed:
            function.__code__ = right


@dataclass(frozen=True, slots=True)
class Found:
    """After how many scripts a fault is found by holding formulas to CPython, and by the engines without that; 0 if not."""

    kind: Kind
    validation: int
    engines: int
    how: str


def written(cls: type[Model]) -> int | None:
    """What the obligations of a script are as text, in a number; None if it is refused."""
    try:
        obligations = Translation(script_of(cls)).obligations()
    except RatifiedError:
        return None
    except Exception:  # noqa: BLE001  # whatever a fault leads to is something else
        return 0
    return hash(tuple(text(f.formula) for o in obligations for f in o.facts))


def found_by(
    kind: Kind,
    models: Sequence[tuple[int, type[Model], int | None]],
    words: dict[int, str],
    *,
    asked: int = 8,
) -> Found:
    """Look for a fault of a kind among scripts, each with its number and its obligations.

    The engines are asked about so many whose obligations the fault changes. `words` are what they say without it, by number, as
    far as it was asked before.
    """
    with planted(kind):
        validation = next((count for count, cls, _ in models if holds(cls)), 0)
        changed = (m for m in models if written(m[1]) != m[2])
        several = list(itertools.islice(changed, asked))
    for count, cls, _ in several:
        if count not in words:
            words[count] = _asked(cls).word
    with planted(kind):
        for count, cls, _ in several:
            said = _asked(cls)
            if said.failures or said.reason == "not explained":
                return Found(kind, validation, count, (said.failures or [said.reason])[0].splitlines()[0])
            if words[count] == "proved" and said.word != "proved":
                return Found(kind, validation, count, f"what is proved without it is {said.word}")
    return Found(kind, validation, 0, "")


def _asked(cls: type[Model]) -> Compared:
    """What the engines say by themselves."""
    with mock.patch.object(proving, "validated", return_value=None):
        return compared(cls, second=False, finite=False)


def corpus(number: int, folder: Path) -> list[tuple[int, type[Model], int | None]]:
    """So many scripts that the translation as it is has nothing wrong with, numbered."""
    return [(n, cls, written(cls)) for n, cls in enumerate(scripts(number, folder), 1) if not holds(cls)]


def table(number: int, folder: Path) -> Iterator[str]:
    """The table: a line for each kind, as soon as it is known."""
    models, words = corpus(number, folder), dict[int, str]()
    for kind in KINDS:
        found = found_by(kind, models, words)
        by = (str(found.validation or "not"), str(found.engines or "not"))
        yield f"| {kind.says} | {by[0]} | {by[1]} | {found.how} |"
