"""A variable, or a place in it, given a value.

Guarantees: what stands elsewhere in the variable stays; a place that is not there stops TLC.
"""

from __future__ import annotations

from dataclasses import replace

from ratified.language import ir
from ratified.language.ir import Expr
from ratified.language.rules import Rules
from ratified.language.types import IntType, MapType, RecordType, SeqType, TupleType, Type, resolved
from ratified.tla import comments
from ratified.tla.bounds import within
from ratified.tla.context import TranslatedStatements, UpdatedPlace
from ratified.tla.formulas import Except, string
from ratified.tla.syntax import Apply, Infix, Leaf, Tla
from ratified.tla.typesets import belongs, bounded, type_set
from ratified.tla.vocabulary import Vocabulary

STORES: Rules[TranslatedStatements, bool | None] = Rules("TLA+ of stores")


@STORES.rule(ir.Store)
def _store(node: ir.Store, r: TranslatedStatements) -> bool:
    f, name = r.frame, node.variable
    if node.which is ir.Which.ABSTRACT:
        f.env[f"\0{name}"] = f.expr(node.value)
        return False
    current = f.standing(name, f.words.variables[name])
    r.guards += within(node.value, f, stored=True)
    for key in node.path:
        r.guards += within(key, f)
    if name in f.now and name not in r.shrunk and not r.initial and bounded(f.words.declared(name)):
        current = f.variable(name, ir.Which.NOW, f.words.variables[name])
        r.guards += belongs(current, f.words.declared(name), f.words, f.names)
    if comment := comments.around(node.span):
        r.notes[name] = (*r.notes.get(name, ()), *comment)
    (r.shrunk.add if _shrinks(node.value) else r.shrunk.discard)(name)
    value = _replaced(node, current, r) if node.path else replace(f, own=name).expr(node.value)
    f.now[name] = value
    return False


def _replaced(node: ir.Store, current: Tla, r: TranslatedStatements) -> Tla:
    """The variable with another value at a path."""
    f, name = r.frame, node.variable
    plain = isinstance(current, Leaf)
    if not plain and not (isinstance(current, Except) and isinstance(current.base, Leaf)):
        current = f.variable(name, ir.Which.NOW, f.words.variables[name])
    t = f.words.declared(name)
    keys: list[Tla] = []
    for key in node.path:
        if isinstance(t, SeqType):
            break
        assert isinstance(t, MapType)
        made = f.expr(key)
        if not _certain_key(key.type, t.key, f.words):
            f.words.need("TLC")
            keys_of = type_set(t.key, f.words)
            if keys_of is not None:
                test = Infix("\\in", made, keys_of)
                r.guards.append(Apply("Assert", (test, string(f"{name} has no such key"))))
        keys.append(made)
        t = t.value
    place = UpdatedPlace(name, tuple(str(k) for k in keys))
    inner = replace(f, place=place)
    value = inner.expr(node.value)
    if len(keys) < len(node.path):  # the last step is a position of a sequence
        here: Tla = Leaf("@") if keys else current
        position = f.words.use("Position", here, f.expr(node.path[-1]))
        value = f.words.use("Replaced", here, position, value)
        if not keys:
            return value
    updates = ((tuple(keys), value),)
    if isinstance(current, Except):
        return Except(current.base, (*current.updates, *updates))
    return Except(current, updates)


def _certain_key(given: Type, wanted: Type, words: Vocabulary) -> bool:
    """Whether every value of a type is a key of a map with keys of another."""
    if isinstance(wanted, IntType):
        try:
            a, b = resolved(given, words.model.scope), resolved(wanted, words.model.scope)
        except Exception:  # noqa: BLE001  # a bound that cannot be known here
            return False
        return a == b
    return not isinstance(wanted, TupleType | RecordType)


def _shrinks(value: Expr) -> bool:
    """Whether a stored value is certainly within the bounds of its type if what stood there is."""
    while isinstance(value, ir.Fit | ir.Widen | ir.Narrow):
        value = value.operand
    if isinstance(value, ir.Remove | ir.Pop):
        return isinstance(value.container, ir.Variable | ir.At)
    return isinstance(value, ir.Literal) or (isinstance(value, ir.MakeSet | ir.MakeSeq) and not value.items)
