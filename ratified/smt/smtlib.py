"""Terms as SMT-LIB 2 text, and whole scripts that a solver answers.

Guarantees: what is written is standard (SMT-LIB 2.6) and can be read by any solver; the same terms give the same text, because
bound variables are numbered by where they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ratified.smt.facts import Fact
from ratified.smt.terms import (
    BOOL,
    INT,
    TRUE,
    And,
    Apply,
    Arithmetic,
    Bound,
    Choice,
    Equal,
    Not,
    Number,
    Or,
    Quantified,
    Symbol,
    Term,
    The,
    mentioned,
    symbols_of,
)


def text(term: Term, names: Mapping[Bound, str] | None = None) -> str:
    """A term as SMT-LIB text."""
    known = names or {}
    match term:
        case Bound(name, _):
            return known.get(term, name)
        case Apply(symbol, arguments):
            if not arguments:
                return symbol.name
            return f"({symbol.name} {_all(arguments, known)})"
        case Number(value):
            return str(value) if value >= 0 else f"(- {-value})"
        case Equal(left, right):
            return f"(= {text(left, known)} {text(right, known)})"
        case Not(operand):
            return f"(not {text(operand, known)})"
        case And(operands):
            return f"(and {_all(operands, known)})" if operands else "true"
        case Or(operands):
            return f"(or {_all(operands, known)})" if operands else "false"
        case Choice(test, then, orelse):
            return f"(ite {text(test, known)} {text(then, known)} {text(orelse, known)})"
        case Arithmetic(op, operands):
            return f"({op} {_all(operands, known)})"
        case Quantified(universal, variables, body):
            inside = dict(known)
            for variable in variables:
                # No constant is called so, for each of them has a '/' in its name.
                inside[variable] = f"{variable.name.partition('!')[0]}!{len(inside)}"
            binders = " ".join(f"({inside[v]} {v.sort})" for v in variables)
            return f"({'forall' if universal else 'exists'} ({binders}) {text(body, inside)})"
        case The():
            raise AssertionError(term)  # none is left in an obligation


def _all(terms: Iterable[Term], names: Mapping[Bound, str]) -> str:
    return " ".join(text(t, names) for t in terms)


def sorts_in(terms: Iterable[Term]) -> list[str]:
    """The uninterpreted sorts that terms mention, in order of appearance."""
    found = dict.fromkeys(s for t in terms for s in mentioned(t).sorts)
    return [s for s in found if s not in (BOOL, INT)]


def uses_numbers(terms: Iterable[Term]) -> bool:
    """Whether terms mention integers."""
    return any(mentioned(t).numbers for t in terms)


def logic(terms: Iterable[Term]) -> str:
    """The smallest standard logic with quantifiers and free functions that the terms are in."""
    found = list(terms)
    if not uses_numbers(found):
        return "UF"
    return "UFNIA" if any(mentioned(t).hard for t in found) else "UFLIA"


def declaration(symbol: Symbol) -> str:
    """How a symbol is declared."""
    return f"(declare-fun {symbol.name} ({' '.join(symbol.arguments)}) {symbol.result})"


def script(title: str, facts: Sequence[Fact], *, sorts: Sequence[str] = (), ask: Sequence[Term] = ()) -> str:
    """A whole script: what it states as a comment, declarations, assertions with a comment each, and the question.

    `sorts` are declared even if no fact mentions them. With `ask`, the values of these terms in the model, if there is one.
    """
    formulas = [f.formula for f in facts]
    everything = [*formulas, *ask]
    lines = [f"; {line}" for line in title.splitlines()]
    lines += [f"(set-logic {logic(everything)})"]
    lines += [f"(declare-sort {s} 0)" for s in dict.fromkeys([*sorts, *sorts_in(everything)])]
    lines += [declaration(s) for s in symbols_of(everything).values()]
    for fact in facts:
        if fact.formula == TRUE:
            continue
        lines += [*(f"; {line}" for line in fact.says.splitlines()), f"(assert {text(fact.formula)})"]
    lines.append("(check-sat)")
    if ask:
        lines.append(f"(get-value ({' '.join(text(t) for t in ask)}))")
    return "\n".join(lines) + "\n"
