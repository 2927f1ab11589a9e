"""Sequential models: what an object does when operations come one at a time.

Any class with these members serves. `step` gives the states that are possible after an operation which returned what it did:
none if it could not have, several if the object may choose. The result is UNKNOWN for an operation that has not returned.
Members that may be there besides, which save search; none may change what is linearizable:

- `anonymous = True`: it does not matter which process calls;
- `only_reads(operation)`: one which returned what it did changes no state;
- `taken_by(operations)`: by which position one that has not returned must have taken effect;
- `simpler(operations)`: for each, one that may stand for it, or None if it may be left out (only one that has not returned);
- `precedes(operations)`, asked of what is left: pairs that have returned, of which the first must have taken effect before the
  second, whatever the times (before itself, if it cannot have returned what it did);
- `waits(operation)`: it may as well take effect as late as it can;
- `reach(operation)`: None if it can return what it did in any state, or else a function of a state and of others that may take
  effect before it does, which is false only where no order of some of them leads to a state in which it can.

Guarantees: pure; states can be hashed and compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

from ratified.follow.linearizability import registers
from ratified.follow.linearizability.counters import CounterObject
from ratified.follow.linearizability.growing import ListObject, SetObject
from ratified.follow.linearizability.history import UNKNOWN, HistoryError, Operation, Unseen, exactly

SequentialState = Hashable

NEAR: Final = 64
"""So many that were taken last before a value are said to have gone in before it: more would help little, and cost more."""


class SequentialModel(Protocol):
    """An object, one operation at a time."""

    @property
    def functions(self) -> Sequence[str]:
        """The operations it has."""

    def initial(self) -> SequentialState:
        """The state before the first operation."""

    def step(self, state: Any, operation: Operation) -> Sequence[SequentialState]:
        """The possible states after an operation with the result it had; empty if it cannot have had it."""

    def part(self, operation: Operation) -> Hashable:
        """What the operation is about: operations about different parts do not touch each other (Herlihy & Wing, locality)."""


def told_of(model: SequentialModel, operations: Sequence[Operation]) -> list[tuple[Operation, Operation]]:
    """The operations that matter, each with what stands for it: see `taken_by` and `simpler` of models."""
    taken_by: Callable[[Sequence[Operation]], Iterable[tuple[Operation, int]]]
    taken_by = getattr(model, "taken_by", lambda _: ())
    ends = {id(o): end for o, end in taken_by(operations)}
    settled = [replace(o, end=ends[id(o)]) if id(o) in ends else o for o in operations]
    simpler: Callable[[Sequence[Operation]], Sequence[Operation | None]]
    simpler = getattr(model, "simpler", lambda same: same)
    return [(o, one) for o, one in zip(operations, simpler(settled), strict=True) if one is not None]


def preceding(
    model: SequentialModel, operations: Sequence[Operation]
) -> Iterable[tuple[Operation, Operation]]:
    """See `precedes` of models; nothing, for a model that does not say."""
    precedes: Callable[[Sequence[Operation]], Iterable[tuple[Operation, Operation]]]
    precedes = getattr(model, "precedes", lambda _: ())
    return precedes(operations)


def same(a: object, b: object) -> bool:
    """Equal as JSON: 1 is not true."""
    return (
        a == b
        and isinstance(a, bool) == isinstance(b, bool)
        and (not isinstance(a, tuple) or exactly(a) == exactly(b))
    )


@dataclass(frozen=True, slots=True)
class Register:
    """One value. `read`, `write` V, `cas` [old, new] (which returns false if the value was not the old one)."""

    value: Any = None
    functions: Sequence[str] = ("read", "write", "cas")
    anonymous: bool = True

    def initial(self) -> SequentialState:
        """Its first value."""
        return self.value  # type: ignore[no-any-return]  # whatever it is, it can be hashed

    def part(self, operation: Operation) -> Hashable:  # noqa: ARG002 - there is one
        """A register is all one."""
        return None

    def only_reads(self, operation: Operation) -> bool:
        """Reads, and a cas that did not swap."""
        return operation.function in ("read", "get") or (
            operation.function == "cas" and operation.result is False
        )

    def taken_by(self, operations: Sequence[Operation]) -> Iterable[tuple[Operation, int]]:
        """What was seen had been written."""
        return registers.taken_by(operations, self.value)

    def simpler(self, operations: Sequence[Operation]) -> Sequence[Operation | None]:
        """Values that nobody saw are alike."""
        return registers.simpler(operations)

    def precedes(self, operations: Sequence[Operation]) -> Iterable[tuple[Operation, Operation]]:
        """What values that were written once tell."""
        return registers.precedes(operations, self.value)

    def step(self, state: Any, operation: Operation) -> Sequence[SequentialState]:
        """Read what was written last."""
        function, result = operation.function, operation.result
        if function in ("read", "get"):
            return (state,) if result is UNKNOWN or same(state, result) else ()
        if function in ("write", "put"):
            return (operation.argument,)
        if function == "delete":
            return (None,)
        if function != "cas":
            raise HistoryError(
                f"the model has no operation {function!r}", remedy=f"it has {', '.join(self.functions)}"
            )
        match operation.argument:
            case (old, new):
                swaps = same(state, old)
            case _:
                raise HistoryError(f"the value of a cas is [old, new], not {operation.argument!r}")
        if result is UNKNOWN:
            return (new,) if swaps else (state,)
        if result is False:
            return () if swaps else (state,)
        return (new,) if swaps else ()


@dataclass(frozen=True, slots=True)
class KeyValue(Register):
    """A register for each key: `read`/`get`, `write`/`put`, `cas` [old, new], `delete`. No value is null."""

    functions: Sequence[str] = ("read", "get", "write", "put", "cas", "delete")

    def part(self, operation: Operation) -> Hashable:
        """The key."""
        if operation.key is None:
            raise HistoryError(f"{operation} has no key", remedy="every event of a key-value store has a key")
        return operation.key  # type: ignore[no-any-return]  # frozen when it was read


@dataclass(frozen=True, slots=True)
class Queue:
    """First in, first out: `enqueue` V, `dequeue` (which returns null if there is nothing)."""

    functions: Sequence[str] = ("enqueue", "dequeue")
    anonymous: bool = True

    def initial(self) -> SequentialState:
        """Nothing."""
        return ()

    def part(self, operation: Operation) -> Hashable:
        """Its key, if there are several queues."""
        return operation.key  # type: ignore[no-any-return]  # frozen when it was read

    def taken_by(self, operations: Sequence[Operation]) -> Iterable[tuple[Operation, int]]:
        """What came out had gone in."""
        puts = [o for o in operations if o.function == "enqueue"]
        count = Counter(exactly(o.argument) for o in puts)
        waiting = {exactly(o.argument): o for o in puts if o.end is None and count[exactly(o.argument)] == 1}
        for out in sorted((o for o in operations if _took(o)), key=lambda o: o.end or 0):
            one = waiting.get(exactly(out.result))
            if one is not None and one.call < (out.end or 0):
                yield waiting.pop(exactly(out.result)), out.end or 0

    def simpler(self, operations: Sequence[Operation]) -> Sequence[Operation | None]:
        """Values that nobody was given are alike, and need not have gone in where nobody was told that they did."""
        given = {exactly(o.result) for o in operations if _took(o)}

        def one(o: Operation) -> Operation | None:
            if o.function != "enqueue" or exactly(o.argument) in given:
                return o
            return None if o.end is None else replace(o, argument=Unseen(o.argument))

        return [one(o) for o in operations]

    def reach(self, operation: Operation) -> Callable[[tuple[Any, ...], Sequence[Operation]], bool] | None:
        """Something is taken once others have taken all before it, those included that were never answered."""
        return partial(_can_be_taken, operation.result) if operation.function == "dequeue" else None

    def precedes(self, operations: Sequence[Operation]) -> Iterable[tuple[Operation, Operation]]:
        """What comes out went in, and what comes out first went in first: of values that were put in once."""
        puts = [o for o in operations if o.function == "enqueue"]
        values = Counter(o.argument for o in puts)
        ins = {o.argument: o for o in puts if values[o.argument] == 1 and o.argument is not None}
        outs: dict[Any, Operation] = {}
        takes = [o for o in operations if o.function == "dequeue"]
        for out in (o for o in takes if o.result is not UNKNOWN):
            in_once = ins.get(out.result)
            if in_once is None:
                if out.result is not None and out.result not in values:
                    yield out, out
            elif out.result in outs or in_once.call > (out.end or 0):
                yield out, out
            else:
                outs[out.result] = out
        came = sorted((out.end or 0, ins[v], out) for v, out in outs.items() if ins[v].end is not None)
        yield from ((one, out) for _, one, out in came)
        for _, other, later in came:
            until = bisect_left(came, (later.call,))
            yield from ((one, other) for _, one, _ in came[max(0, until - NEAR) : until])
        yield from _around_nothing(
            [o for o in takes if o.result is None], [(ins[v], out) for v, out in outs.items()]
        )
        if not any(o.result is UNKNOWN for o in takes):
            stays = (
                o
                for o in puts
                if isinstance(o.argument, Unseen) or (o.argument in ins and o.argument not in outs)
            )
            left = [o for o in stays if o.end is not None]
            yield from ((one, other) for _, one, _ in came[-NEAR:] for other in left)

    def step(self, state: tuple[Any, ...], operation: Operation) -> Sequence[SequentialState]:
        """Out comes what went in first."""
        if operation.function == "enqueue":
            return ((*state, operation.argument),)
        if operation.result is UNKNOWN:
            return (state[1:],)
        if not state:
            return (state,) if operation.result is None else ()
        return (state[1:],) if same(state[0], operation.result) else ()


def _around_nothing(
    nothing: Sequence[Operation], passed: Sequence[tuple[Operation, Operation]]
) -> Iterable[tuple[Operation, Operation]]:
    """Where nothing is left, what went in before has come out, and what comes out later goes in later."""
    called = sorted(passed, key=lambda one: one[0].call)
    ended = sorted(((i, o) for i, o in passed if i.end is not None), key=lambda one: one[0].end or 0)
    for none in nothing:
        start, end = none.call, none.end or 0
        until = bisect_left(called, end, key=lambda one: one[0].call)
        yield from (
            (none, i) for i, o in called[max(0, until - NEAR) : until] if o.call > end and i.end is not None
        )
        until = bisect_left(ended, start, key=lambda one: one[0].end or 0)
        yield from ((o, none) for _, o in ended[max(0, until - NEAR) : until] if (o.end or 0) > start)


def _took(operation: Operation) -> bool:
    """Whether somebody was given something."""
    return (
        operation.function == "dequeue" and operation.result is not UNKNOWN and operation.result is not None
    )


def _can_be_taken(value: object, state: tuple[Any, ...], others: Sequence[Operation]) -> bool:
    """Whether others may take all that is before a value; before null is all that there is."""
    before = state[: state.index(value)] if value is not None and value in state else state
    if (
        before is state
        and value is not None
        and not any(o.function == "enqueue" and same(o.argument, value) for o in others)
    ):
        return False
    takers = Counter(o.result for o in others if o.function == "dequeue")
    return sum(max(0, n - takers[v]) for v, n in Counter(before).items()) <= takers[UNKNOWN]


@dataclass(frozen=True, slots=True)
class Lock:
    """Mutual exclusion: `acquire` and `release`, by the process that calls."""

    functions: Sequence[str] = ("acquire", "release")

    def initial(self) -> SequentialState:
        """Free."""
        return None

    def part(self, operation: Operation) -> Hashable:
        """Its key, if there are several locks."""
        return operation.key  # type: ignore[no-any-return]  # frozen when it was read

    def step(self, state: Any, operation: Operation) -> Sequence[SequentialState]:
        """Whoever has it must release it before the next."""
        holder = ("held by", operation.process)
        if operation.function == "acquire":
            return (holder,) if state is None else ()
        return (None,) if state == holder else ()


MODELS: dict[str, Callable[[], SequentialModel]] = {
    "register": Register,
    "kv": KeyValue,
    "queue": Queue,
    "lock": Lock,
    "list": ListObject,
    "set": SetObject,
    "counter": CounterObject,
}
"""The models that have a name."""
