"""Lowering: a model in fewer words, for backends that have to say what each word means.

Every pass is small, has a name, and stands in a list that says their order, one for each kind of backend. What is left after
those for logic (`PASSES`):

- no `Negative Absolute IsLast Disjoint IndexOf Zip`;
- comprehensions run through the keys of a map, not through its values or items;
- no loop over a display or a constant range;
- `return` only where nothing follows it, outside of loops;
- no name that is bound inside of an expression, or at the top of a body, stands for two things in one function.

For code (`CODE_PASSES`) only such words go as cost nothing: a row of comparisons for `isdisjoint` or `index` would take the place
of one instruction or expression, and no statement is said twice. What is left has

- no `Negative IsLast`;
- nothing behind a conditional of which a branch always returns;
- names as above.

Guarantees: each pass keeps what a function does: values, guards, changes, left bounds and errors, as the evaluator says;
arguments of functions keep their names; new names are none that a source could have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ratified.language.ir import Function, Module
from ratified.language.lower.desugar import desugared, without_synonyms
from ratified.language.lower.domains import through_keys
from ratified.language.lower.names import named_apart
from ratified.language.lower.returns import returning_apart, returning_last
from ratified.language.lower.unroll import unrolled

LoweringPass = Callable[[Function], Function]

PASSES: tuple[LoweringPass, ...] = (desugared, through_keys, unrolled, returning_last, named_apart)

CODE_PASSES: tuple[LoweringPass, ...] = (without_synonyms, returning_apart, named_apart)


def lowered(module: Module, passes: Sequence[LoweringPass] = PASSES) -> Module:
    """A module with all functions lowered."""
    functions = dict(module.functions)
    for one in passes:
        functions = {key: one(function) for key, function in functions.items()}
    return replace(module, functions=functions)
