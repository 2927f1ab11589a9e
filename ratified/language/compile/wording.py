"""Members of an Enum as something else: texts of a `Literal` as those of one with more words, members as their ints.

Guarantees: a function for each pair of types, that every engine treats as it treats the author's own; to CPython, for which a
member is equal to its text, there is nothing to do.
"""

from __future__ import annotations

from ratified.language import ir
from ratified.language.compile.constants import texts_of
from ratified.language.errors import Span
from ratified.language.ir import Argument, Clause, Expr, Function, Kind, Node
from ratified.language.types import BOOL, INT, NONE, EnumType, OptionalType, SetType, Type
from ratified.language.types.texts import written


def words_fit(t: Type, into: Type) -> bool:
    """Whether a type of texts, perhaps optional, has no word that another has not."""
    some, others = texts_of(t), texts_of(into)
    if some is None or others is None or isinstance(t, OptionalType) > isinstance(into, OptionalType):
        return False
    return set(written(some.enum)) <= set(written(others.enum))


def word_too_many(t: Type, into: Type) -> str | None:
    """A word of a type of texts that another has not."""
    some, others = texts_of(t), texts_of(into)
    if some is None or others is None:
        return None
    return next((w for w in written(some.enum) if w not in others.enum.__members__), None)


def with_more_words(t: Type, into: Type, span: Span) -> Function:
    """A text as a value of a type with more words."""
    some, others = texts_of(t), texts_of(into)
    assert some is not None
    assert others is not None
    given = ir.Local(span, t, "word")
    word: Expr = ir.Narrow(span, some, given) if isinstance(t, OptionalType) else given

    def answer(value: Expr) -> Node:
        return ir.Return(span, value if value.type == into else ir.Widen(span, into, value))

    *first, last = [
        (ir.Literal(span, some, m), ir.Literal(span, others, others.enum[m.name])) for m in some.enum
    ]
    body: list[Node] = [
        ir.If(span, ir.Compare(span, BOOL, "==", word, own), (answer(other),), ()) for own, other in first
    ]
    if isinstance(t, OptionalType):
        nothing = answer(ir.Literal(span, NONE, None))
        body = [ir.If(span, ir.IsNone(span, BOOL, given), (nothing,), ()), *body]
    name = "_".join(
        [
            "word",
            *written(some.enum),
            "as",
            *written(others.enum),
            *("none" for o in (t, into) if isinstance(o, OptionalType)),
        ]
    )
    return Function(
        f"ratified.{name}",
        name,
        Kind.HELPER,
        (Argument("word", t),),
        into,
        (*body, answer(last[1])),
        span,
        "",
    )


def value_of(t: EnumType, span: Span) -> Function:
    """The int that is the value of a member."""
    member = ir.Local(span, t, "member")
    *first, last = [(ir.Literal(span, t, m), ir.Return(span, ir.Literal(span, INT, m.value))) for m in t.enum]
    tests = [ir.If(span, ir.Compare(span, BOOL, "==", member, own), (answer,), ()) for own, answer in first]
    name = f"value_of_{t.enum.__name__}"
    key = f"ratified.{name}_{t.enum.__module__.replace('.', '_')}"
    return Function(key, name, Kind.HELPER, (Argument("member", t),), INT, (*tests, last[1]), span, "")


def member_of(t: EnumType, span: Span) -> Function:
    """The member that has an int as its value; there is no value for another int."""
    number = ir.Local(span, INT, "number")
    tests: list[Node] = [
        ir.If(
            span,
            ir.Compare(span, BOOL, "==", number, ir.Literal(span, INT, m.value)),
            (ir.Return(span, ir.Literal(span, t, m)),),
            (),
        )
        for m in t.enum
    ]
    nothing = Clause(("none_",), ir.MakeSet(span, SetType(t), ()), ())
    none = ir.Collect(span, t, "min", ir.Local(span, t, "none_"), (nothing,), ir.Literal(span, INT, 0))
    name = f"member_of_{t.enum.__name__}"
    key = f"ratified.{name}_{t.enum.__module__.replace('.', '_')}"
    body = (*tests, ir.Return(span, none))
    return Function(key, name, Kind.HELPER, (Argument("number", INT),), t, body, span, "")


def has_ints(t: EnumType) -> bool:
    """Whether the values of an Enum are ints."""
    return all(type(m.value) is int for m in t.enum)
