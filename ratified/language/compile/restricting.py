"""The containers that guards at the top of an action or `init` restrict its parameters to.

Guarantees: the choices of a parameter are those for which these guards would be true, and asking for them goes wrong only where
the guards themselves would: a container that may have no value, `self.queue[i]`, is asked for where the guards before it hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ratified.language import ir
from ratified.language.ir import Argument, Expr, Function, Kind, Module, Node
from ratified.language.types import BOOL, BoolType, EnumType, MapType, SeqType, SetType, SortType
from ratified.language.uses import Uses, conjuncts, free, is_name, nodes
from ratified.language.values import Bag, Seq, Set

RESTRICTED = (Kind.ACTION, Kind.INIT)
"""Kinds of functions whose parameters are chosen."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """A container that a guard at the top restricts a parameter to, and what the guards before it ask.

    None stands for a question that cannot be asked before the parameter is chosen.
    """

    container: Expr
    before: tuple[Expr | None, ...] = ()


def restriction(
    name: str, earlier: frozenset[str], body: Sequence[Node], functions: Mapping[str, Function]
) -> Restriction | None:
    """The guard at the top that restricts a parameter, if one does; it may stand at the top of a procedure called there."""
    before: list[Expr | None] = []
    for node in body:
        match node:
            case ir.Let(_, names, _) if {name, *earlier}.isdisjoint(names):
                continue
            case ir.Require(_, test):
                for conjunct in conjuncts(test):
                    if container := _container_in(conjunct, name, earlier):
                        return Restriction(container, tuple(before))
                    before.append(conjunct if free(conjunct) <= earlier else None)
            case ir.Do(_, key, given):
                procedure = functions[key]
                for own, value in zip(procedure.arguments, given, strict=True):
                    # There the container may speak of the state alone: names are others.
                    inner = restriction(own.name, frozenset(), procedure.body, functions)
                    if is_name(value, name) and inner is not None:
                        return Restriction(inner.container, (*before, *inner.before))
                if any(isinstance(n, ir.Store | ir.Do) for n in nodes(procedure.body)):
                    return None
                before.append(None)
            case _:
                return None
    return None


def _container_in(test: Expr, name: str, known: frozenset[str]) -> Expr | None:
    """The container in `name in container`, if it depends only on the state and on names that are known by then."""
    if isinstance(test, ir.In) and is_name(test.item, name) and free(test.container) <= known:
        return test.container
    return None


def asked_where_it_has_a_value(module: Module) -> Module:
    """A module in which no container that a parameter is chosen from is asked for where guards before it are false."""
    uses = Uses(module)

    def argument(function: Function, index: int) -> Argument:
        own = function.arguments[index]
        if own.domain is None or not uses.may_fail(own.domain, moved=True):
            return own
        earlier = frozenset(a.name for a in function.arguments[:index])
        found = restriction(own.name, earlier, function.body, module.functions)
        assert found is not None
        asked: list[Expr] = []
        unknown = False
        for test in found.before:
            if test is None:
                unknown = True
            elif not (unknown and uses.may_fail(test, moved=True)):
                asked.append(test)
        if unknown and isinstance(own.type, SortType | EnumType | BoolType):
            return replace(own, domain=None)
        return replace(own, domain=_where(asked, found.container)) if asked else own

    def change(function: Function) -> Function:
        if function.kind not in RESTRICTED:
            return function
        return replace(
            function, arguments=tuple(argument(function, i) for i in range(len(function.arguments)))
        )

    return replace(module, functions={key: change(f) for key, f in module.functions.items()})


def _where(asked: Sequence[Expr], container: Expr) -> Expr:
    """A container where all of this is true, and an empty one elsewhere."""
    span, t = container.span, container.type
    if isinstance(t, MapType):
        t = SetType(t.key)
        container = ir.Convert(span, t, "keys", container)
    empty: object = Set() if isinstance(t, SetType) else Seq() if isinstance(t, SeqType) else Bag()
    test = asked[0] if len(asked) == 1 else ir.And(span, BOOL, tuple(asked))
    return ir.IfElse(span, t, test, container, ir.Literal(span, t, empty))


def asked_first(domain: Expr) -> tuple[tuple[Expr, ...], Expr]:
    """What guards ask before the container that a parameter is chosen from, and that container, as they are written."""
    if (
        isinstance(domain, ir.IfElse) and domain.span == domain.then.span
    ):  # which a conditional of the author's never is
        return tuple(conjuncts(domain.test)), domain.then
    return (), domain
