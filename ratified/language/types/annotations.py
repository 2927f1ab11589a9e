"""Types as they are written, in Python's annotations, and as they go together: the least type of several, what fits into what."""

from __future__ import annotations

import types as python_types
import typing
from collections import Counter, abc, defaultdict, deque
from collections.abc import Sequence
from enum import Enum
from functools import reduce

from ratified.language.partial import PartialMap
from ratified.language.sorts import Ordered, Sort, Symmetric
from ratified.language.types.bounds import unbounded, without_own_bounds
from ratified.language.types.forms import (
    BOOL,
    INT,
    NONE,
    AtMost,
    BagType,
    EnumType,
    IntType,
    MapType,
    NoneType,
    OptionalType,
    Range,
    RecordType,
    SeqType,
    SetType,
    SortType,
    TupleType,
    Type,
    UnionType,
    children,
    rebuild,
    records_of,
)
from ratified.language.types.texts import Text, is_word, text_enum, written
from ratified.language.values import Bag, Map, Seq, Set


class AnnotationProblem(Exception):
    """An annotation that is no type of the language. `remedy` says what to write."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def from_annotation(annotation: object) -> Type:
    """The type an annotation means. Raises AnnotationProblem."""
    if annotation is None or annotation is type(None):
        return NONE
    if annotation is bool:
        return BOOL
    if annotation is int:
        return INT
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _bounded(from_annotation(arguments[0]), arguments[1:])
    if origin in (typing.Union, python_types.UnionType):
        return join(*(from_annotation(a) for a in arguments))
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return TupleType(tuple(from_annotation(a) for a in arguments))
    if origin is typing.Literal:
        return _literal(arguments)
    if origin in (Map, PartialMap) and len(arguments) != 2:
        name = _name(origin)
        raise AnnotationProblem(
            f"{name} needs the types of its keys and of its values", f"write {name}[K, V]"
        )
    if origin is Map:
        return MapType(from_annotation(arguments[0]), from_annotation(arguments[1]))
    if origin is PartialMap:
        return _partial(arguments)
    if origin is Set:
        return SetType(from_annotation(arguments[0]))
    if origin is Bag:
        return BagType(from_annotation(arguments[0]))
    if origin is Seq:
        return SeqType(from_annotation(arguments[0]))
    if isinstance(annotation, type):
        if annotation in (Map, PartialMap, Set, Bag, Seq):
            raise AnnotationProblem(
                f"{annotation.__name__} needs its element type", f"write {annotation.__name__}[...]"
            )
        if "__record_types__" in vars(annotation):
            return RecordType(annotation)
        if issubclass(annotation, Enum):
            return _enum(annotation)
        if issubclass(annotation, Sort):
            if annotation in (Sort, Symmetric, Ordered):
                raise AnnotationProblem(
                    f"{annotation.__name__} itself is not a sort", "derive a class from it"
                )
            return SortType(annotation)
    raise AnnotationProblem(
        f"{_name(annotation)} is not a type of the modelling language", _instead(annotation, origin)
    )


def _enum(enum: type[Enum]) -> Type:
    """An Enum whose members are nothing else to Python, or texts that are declared in the order that they have there."""
    if issubclass(enum, int):
        raise AnnotationProblem(
            f"the members of {enum.__name__} are ints to Python",
            f"write class {enum.__name__}(Enum), and x.value for the int of a member",
        )
    texts = issubclass(enum, Text)  # which are in the order of the alphabet
    if not texts and issubclass(enum, str) and [m.value for m in enum] != sorted(m.value for m in enum):
        raise AnnotationProblem(
            f"the members of {enum.__name__} are not in the order of their texts",
            f"write class {enum.__name__}(Enum), whose members are no texts to Python",
        )
    return EnumType(enum)


def _partial(arguments: tuple[object, ...]) -> Type:
    """What `PartialMap[K, V]` stands for."""
    key, value = map(from_annotation, arguments)
    if isinstance(value, OptionalType | NoneType):
        raise AnnotationProblem(
            "the values of a PartialMap cannot be None, which is how a key is absent",
            f"write PartialMap[{key}, {value.item if isinstance(value, OptionalType) else 'V'}]",
        )
    return MapType(key, OptionalType(value), partial=True)


def _literal(values: tuple[object, ...]) -> Type:
    """What `Literal["idle", "busy"]` stands for."""
    wrong = next((v for v in values if not is_word(v)), None)
    if values and all(type(v) is int for v in values):
        low, high = min(v for v in values if isinstance(v, int)), max(v for v in values if isinstance(v, int))
        raise AnnotationProblem(
            "a Literal of ints is not a type of the modelling language",
            f"write Annotated[int, Range({low}, {high})]",
        )
    if wrong is not None:
        what = "is not a name" if isinstance(wrong, str) else "is not a string"
        raise AnnotationProblem(
            f"{wrong!r} in a Literal {what}",
            'write Literal["idle", "busy"], with names as values, or an Enum',
        )
    return EnumType(text_enum(tuple(str(v) for v in values)))


def _name(annotation: object) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is not None and arguments:
        return f"{_name(origin)}[{', '.join(map(_name, arguments))}]"
    if annotation is Ellipsis:
        return "..."
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


_LIKE_SEQ = (list, typing.Sequence, abc.Sequence, abc.Iterable, abc.Collection, abc.MutableSequence, deque)
_LIKE_SET = (set, frozenset, abc.Set, abc.MutableSet)
_LIKE_MAP = (dict, typing.Mapping, abc.Mapping, abc.MutableMapping, defaultdict)


def _instead(annotation: object, origin: object) -> str:
    """What to write in place of an annotation that is no type."""
    kind = origin or annotation
    inside = ", ".join(_name(a) for a in typing.get_args(annotation) if a is not Ellipsis)
    if kind in _LIKE_MAP:
        whole = inside or "K, V"
        return f"write Map[{whole}] (a value for every key) or PartialMap[{whole}] (like a dict)"
    if kind is Counter:
        return f"write Annotated[Bag[{inside or 'T'}], AtMost(n)]"
    if kind in _LIKE_SET:
        return f"write Set[{inside or 'T'}]"
    if kind in _LIKE_SEQ or kind is tuple:
        pair = ", or tuple[A, B] for a pair" if kind is tuple else ""
        item = inside or "T"
        return f"write Annotated[Seq[{item}], AtMost(n)]{pair}; Seq[{item}] of a parameter or local name"
    if kind is typing.Self:
        return "a state is a parameter of an @step_invariant or @action_constraint: def f(self, old: Self) -> bool"
    if kind is str:
        return 'write Literal["idle", "busy"] listing every value, or an Enum'
    if kind in (float, bytes, complex):
        return "use an Enum, a sort, or Annotated[int, Range(low, high)]: a model needs finite types"
    if isinstance(annotation, range) and annotation.step == 1:
        return f"write Annotated[int, Range({annotation.start}, {annotation.stop - 1})]"
    if kind is abc.Callable:
        return "functions are no values: write a helper method, and call it"
    if isinstance(annotation, typing.TypeVar):
        return "write one function for each type"
    if kind is typing.Final:
        return "leave the annotation out, or write ClassVar[int]"
    if kind in (object, typing.Any):
        return "name the type: docs/language.md has a table of them"
    if isinstance(kind, type):
        return f"mark it `@record class {kind.__name__}`, or derive it from Enum or Sort"
    return "see the table of types in docs/language.md"


def _bounded(base: Type, marks: Sequence[object]) -> Type:
    for given in marks:
        mark = Range(given.start, given.stop - 1) if isinstance(given, range) else given
        match base, mark:
            case IntType(), Range(int(low), int(high)) if low > high:
                raise AnnotationProblem(
                    f"no int is within Range({low}, {high})", "write the lower bound first"
                )
            case IntType(), Range(low, high):
                base = IntType(low, high)
            case SeqType(item), AtMost(size, None):
                base = SeqType(item, size)
            case SetType(item), AtMost(size, None):
                base = SetType(item, size)
            case BagType(item), AtMost(size, copies):
                base = BagType(item, size, copies)
            case _, Range():
                raise AnnotationProblem(
                    f"Range bounds an int, not {base}", "write Annotated[int, Range(low, high)]"
                )
            case _, AtMost():
                raise AnnotationProblem(
                    f"this AtMost does not fit {base}",
                    "AtMost(size) is for Seq, Set and Bag, copies= for Bag",
                )
            case _:
                pass  # other people's annotations are none of our business
    return base


def join(*several: Type) -> Type:
    """The least type that holds the values of all. Raises AnnotationProblem if there is none."""
    return reduce(_join, several)


def _join_optional(a: Type, b: Type) -> Type | None:
    """The least type of both, if one of them may be None."""
    match a, b:
        case (NoneType(), other) | (other, NoneType()):
            return other if isinstance(other, OptionalType) else OptionalType(other)
        case (
            (OptionalType(item), OptionalType(other))
            | (OptionalType(item), other)
            | (other, OptionalType(item))
        ):
            return OptionalType(_join(item, other))
    return None


def _join(a: Type, b: Type) -> Type:
    if a == b:
        return a
    if (optional := _join_optional(a, b)) is not None:
        return optional
    if records_of(a) and records_of(b):
        parts = set(records_of(a)) | set(records_of(b))
        return UnionType(tuple(sorted(parts, key=lambda r: (r.record.__name__, r.record.__module__))))
    match a, b:
        case IntType(), IntType():
            return INT
        case EnumType(), EnumType() if issubclass(a.enum, Text) and issubclass(b.enum, Text):
            words = (*written(a.enum), *(w for w in written(b.enum) if w not in a.enum.__members__))
            return next((t for t in (a, b) if len(t.enum) == len(words)), EnumType(text_enum(words)))
        case MapType(k, x), MapType(j, y) if unbounded(k) == unbounded(j) and a.partial == b.partial:
            return MapType(k if k == j else unbounded(k), _join(x, y), a.partial)
    inside, others = children(a), children(b)
    if isinstance(a, MapType) or type(a) is not type(b) or not len(inside) == len(others) > 0:
        raise AnnotationProblem(
            f"{a} and {b} have no type in common",
            "a union is made of records and None only: wrap the values in records",
        )
    joined = map(_join, inside, others)
    return rebuild(without_own_bounds(a), lambda _: next(joined))


def fits(t: Type, into: Type) -> bool:
    """Whether every value of one type is a value of the other, bounds (checked when stored) apart."""
    return _fits(unbounded(t), unbounded(into))


def _fits(t: Type, into: Type) -> bool:
    if t == into:
        return True
    if isinstance(into, OptionalType):
        return isinstance(t, NoneType) or _fits(t.item if isinstance(t, OptionalType) else t, into.item)
    if not isinstance(t, OptionalType) and (records := set(records_of(t))) and records_of(into):
        return records <= set(records_of(into))
    match t, into:
        case MapType(key), MapType(other) if key != other or t.partial != into.partial:
            return False
    inside, others = children(t), children(into)
    same = type(t) is type(into) and not isinstance(t, RecordType) and len(inside) == len(others) > 0
    return same and all(map(_fits, inside, others))
